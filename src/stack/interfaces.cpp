// Interfaces by name and address, and the multicast groups that sockets join there.

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

std::optional<IpAddr> Stack::interface_address(std::uint8_t interface) const {
  std::optional<IpAddr> found;
  state_->ip.for_each_address([&](const ip::AddressInfo& a) {
    if (a.interface == interface && a.prefix.addr.is_v4() && !found) found = a.prefix.addr;
  });
  return found;
}

}  // namespace naru
