#include "dhcp/port.hpp"

namespace naru::dhcp {

Port::~Port() {
  if (socket_) (void)stack_.close(socket_);
}

Status Port::open() {
  const auto socket = stack_.open_udp();
  if (!socket) return std::unexpected(socket.error());
  Status ready = stack_.set_option(*socket, SocketOption::bound_interface, interface_);
  if (ready) ready = stack_.set_option(*socket, SocketOption::broadcast, 1);
  if (ready) ready = stack_.bind(*socket, local_);
  if (ready) {
    socket_ = *socket;
  } else {
    (void)stack_.close(*socket);
  }
  return ready;
}

void Port::hold() {
  if (!stack_.local(socket_)) (void)open();
}

void Port::send(Bytes message, const Endpoint& to) {
  (void)stack_.send_to(socket_, message, to, 0, {.interface = interface_});
}

}  // namespace naru::dhcp
