#include <algorithm>
#include <array>

#include <naru/dhcp/server.hpp>

#include "dhcp/bindings.hpp"
#include "dhcp/port.hpp"
#include "wire/dhcp.hpp"

namespace naru::dhcp {
namespace {

using wire::Dhcp;
using wire::DhcpOption;
using wire::DhcpType;
using wire::DhcpView;
using Kind = Bindings::Kind;

constexpr Duration kOfferTime = 30s;      // an offer is kept, then it is anybody's
constexpr Duration kDeclineTime = 10min;  // an address that somebody outside has

ClientName name_of(const DhcpView& message) {
  const auto id = message.option(DhcpOption::client_id);
  if (id && !id->empty()) return {id->begin(), id->end()};
  const auto& mac = message.fixed().chaddr.bytes;
  return {mac.begin(), mac.end()};
}

std::uint32_t seconds_of(Duration time) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

}  // namespace

struct Server::State {
  State(Stack& given, ServerConfig given_config)
      : stack(given),
        config(std::move(given_config)),
        bindings(config.first, config.last, config.address.addr),
        port(stack, config.interface, {IpAddr::any_v4(), wire::kDhcpServerPort}) {}

  void on_message(const DhcpView& message, Time now);
  void on_discover(const DhcpView& message, Time now);
  void on_request(const DhcpView& message, Time now);
  void reply(const DhcpView& to, DhcpType type, const IpAddr& address);
  void refuse(const DhcpView& to);
  bool is_for_us(const DhcpView& message) const {
    return message.address(DhcpOption::server_id) == config.address.addr;
  }

  Stack& stack;
  ServerConfig config;
  Bindings bindings;
  Port port;
};

void Server::State::on_message(const DhcpView& message, Time now) {
  // What a relay has sent on is not ours to answer.
  if (message.fixed().op != Dhcp::kRequest || !message.fixed().giaddr.is_any()) return;
  const ClientName client = name_of(message);
  const auto requested = message.address(DhcpOption::requested_address);
  switch (message.type().value_or(DhcpType{})) {
    case DhcpType::discover:
      return on_discover(message, now);
    case DhcpType::request:
      return on_request(message, now);
    case DhcpType::decline:
      if (is_for_us(message) && requested) bindings.decline(client, *requested, now + kDeclineTime);
      return;
    case DhcpType::release:
      if (is_for_us(message)) bindings.release(client, message.fixed().ciaddr);
      return;
    case DhcpType::inform:
      return reply(message, DhcpType::ack, IpAddr::any_v4());
    default:
      return;
  }
}

void Server::State::on_discover(const DhcpView& message, Time now) {
  const ClientName client = name_of(message);
  const auto wish = message.address(DhcpOption::requested_address);
  const auto address = bindings.choose(client, wish, now);
  if (!address) return;
  // Who has a lease keeps it, whatever becomes of the offer.
  if (bindings.of(client, now) != address) {
    bindings.bind(client, *address, Kind::offered, now + kOfferTime);
  }
  reply(message, DhcpType::offer, *address);
}

// RFC 2131 4.3.2: a client that has chosen names the server, one that begins again the
// address, one that renews has it.
void Server::State::on_request(const DhcpView& message, Time now) {
  const ClientName client = name_of(message);
  const bool has_chosen = message.option(DhcpOption::server_id).has_value();
  const auto requested = message.address(DhcpOption::requested_address);
  const IpAddr address = requested.value_or(message.fixed().ciaddr);
  const auto known = bindings.of(client, now);
  if (has_chosen && !is_for_us(message)) {
    // Somebody else's offer was taken.
    if (known && requested) bindings.release(client, *known);
    return;
  }
  if (known == address) {
    bindings.bind(client, address, Kind::leased, now + config.lifetime);
    return reply(message, DhcpType::ack, address);
  }
  // Of whom nothing is known another server may know (RFC 2131 4.3.2, INIT-REBOOT).
  const bool is_ours = has_chosen || known || !config.address.contains(address);
  if (is_ours) refuse(message);
}

void Server::State::reply(const DhcpView& to, DhcpType type, const IpAddr& address) {
  const Dhcp& asked = to.fixed();
  wire::DhcpWriter writer({.op = Dhcp::kReply,
                           .xid = asked.xid,
                           .wants_broadcast = asked.wants_broadcast,
                           .ciaddr = asked.ciaddr,
                           .yiaddr = address,
                           .chaddr = asked.chaddr},
                          type);
  writer.add(DhcpOption::server_id, config.address.addr);
  if (!address.is_any()) {
    const std::uint32_t seconds = seconds_of(config.lifetime);
    writer.add32(DhcpOption::lease_time, seconds);
    writer.add32(DhcpOption::renewal_time, seconds / 2);
    writer.add32(DhcpOption::rebinding_time, seconds / 8 * 7);
  }
  const std::uint64_t ones = 0xffffffffULL << (32U - config.address.length);
  writer.add(DhcpOption::subnet_mask, IpAddr::v4(static_cast<std::uint32_t>(ones)));
  if (!config.routers.empty()) writer.add(DhcpOption::routers, config.routers);
  if (!config.name_servers.empty()) writer.add(DhcpOption::name_servers, config.name_servers);
  if (!config.domain.empty()) {
    writer.add(
        DhcpOption::domain_name,
        Bytes(reinterpret_cast<const std::uint8_t*>(config.domain.data()), config.domain.size()));
  }
  // The client is told whom we mean (RFC 6842).
  if (const auto id = to.option(DhcpOption::client_id)) writer.add(DhcpOption::client_id, *id);
  // Who has no address yet hears broadcasts only.
  const IpAddr where = asked.ciaddr.is_any() ? IpAddr::broadcast_v4() : asked.ciaddr;
  port.send(writer.finish(), {where, wire::kDhcpClientPort});
}

void Server::State::refuse(const DhcpView& to) {
  wire::DhcpWriter writer({.op = Dhcp::kReply, .xid = to.fixed().xid, .chaddr = to.fixed().chaddr},
                          DhcpType::nak);
  writer.add(DhcpOption::server_id, config.address.addr);
  port.send(writer.finish(), {IpAddr::broadcast_v4(), wire::kDhcpClientPort});
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::create(Stack& stack, ServerConfig config) {
  const bool is_range = config.first.is_v4() && config.last.is_v4() &&
                        config.first <= config.last && config.address.contains(config.first) &&
                        config.address.contains(config.last) && config.address.length > 0 &&
                        config.last.to_v4() - config.first.to_v4() < ServerConfig::kMaxRange;
  if (!is_range) return std::unexpected(Error::invalid);
  auto state = std::make_unique<State>(stack, std::move(config));
  if (const Status opened = state->port.open(); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

void Server::poll(Time now) {
  state_->stack.set_now(now);
  state_->port.receive([&](Bytes bytes, const DatagramInfo&) {
    const auto message = DhcpView::parse(bytes);
    if (message) state_->on_message(*message, now);
  });
}

std::size_t Server::leases(Time now) const { return state_->bindings.count(Kind::leased, now); }

std::size_t Server::offers(Time now) const { return state_->bindings.count(Kind::offered, now); }

}  // namespace naru::dhcp
