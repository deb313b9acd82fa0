// Udp: datagrams in, and what programs read of them.
#include <algorithm>
#include <cstring>

#include "udp/udp.hpp"
#include "wire/udp.hpp"

namespace naru::udp {
namespace {

// What a datagram costs its socket: the memory that it really keeps from others.
std::uint32_t charge(const Packet& packet) { return sizeof(Packet) + packet.capacity; }

}  // namespace

Drop Udp::input(Packet* packet, bool group, Time now) {
  const auto drop = [&](Drop reason) {
    pool_->give_back(packet);
    return counters_->drop(reason);
  };
  const auto view = wire::UdpView::parse(packet->bytes());
  if (!view || view->dst_port() == 0) return drop(Drop::udp_malformed);
  if (packet->source.is_multicast() || packet->source.is_limited_broadcast()) {
    return drop(Drop::udp_bad_source);
  }
  if (packet->checksum == ChecksumState::unchecked &&
      !view->checksum_ok(packet->source, packet->destination)) {
    return drop(Drop::udp_bad_checksum);
  }
  const Arrival arrival{.local = {packet->destination, view->dst_port()},
                        .remote = {packet->source, view->src_port()},
                        .interface = packet->interface};
  packet->source_port = arrival.remote.port;
  packet->destination_port = arrival.local.port;
  const std::uint32_t payload = view->length() - std::uint32_t{wire::Udp::kHeaderSize};
  if (group) {
    packet->pull(wire::Udp::kHeaderSize);
    packet->trim(payload);
    return deliver_to_all(arrival, packet, now);
  }
  UdpSocket* socket = find_receiver(arrival);
  if (socket == nullptr) return counters_->drop(Drop::udp_no_port);
  packet->pull(wire::Udp::kHeaderSize);
  packet->trim(payload);
  return deliver(*socket, packet, now);
}

// Takes the packet. An empty queue takes one datagram of any size, so that a small buffer
// can still be used.
Drop Udp::deliver(UdpSocket& socket, Packet* packet, Time now) {
  change_.set(&socket);
  packet = into_smaller_buffer(packet);
  const std::uint32_t memory = socket.receive_memory + charge(*packet);
  if (memory > socket.options.receive_buffer && !socket.received.empty()) {
    ++socket.dropped;
    pool_->give_back(packet);
    return counters_->drop(Drop::udp_buffer_full);
  }
  packet->received = now;
  socket.receive_memory = memory;
  socket.received.push_back(packet);
  counters_->add(Counter::udp_in);
  trace_->emit({.at = now,
                .kind = trace::Kind::datagram_in,
                .protocol = Protocol::udp,
                .interface = packet->interface,
                .object = sockets_.index_of(&socket),
                .length = packet->length,
                .local = {packet->destination, packet->destination_port},
                .remote = {packet->source, packet->source_port}});
  notify(socket);
  return Drop::none;
}

// Every socket gets a copy, the last one the packet itself.
Drop Udp::deliver_to_all(const Arrival& arrival, Packet* packet, Time now) {
  UdpSocket* last = nullptr;
  for (UdpSocket* s = by_port_.first(arrival.local.port); s != nullptr; s = by_port_.next(*s)) {
    if (!takes_group(*s, arrival)) continue;
    if (last != nullptr) {
      Packet* copy = copy_of(*packet);
      if (copy == nullptr) {
        counters_->drop(Drop::no_buffer);
      } else {
        deliver(*last, copy, now);
      }
    }
    last = s;
  }
  if (last == nullptr) return counters_->drop(Drop::udp_no_port);
  return deliver(*last, packet, now);
}

Packet* Udp::copy_of(const Packet& packet) {
  Packet* copy = pool_->take(packet.length);
  if (copy == nullptr) return nullptr;
  std::memcpy(copy->data, packet.data, packet.length);
  copy->length = packet.length;
  copy->interface = packet.interface;
  copy->tos = packet.tos;
  copy->ttl = packet.ttl;
  copy->source = packet.source;
  copy->destination = packet.destination;
  copy->source_port = packet.source_port;
  copy->destination_port = packet.destination_port;
  return copy;
}

// A large buffer with little in it would be charged for what it does not carry.
Packet* Udp::into_smaller_buffer(Packet* packet) {
  if (!PacketPool::is_too_large(*packet, packet->length)) return packet;
  Packet* copy = copy_of(*packet);
  if (copy == nullptr) return packet;
  pool_->give_back(packet);
  return copy;
}

Result<Received> Udp::recv(Handle handle, MutableBytes out, RecvFlags flags) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  if (const Error error = take_error(*socket); error != Error::none) return std::unexpected(error);
  Packet* packet = socket->received.front();
  if (packet == nullptr) return std::unexpected(Error::would_block);
  Received received{.size = std::min<std::size_t>(out.size(), packet->length),
                    .full_size = packet->length,
                    .source = {packet->source, packet->source_port},
                    .destination = packet->destination,
                    .interface = packet->interface,
                    .ttl = packet->ttl,
                    .tos = packet->tos,
                    .at = packet->received};
  if (received.size != 0) std::memcpy(out.data(), packet->data, received.size);
  if (!flags.peek) {
    socket->received.pop_front();
    socket->receive_memory -= charge(*packet);
    pool_->give_back(packet);
  }
  return received;
}

Result<SocketError> Udp::recv_error(Handle handle, MutableBytes out) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  const auto error = socket->errors.pop(*pool_, out);
  if (!error) return std::unexpected(Error::would_block);
  socket->pending_error = socket->errors.next();
  return *error;
}

bool Udp::on_error(const Endpoint& local, const Endpoint& remote, Error error, bool hard,
                   const SocketError* detail, Bytes payload) {
  const Arrival arrival{.local = local, .remote = remote, .interface = kAnyInterface};
  UdpSocket* socket = find_connected(arrival);
  if (socket == nullptr) socket = find_bound(arrival);
  if (socket == nullptr) {
    counters_->drop(Drop::icmp_no_match);
    return false;
  }
  const bool wanted = socket->options.receive_errors || (hard && socket->is_connected);
  if (!wanted) return true;
  change_.set(socket);
  if (socket->options.receive_errors && detail != nullptr) {
    socket->errors.push(*pool_, *detail, payload, socket->options.receive_buffer);
  }
  socket->pending_error = error;
  notify(*socket);
  return true;
}

}  // namespace naru::udp
