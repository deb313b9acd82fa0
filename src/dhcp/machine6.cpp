#include "dhcp/machine6.hpp"

namespace naru::dhcp {
namespace {

using wire::Dhcp6Ia;
using wire::Dhcp6Option;
using wire::Dhcp6Options;
using wire::Dhcp6Status;
using wire::Dhcp6Type;
using wire::Dhcp6View;

// RFC 9915 7.6.
constexpr std::uint32_t kMaxDelay = 1000;  // ms: SOL_MAX_DELAY, INF_MAX_DELAY
constexpr Patience kRequest{.initial = 1s, .longest = 30s, .most_sent = 10};
constexpr Patience kRenew{.initial = 10s, .longest = 600s};
constexpr Patience kRelease{.initial = 1s, .most_sent = 4};  // and DECLINE

constexpr Duration kProbeLook = 100ms;  // how often the prober is asked
constexpr std::uint8_t kTakeAtOnce = 255;
constexpr std::size_t kMaxDuid = 130;  // RFC 9915 11.1

bool is_asking(State6 state) {
  switch (state) {
    case State6::waiting:
    case State6::probing:
    case State6::bound:
    case State6::informed:
    case State6::stopped:
      return false;
    default:
      return true;
  }
}

// What is sent in a state.
Dhcp6Type type_of(State6 state) {
  switch (state) {
    case State6::soliciting:
      return Dhcp6Type::solicit;
    case State6::requesting:
      return Dhcp6Type::request;
    case State6::renewing:
      return Dhcp6Type::renew;
    case State6::rebinding:
      return Dhcp6Type::rebind;
    case State6::declining:
      return Dhcp6Type::decline;
    case State6::releasing:
      return Dhcp6Type::release;
    default:
      return Dhcp6Type::information_request;
  }
}

std::optional<Lease6> lease_in(const std::optional<Dhcp6Ia>& ia,
                               const std::optional<IpAddr>& wish = {}) {
  if (!ia || ia->options.status() != Dhcp6Status::success) return std::nullopt;
  return Lease6::parse(*ia, wish);
}

Time after(Time start, const std::optional<Duration>& time) {
  return time ? start + *time : kTimeNever;
}

}  // namespace

Status Client6::Machine::open() {
  if (const Status opened = port.open(); !opened) return opened;
  timer = stack.now() + std::chrono::milliseconds(random.below(kMaxDelay));
  return {};
}

Time Client6::Machine::next_deadline() const {
  Time next = is_asking(state) ? retransmission.next() : timer;
  if (state == State6::renewing) next = std::min(next, after(granted, lease->rebinding));
  if (!lease) return next;
  if (!is_deprecated) next = std::min(next, after(granted, lease->preferred));
  return std::min(next, after(granted, lease->lifetime));
}

void Client6::Machine::poll(Time now) {
  stack.set_now(now);
  port.hold();
  receive(now);
  age(now);
  if (now >= next_deadline()) on_timer(now);
}

// --- what comes -----------------------------------------------------------------------------

void Client6::Machine::receive(Time now) {
  port.receive([&](Bytes bytes, const DatagramInfo& info) {
    // Servers speak to one client at a time.
    if (info.destination.is_multicast()) return;
    const auto message = Dhcp6View::parse(bytes);
    if (message && is_ours(*message)) on_message(*message, now);
  });
}

// RFC 9915 16.3, 16.10. A Reconfigure is never one: nobody was told that we accept them.
bool Client6::Machine::is_ours(const Dhcp6View& message) const {
  const auto client = message.options().find(Dhcp6Option::client_id);
  const auto server = message.options().find(Dhcp6Option::server_id);
  return is_asking(state) && message.xid() == xid && client && std::ranges::equal(*client, duid) &&
         server && !server->empty() && server->size() <= kMaxDuid && is_expected(message);
}

bool Client6::Machine::is_expected(const Dhcp6View& message) const {
  if (state == State6::soliciting) {
    const bool is_at_once = config.rapid_commit && message.options().has(Dhcp6Option::rapid_commit);
    return message.type() == Dhcp6Type::advertise ||
           (message.type() == Dhcp6Type::reply && is_at_once);
  }
  if (message.type() != Dhcp6Type::reply) return false;
  if (state == State6::informing || state == State6::rebinding) return true;
  // Who was asked by name.
  const auto& asked = state == State6::renewing ? lease : wanted;
  return std::ranges::equal(*message.options().find(Dhcp6Option::server_id), asked->server);
}

std::optional<Dhcp6Ia> Client6::Machine::ia_of(const Dhcp6View& message) const {
  std::optional<Dhcp6Ia> found;
  message.options().for_each([&](Dhcp6Option code, Bytes data) {
    if (code != Dhcp6Option::ia_na || found) return;
    const auto ia = Dhcp6Ia::parse(data);
    if (ia && ia->id == config.interface) found = ia;
  });
  return found;
}

// RFC 9915 21.24, 21.25: from a minute to a day.
void Client6::Machine::take_bounds(const Dhcp6Options& options) {
  const auto take = [&](Dhcp6Option code, Duration& bound) {
    const auto seconds = options.number32(code);
    if (seconds && *seconds >= 60 && *seconds <= 86'400) bound = std::chrono::seconds(*seconds);
  };
  take(Dhcp6Option::sol_max_rt, sol_max_rt);
  take(Dhcp6Option::inf_max_rt, inf_max_rt);
  if (state == State6::soliciting) retransmission.set_longest(sol_max_rt);
  if (state == State6::informing) retransmission.set_longest(inf_max_rt);
}

void Client6::Machine::on_message(const Dhcp6View& message, Time now) {
  take_bounds(message.options());
  if (message.type() == Dhcp6Type::advertise) return on_advertise(message, now);
  on_reply(message, now);
}

// For the first while all are collected, then the next will do. Who says it twice means it once.
void Client6::Machine::on_advertise(const Dhcp6View& message, Time now) {
  if (message.options().status() != Dhcp6Status::success) return;
  auto lease_offered = lease_in(ia_of(message));
  if (!lease_offered) return;
  const Bytes server = *message.options().find(Dhcp6Option::server_id);
  lease_offered->server.assign(server.begin(), server.end());
  std::erase_if(offers, [&](const Offer& o) { return o.lease.server == lease_offered->server; });
  const std::uint8_t preference = message.options().number8(Dhcp6Option::preference).value_or(0);
  // Of equals the first to answer is the best.
  const auto place = std::ranges::find_if(
      offers, [preference](const Offer& o) { return o.preference >= preference; });
  offers.insert(place, {preference, std::move(*lease_offered)});
  if (offers.size() > kMaxOffers) offers.erase(offers.begin());
  if (preference == kTakeAtOnce || retransmission.sent() > 1) request_best(now);
}

// RFC 9915 18.2.10.
void Client6::Machine::on_reply(const Dhcp6View& message, Time now) {
  switch (state) {
    case State6::soliciting:
    case State6::requesting:
      return on_first_reply(message, now);
    case State6::renewing:
    case State6::rebinding:
      return on_renewed(message, now);
    case State6::informing:
      return on_information(message, now);
    case State6::declining:
      return restart(now);
    default:
      state = State6::stopped;  // released
      timer = kTimeNever;
  }
}

void Client6::Machine::on_first_reply(const Dhcp6View& message, Time now) {
  const Dhcp6Status status = message.options().status();
  // It is asked again when it is time, and by multicast, as ever.
  if (status == Dhcp6Status::unspec_fail || status == Dhcp6Status::use_multicast) return;
  if (status == Dhcp6Status::not_on_link) return restart(now);
  const auto ia = ia_of(message);
  auto lease_granted = lease_in(ia, wanted ? std::optional(wanted->address) : std::nullopt);
  if (!lease_granted || status != Dhcp6Status::success) {
    // Who has nothing is not asked again before another is.
    if (state == State6::requesting) request_best(now);
    return;
  }
  const Bytes server = *message.options().find(Dhcp6Option::server_id);
  lease_granted->server.assign(server.begin(), server.end());
  names = Names6::parse(message.options(), config.interface);
  granted = now;
  probe(std::move(*lease_granted), now);
}

void Client6::Machine::on_renewed(const Dhcp6View& message, Time now) {
  const auto ia = ia_of(message);
  if (!ia || message.options().status() != Dhcp6Status::success) return;
  const Bytes server = *message.options().find(Dhcp6Option::server_id);
  if (ia->options.status() == Dhcp6Status::no_binding) {
    // It does not know the lease, and may give it anew.
    wanted = lease;
    wanted->server.assign(server.begin(), server.end());
    return begin(State6::requesting, kRequest, now);
  }
  auto renewed = lease_in(ia, lease->address);
  if (!renewed) {
    if (!Lease6::is_withdrawn(*ia, lease->address)) return;
    lose();
    return restart(now);
  }
  renewed->server.assign(server.begin(), server.end());
  names = Names6::parse(message.options(), config.interface);
  granted = now;
  if (renewed->address != lease->address) {
    lose();
    return probe(std::move(*renewed), now);
  }
  wanted = std::move(renewed);
  use(now);
}

void Client6::Machine::on_information(const Dhcp6View& message, Time now) {
  if (message.options().status() != Dhcp6Status::success) return;
  names = Names6::parse(message.options(), config.interface);
  state = State6::informed;
  timer = now + names->refresh;
  tell();
}

// --- time -----------------------------------------------------------------------------------

void Client6::Machine::on_timer(Time now) {
  switch (state) {
    case State6::waiting:
    case State6::informed:
      return restart(now);
    case State6::soliciting:
      return offers.empty() ? repeat(now) : request_best(now);
    case State6::probing:
      return look_at_probe(now);
    case State6::bound:
      return begin(State6::renewing, kRenew, now);
    case State6::renewing:
      if (now < after(granted, lease->rebinding)) return repeat(now);
      return begin(State6::rebinding, kRenew, now);
    default:
      return repeat(now);
  }
}

// The prober of ip has the address; what has become of it?
void Client6::Machine::look_at_probe(Time now) {
  const auto address = stack.address_state(wanted->address);
  if (address == AddressState::usable) return use(now);
  if (address == AddressState::probing) {
    timer = now + kProbeLook;
    return;
  }
  (void)stack.remove_address(config.interface, wanted->address);
  begin(State6::declining, kRelease, now);
}

// --- what is sent ---------------------------------------------------------------------------

void Client6::Machine::begin(State6 next, const Patience& patience, Time now) {
  state = next;
  xid = random.next_u32() & 0xffffffU;
  retransmission.start(patience, now, random, next == State6::soliciting);
  send(now);
}

void Client6::Machine::repeat(Time now) {
  if (retransmission.again(now, random)) return send(now);
  // Nobody answers.
  if (state == State6::requesting) return request_best(now);
  if (state == State6::declining) return restart(now);
  state = State6::stopped;
  timer = kTimeNever;
}

void Client6::Machine::add_ia(wire::Dhcp6Writer& writer) const {
  const bool has_lease = state == State6::renewing || state == State6::rebinding;
  const auto& meant = has_lease ? lease : wanted;
  writer.open_ia(config.interface, 0, 0);
  if (meant && state != State6::soliciting) {
    writer.open_address(meant->address, 0, 0);
    writer.close();
  }
  writer.close();
}

// The bounds are to be asked for always (RFC 9915 21.7), the refresh time where there is no
// lease.
void Client6::Machine::add_wishes(wire::Dhcp6Writer& writer) const {
  std::vector<Dhcp6Option> wishes{Dhcp6Option::name_servers, Dhcp6Option::domain_search};
  if (state == State6::informing) {
    wishes.push_back(Dhcp6Option::information_refresh_time);
    wishes.push_back(Dhcp6Option::inf_max_rt);
  } else {
    wishes.push_back(Dhcp6Option::sol_max_rt);
  }
  writer.add_codes(Dhcp6Option::option_request, wishes);
}

// As RFC 9915 18.2.1 to 18.2.8 have it for each type; one that is lost, or one too many, is
// sent again.
void Client6::Machine::send(Time now) {
  if (!pace.allow(now)) return;
  const Dhcp6Type type = type_of(state);
  wire::Dhcp6Writer writer(type, xid);
  writer.add(Dhcp6Option::client_id, duid);
  const bool is_for_all = type == Dhcp6Type::solicit || type == Dhcp6Type::rebind ||
                          type == Dhcp6Type::information_request;
  if (!is_for_all) {
    writer.add(Dhcp6Option::server_id, (state == State6::renewing ? lease : wanted)->server);
  }
  if (type != Dhcp6Type::information_request) add_ia(writer);
  const auto waited = (now - retransmission.began()) / 10ms;
  writer.add16(Dhcp6Option::elapsed_time,
               static_cast<std::uint16_t>(std::clamp<std::int64_t>(waited, 0, 0xffff)));
  if (type != Dhcp6Type::decline && type != Dhcp6Type::release) add_wishes(writer);
  if (type == Dhcp6Type::solicit && config.rapid_commit) writer.add(Dhcp6Option::rapid_commit);
  port.send(writer.finish(), {wire::kAllDhcp6Servers, wire::kDhcp6ServerPort});
}

// What is given back is used no more (RFC 9915 18.2.7).
void Client6::Machine::release(Time now) {
  stack.set_now(now);
  offers.clear();
  if (state == State6::probing) {
    (void)stack.remove_address(config.interface, wanted->address);
    return begin(State6::releasing, kRelease, now);
  }
  if (lease) {
    wanted = lease;
    lose();
    return begin(State6::releasing, kRelease, now);
  }
  state = State6::stopped;
  timer = kTimeNever;
}

// --- the lease ------------------------------------------------------------------------------

void Client6::Machine::restart(Time now) {
  offers.clear();
  wanted.reset();
  if (!config.wants_address) {
    return begin(State6::informing, {.initial = 1s, .longest = inf_max_rt}, now);
  }
  begin(State6::soliciting, {.initial = 1s, .longest = sol_max_rt}, now);
}

void Client6::Machine::request_best(Time now) {
  if (offers.empty()) return restart(now);
  wanted = std::move(offers.back().lease);
  offers.pop_back();
  begin(State6::requesting, kRequest, now);
}

void Client6::Machine::probe(Lease6 lease_granted, Time now) {
  offers.clear();
  wanted = std::move(lease_granted);
  // A lease that its server had forgotten is in use all the time.
  const bool is_ours = lease && lease->address == wanted->address;
  if (is_ours) return use(now);
  lose();
  // RFC 9915 18.2.10.1
  (void)stack.set_option(Option::arp_probe_count, stack.option(Option::ndp_dad_transmits));
  if (!stack.add_address(config.interface, {wanted->address, config.prefix_length})) {
    return begin(State6::declining, kRelease, now);
  }
  state = State6::probing;
  timer = now;
  look_at_probe(now);
}

// What `wanted` grants is ours from now on.
void Client6::Machine::use(Time now) {
  lease = std::move(*wanted);
  wanted.reset();
  state = State6::bound;
  timer = std::max(now, after(granted, lease->renewal));
  tell();
  age(now);
}

// An address is for new connections as long as it is preferred (RFC 4862 5.5.4), and for
// nothing at the end of its lease.
void Client6::Machine::age(Time now) {
  if (!lease) return;
  if (now >= after(granted, lease->lifetime)) {
    lose();
    return restart(now);
  }
  const bool is_old = now >= after(granted, lease->preferred);
  if (std::exchange(is_deprecated, is_old) == is_old) return;
  (void)stack.set_deprecated(lease->address, is_old);
}

void Client6::Machine::lose() {
  if (!lease) return;
  (void)stack.remove_address(config.interface, lease->address);
  lease.reset();
  is_deprecated = false;
  tell();
}

}  // namespace naru::dhcp
