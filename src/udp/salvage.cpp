// Udp: the sockets, when whoever was changing them has died in the middle of it.
#include "udp/udp.hpp"

namespace naru::udp {

bool Udp::salvage() {
  by_port_.clear();
  by_connection_.clear();
  ready_ = {};
  output_ = {};
  sockets_.rebuild();
  groups_.forget();
  bool is_sole_holder = true;
  sockets_.for_each([&](UdpSocket& socket) {
    static_cast<ListHook<ReadyOrder>&>(socket) = {};
    if (!socket.is_open) {
      sockets_.give_back(&socket);
      return;
    }
    salvage_groups(socket);
    is_sole_holder &= salvage_received(socket);
    socket.send_memory = 0;
    socket.errors.forget();
    find_again(socket);
    notify(socket);
  });
  groups_.rebuild();
  change_.clear();
  return is_sole_holder;
}

void Udp::salvage_groups(UdpSocket& socket) {
  std::uint32_t* link = &socket.groups;
  while (*link != 0 && groups_.keep(*link - 1)) link = &groups_.at(*link - 1)->next;
  *link = 0;
}

bool Udp::salvage_received(UdpSocket& socket) {
  PacketPool::Extent extent;
  const PacketQueue& queue = socket.received;
  const bool is_whole = !change_.is_on(&socket) &&
                        (queue.empty() || pool_->measure(queue.front(), queue.back(), extent)) &&
                        extent.packets == queue.size() && extent.memory == socket.receive_memory;
  if (is_whole) return pool_->keep(queue.front());
  socket.received = {};
  socket.receive_memory = 0;
  return true;
}

void Udp::find_again(UdpSocket& socket) {
  if (socket.is_bound()) by_port_.insert(socket.local.port, &socket);
  if (socket.is_connected) {
    by_connection_.insert(tuple_hash(socket.local, socket.remote), &socket);
  }
}

}  // namespace naru::udp
