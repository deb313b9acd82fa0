#include "dhcp/machine.hpp"

#include <algorithm>

namespace naru::dhcp {
namespace {

using wire::Dhcp;
using wire::DhcpOption;
using wire::DhcpType;
using wire::DhcpView;

constexpr unsigned kMaxRequests = 4;    // of one offer, then begin anew
constexpr Duration kDeclineWait = 10s;  // RFC 2131 3.1.5
constexpr Duration kLeastRetry = 60s;   // RFC 2131 4.4.5
constexpr Duration kFirstTimeout = 4s;  // RFC 2131 4.1
constexpr unsigned kMaxDoublings = 4;   // 4 s, 8, 16, 32, 64
constexpr Duration kReleaseWait = 1s;   // it leaves while the address is still ours
constexpr Duration kProbeLook = 100ms;  // how often the prober is asked

}  // namespace

Status Client::Machine::open() {
  if (const Status opened = port.open(); !opened) return opened;
  const auto most = static_cast<std::uint32_t>(config.start_delay / 1ms);
  timer = stack.now() + std::chrono::milliseconds(most == 0 ? 0 : random.below(most));
  return {};
}

Time Client::Machine::next_deadline() const {
  if (is_released) return lease ? timer : kTimeNever;
  const Time end = lease && lease->lifetime ? sent + *lease->lifetime : kTimeNever;
  return std::min(timer, end);
}

void Client::Machine::poll(Time now) {
  stack.set_now(now);
  port.hold();
  receive(now);
  if (is_released) {
    if (now >= timer) lose();
    return;
  }
  if (lease && lease->lifetime && now >= sent + *lease->lifetime) {
    lose();
    restart(now);
  }
  if (now >= timer) on_timer(now);
}

// --- what comes ----------------------------------------------------------------------------

void Client::Machine::receive(Time now) {
  port.receive([&](Bytes bytes, const DatagramInfo& info) {
    if (is_released || info.source.port != wire::kDhcpServerPort) return;
    const auto message = DhcpView::parse(bytes);
    if (message && is_ours(*message)) on_message(*message, now);
  });
}

bool Client::Machine::is_ours(const DhcpView& message) const {
  const Dhcp& fixed = message.fixed();
  if (fixed.op != Dhcp::kReply || fixed.xid != xid || fixed.chaddr != config.mac) return false;
  // A server that repeats who it means, means us (RFC 6842).
  const auto named = message.option(DhcpOption::client_id);
  if (!named) return true;
  return named->size() == 7 && (*named)[0] == 1 &&
         std::ranges::equal(named->subspan(1), config.mac.bytes);
}

bool Client::Machine::is_from_chosen(const DhcpView& message) const {
  const std::optional<Lease>& chosen = state == State::requesting ? offer : lease;
  return chosen && message.address(DhcpOption::server_id) == chosen->server;
}

void Client::Machine::on_message(const DhcpView& message, Time now) {
  const auto type = message.type();
  if (type == DhcpType::offer) on_offer(message, now);
  if (type == DhcpType::ack) on_ack(message, now);
  if (type == DhcpType::nak) on_nak(message, now);
}

// The first that can be used.
void Client::Machine::on_offer(const DhcpView& message, Time now) {
  if (state != State::selecting) return;
  offer = Lease::parse(message);
  if (!offer) return;
  state = State::requesting;
  tries = 0;
  request(now);
}

void Client::Machine::on_ack(const DhcpView& message, Time now) {
  auto granted = Lease::parse(message);
  if (!granted) return;
  if (state == State::requesting) {
    if (!is_from_chosen(message) || granted->address.addr != offer->address.addr) return;
    offer = std::move(granted);
    (void)stack.set_option(Option::arp_probe_count, config.probes);
    if (!stack.add_address(config.interface, offer->address)) return restart(now + kDeclineWait);
    state = State::probing;
    timer = now;
    return look_at_probe(now);
  }
  const bool is_renewal = state == State::renewing || state == State::rebinding;
  if (!is_renewal || granted->address != lease->address) return;
  if (state == State::renewing && !is_from_chosen(message)) return;
  remove_routes();
  offer = std::move(granted);
  use(now);
}

// Only who was asked may say no; of all who were asked, anybody.
void Client::Machine::on_nak(const DhcpView& message, Time now) {
  const bool is_asked = state == State::requesting || state == State::renewing;
  if (!(is_asked && is_from_chosen(message)) && state != State::rebinding) return;
  lose();
  restart(now);
}

// --- time ------------------------------------------------------------------------------------

// 4, 8, 16, 32, 64 s, each a second more or less.
Duration Client::Machine::backoff() {
  const Duration base = kFirstTimeout * (1U << std::min(tries, kMaxDoublings));
  ++tries;
  return base - 1s + std::chrono::milliseconds(random.below(2000));
}

Time Client::Machine::retry_at(Time now, Time end) const {
  return std::min(end, now + std::max<Duration>((end - now) / 2, kLeastRetry));
}

void Client::Machine::on_timer(Time now) {
  switch (state) {
    case State::init:
      xid = random.next_u32();
      began = now;
      tries = 0;
      state = State::selecting;
      [[fallthrough]];
    case State::selecting:
      return discover(now);
    case State::requesting:
      return tries < kMaxRequests ? request(now) : restart(now);
    case State::probing:
      return look_at_probe(now);
    case State::bound:
      xid = random.next_u32();
      began = now;
      state = State::renewing;
      [[fallthrough]];
    case State::renewing:
      if (now >= sent + lease->rebinding) state = State::rebinding;
      return renew(now);
    case State::rebinding:
      return renew(now);
  }
}

// The prober of ip has the address; what has become of it?
void Client::Machine::look_at_probe(Time now) {
  const auto address = stack.address_state(offer->address.addr);
  if (address == AddressState::usable) return use(now);
  if (address == AddressState::probing) {
    timer = now + kProbeLook;
    return;
  }
  decline();
  lose_offer();
  restart(now + kDeclineWait);
}

// --- what is sent ------------------------------------------------------------------------------

Dhcp Client::Machine::fixed(Time now) const {
  const auto waited = std::chrono::duration_cast<std::chrono::seconds>(now - began).count();
  return {.xid = xid,
          .secs = static_cast<std::uint16_t>(std::clamp<std::int64_t>(waited, 0, 0xffff)),
          .wants_broadcast = !lease,
          .chaddr = config.mac};
}

// Ethernet and its address (RFC 2132 9.14): the same, however often we start.
void Client::Machine::add_identity(wire::DhcpWriter& writer) const {
  std::array<std::uint8_t, 7> identity{1};
  std::ranges::copy(config.mac.bytes, identity.begin() + 1);
  writer.add(DhcpOption::client_id, identity);
  if (config.host_name.empty()) return;
  writer.add(DhcpOption::host_name, {reinterpret_cast<const std::uint8_t*>(config.host_name.data()),
                                     config.host_name.size()});
}

void Client::Machine::add_wishes(wire::DhcpWriter& writer) const {
  // Classless routes before routers (RFC 3442).
  constexpr std::array kWishes{
      DhcpOption::subnet_mask,   DhcpOption::classless_routes,  DhcpOption::routers,
      DhcpOption::name_servers,  DhcpOption::host_name,         DhcpOption::domain_name,
      DhcpOption::interface_mtu, DhcpOption::broadcast_address, DhcpOption::time_servers,
      DhcpOption::domain_search, DhcpOption::renewal_time,      DhcpOption::rebinding_time};
  std::array<std::uint8_t, kWishes.size()> codes{};
  std::ranges::transform(kWishes, codes.begin(),
                         [](DhcpOption code) { return static_cast<std::uint8_t>(code); });
  writer.add(DhcpOption::parameter_list, codes);
  writer.add16(DhcpOption::max_message_size, 1500);
}

void Client::Machine::send(wire::DhcpWriter& writer, const IpAddr& to) {
  port.send(writer.finish(), {to, wire::kDhcpServerPort});
}

void Client::Machine::discover(Time now) {
  wire::DhcpWriter writer(fixed(now), DhcpType::discover);
  add_identity(writer);
  add_wishes(writer);
  send(writer, IpAddr::broadcast_v4());
  timer = now + backoff();
}

void Client::Machine::request(Time now) {
  wire::DhcpWriter writer(fixed(now), DhcpType::request);
  writer.add(DhcpOption::requested_address, offer->address.addr);
  writer.add(DhcpOption::server_id, offer->server);
  add_identity(writer);
  add_wishes(writer);
  send(writer, IpAddr::broadcast_v4());
  sent = now;
  timer = now + backoff();
}

// While the answer is open the lease counts from the request before: see on_ack.
void Client::Machine::renew(Time now) {
  Dhcp header = fixed(now);
  header.ciaddr = lease->address.addr;
  wire::DhcpWriter writer(header, DhcpType::request);
  add_identity(writer);
  add_wishes(writer);
  const bool to_all = state == State::rebinding;
  send(writer, to_all ? IpAddr::broadcast_v4() : lease->server);
  renewal_sent = now;
  timer = retry_at(now, sent + (to_all ? *lease->lifetime : lease->rebinding));
}

void Client::Machine::decline() {
  wire::DhcpWriter writer(fixed(began), DhcpType::decline);
  writer.add(DhcpOption::requested_address, offer->address.addr);
  writer.add(DhcpOption::server_id, offer->server);
  add_identity(writer);
  send(writer, IpAddr::broadcast_v4());
}

void Client::Machine::release(Time now) {
  is_released = true;
  timer = now;
  if (!lease) return lose_offer();
  stack.set_now(now);
  Dhcp header = fixed(now);
  header.xid = random.next_u32();
  header.ciaddr = lease->address.addr;
  wire::DhcpWriter writer(header, DhcpType::release);
  writer.add(DhcpOption::server_id, lease->server);
  add_identity(writer);
  send(writer, lease->server);
  timer = now + kReleaseWait;
}

// --- the lease -----------------------------------------------------------------------------------

void Client::Machine::restart(Time at) {
  state = State::init;
  offer.reset();
  timer = at;
}

// What `offer` grants is ours from now on.
void Client::Machine::use(Time now) {
  const bool is_renewal = lease.has_value();
  if (is_renewal) sent = renewal_sent;
  lease = std::move(*offer);
  offer.reset();
  state = State::bound;
  add_routes();
  // A little earlier or later (RFC 2131 4.4.5): not all hosts at once.
  const auto fuzz = std::chrono::milliseconds(random.below(1000));
  timer = lease->lifetime ? std::max(now, sent + lease->renewal - fuzz) : kTimeNever;
  if (on_change) on_change(lease);
}

// One that nobody has objected to yet is not ours either.
void Client::Machine::lose_offer() {
  if (state == State::probing) {
    (void)stack.remove_address(config.interface, offer->address.addr);
  }
  offer.reset();
}

void Client::Machine::lose() {
  if (!lease) return;
  remove_routes();
  (void)stack.remove_address(config.interface, lease->address.addr);
  lease.reset();
  if (on_change) on_change(lease);
}

void Client::Machine::add_routes() {
  if (!config.takes_routes) return;
  for (const Route& route : lease->routes) {
    const auto gateway = route.gateway.is_any() ? std::nullopt : std::optional(route.gateway);
    const bool is_taken = stack.add_route(route.destination, gateway, config.interface).has_value();
    if (is_taken) routes.push_back(route);
  }
}

void Client::Machine::remove_routes() {
  for (const Route& route : routes) (void)stack.remove_route(route.destination);
  routes.clear();
}

}  // namespace naru::dhcp
