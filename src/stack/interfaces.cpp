// Interfaces by name and address, what routers have said of them, and the multicast groups that
// sockets join there.

#include <naru/stack/stack.hpp>

#include "stack/state.hpp"

namespace naru {
namespace {

std::unexpected<Error> no(Error error) { return std::unexpected(error); }

}  // namespace

Status Stack::join(SocketId socket, std::uint8_t interface, const IpAddr& group) {
  StackState& s = *state_;
  const udp::UdpSocket* u = find_udp(socket);
  if (u == nullptr) return no(Error::bad_handle);
  const udp::Handle handle = s.udp.handle_of(*u);
  if (const Status joined = s.udp.join(handle, interface, group); !joined) return joined;
  const Status heard = s.ip.join(interface, group, s.now);
  if (!heard) (void)s.udp.leave(handle, interface, group);
  return heard;
}

Status Stack::leave(SocketId socket, std::uint8_t interface, const IpAddr& group) {
  StackState& s = *state_;
  const udp::UdpSocket* u = find_udp(socket);
  if (u == nullptr) return no(Error::bad_handle);
  const Status left = s.udp.leave(s.udp.handle_of(*u), interface, group);
  if (left) s.ip.leave(interface, group, s.now);
  return left;
}

Status Stack::set_deprecated(const IpAddr& address, bool on) {
  return state_->ip.set_deprecated(address, on);
}

Status Stack::set_autoconf(std::uint8_t interface, bool on) {
  const Configuring configuring(*state_);
  return state_->ip.set_autoconf(interface, on, state_->now);
}

LearnedIpv6 Stack::learned_ipv6(std::uint8_t interface) const {
  using Kind = ip::Learned::Kind;
  ip::Ip& ip = state_->ip;
  LearnedIpv6 learned;
  if (interface >= ip.interface_count()) return learned;
  ip.for_each_address([&](const ip::AddressInfo& a) {
    const bool is_usable = a.state == ip::AddressState::valid && !a.is_deprecated;
    const bool is_made = a.origin != ip::AddressOrigin::given && !a.prefix.addr.is_link_local();
    if (a.interface == interface && is_made && is_usable) learned.addresses.push_back(a.prefix);
  });
  ip.for_each_learned(interface, [&](const ip::Learned& l) {
    if (l.what == Kind::router) learned.routers.push_back(l.prefix.addr);
    if (l.what == Kind::name_server) learned.name_servers.push_back(l.prefix.addr);
    if (l.what == Kind::search_domain) learned.search.push_back(l.domain.to_string());
  });
  learned.is_managed = ip.at_interface(interface).is_managed;
  learned.has_other_config = ip.at_interface(interface).has_other_config;
  return learned;
}

Status Stack::advertise(std::uint8_t interface, const RouterAdvertising& what) {
  const Configuring configuring(*state_);
  return state_->ip.advertise(interface, what, state_->now);
}

void Stack::stop_advertising(std::uint8_t interface) {
  const Configuring configuring(*state_);
  state_->ip.stop_advertising(interface, state_->now);
}

std::uint8_t Stack::interface_count() const { return state_->ip.interface_count(); }

std::string_view Stack::interface_name(std::uint8_t interface) const {
  return state_->ip.interface_name(interface);
}

std::optional<std::uint8_t> Stack::find_interface(std::string_view name) const {
  for (std::uint8_t i = 0; i < interface_count(); ++i) {
    if (interface_name(i) == name) return i;
  }
  return std::nullopt;
}

std::optional<std::uint8_t> Stack::find_interface(const IpAddr& address) const {
  std::optional<std::uint8_t> found;
  if (address.is_loopback()) found = std::uint8_t{0};
  state_->ip.for_each_address([&](const ip::AddressInfo& a) {
    if (a.prefix.addr == address) found = a.interface;
  });
  return found;
}

std::optional<AddressState> Stack::address_state(const IpAddr& address) const {
  std::optional<AddressState> found;
  state_->ip.for_each_address([&](const ip::AddressInfo& a) {
    if (a.prefix.addr != address) return;
    found = a.state == ip::AddressState::tentative  ? AddressState::probing
            : a.state == ip::AddressState::conflict ? AddressState::conflict
                                                    : AddressState::usable;
  });
  return found;
}

std::vector<Prefix> Stack::interface_addresses(std::uint8_t interface) const {
  std::vector<Prefix> found;
  state_->ip.for_each_address([&](const ip::AddressInfo& a) {
    if (a.interface == interface) found.push_back(a.prefix);
  });
  return found;
}

std::optional<IpAddr> Stack::interface_address(std::uint8_t interface) const {
  std::optional<IpAddr> found;
  state_->ip.for_each_address([&](const ip::AddressInfo& a) {
    if (a.interface == interface && a.prefix.addr.is_v4() && !found) found = a.prefix.addr;
  });
  return found;
}

}  // namespace naru
