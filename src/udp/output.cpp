// Udp: datagrams out.
#include <algorithm>
#include <cstring>

#include "udp/udp.hpp"
#include "wire/udp.hpp"

namespace naru::udp {
namespace {

constexpr std::uint32_t kMaxSegments = 64;  // of one UDP_SEGMENT send, as in Linux

// Bits of Packet::flags in the output queue.
constexpr std::uint16_t kDontFragment = 1;
constexpr std::uint16_t kLoop = 2;
constexpr std::uint16_t kFragmentHere = 4;
constexpr std::uint16_t kIgnorePath = 8;

std::uint16_t flags_of(const SocketOptions& o) {
  const bool fragment_here = !is_uncut(o) && o.mtu_discovery == MtuDiscovery::want;
  return static_cast<std::uint16_t>(
      (is_uncut(o) ? kDontFragment : 0U) | (fragment_here ? kFragmentHere : 0U) |
      (ignores_path(o.mtu_discovery) ? kIgnorePath : 0U) | (o.multicast_loop ? kLoop : 0U));
}

std::uint32_t charge(const Packet& packet) { return sizeof(Packet) + packet.capacity; }

bool is_given(const Endpoint& endpoint) { return endpoint != Endpoint(); }

}  // namespace

// In the order in which Linux finds fault.
Status Udp::check_send(UdpSocket& socket, std::size_t size, const SendTo& to) const {
  const Endpoint& remote = is_given(to.remote) ? to.remote : socket.remote;
  if (!is_given(to.remote) && !socket.is_connected) {
    return std::unexpected(Error::destination_required);
  }
  if (remote.port == 0) return std::unexpected(Error::invalid);
  const bool to_broadcast = to.to_broadcast || remote.addr.is_limited_broadcast();
  if (to_broadcast && !socket.options.broadcast) return std::unexpected(Error::access_denied);
  const std::size_t max_payload = remote.addr.is_v4() ? kMaxPayload : kMaxPayloadV6;
  if (to.segment_size == 0) {
    if (size > max_payload) return std::unexpected(Error::message_size);
  } else if (size >
             std::min<std::size_t>(to.segment_size * std::size_t{kMaxSegments}, max_payload)) {
    return std::unexpected(Error::invalid);
  }
  if (socket.shut_write) return std::unexpected(Error::broken_pipe);
  if (const Error error = std::exchange(socket.pending_error, Error::none); error != Error::none) {
    return std::unexpected(error);
  }
  return {};
}

Packet* Udp::make_packet(std::span<const Bytes> parts, std::size_t size) {
  Packet* packet = pool_->take(static_cast<std::uint32_t>(size));
  if (packet == nullptr) return nullptr;
  for (const Bytes part : parts) {
    if (!part.empty()) std::memcpy(packet->data + packet->length, part.data(), part.size());
    packet->length += static_cast<std::uint32_t>(part.size());
  }
  return packet;
}

Result<std::size_t> Udp::send(Handle handle, std::span<const Bytes> parts, const SendTo& to) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  std::size_t size = 0;
  for (const Bytes part : parts) size += part.size();
  if (const Status ok = check_send(*socket, size, to); !ok) return std::unexpected(ok.error());
  if (!socket->is_bound()) {
    const Endpoint& remote = is_given(to.remote) ? to.remote : socket->remote;
    const Status bound = take_port(*socket, {wildcard_for(remote.addr), 0});
    if (!bound) return std::unexpected(bound.error());
  }
  if (socket->send_memory >= socket->options.send_buffer) {
    return std::unexpected(Error::would_block);
  }
  Packet* packet = make_packet(parts, size);
  if (packet == nullptr) return std::unexpected(Error::no_buffers);

  const SocketOptions& options = socket->options;
  const Endpoint& remote = is_given(to.remote) ? to.remote : socket->remote;
  const bool multicast = remote.addr.is_multicast();
  const bool has_source = !socket->local.addr.is_any();
  packet->source = to.source != IpAddr() ? to.source : has_source ? socket->local.addr : IpAddr();
  packet->destination = remote.addr;
  packet->source_port = socket->local.port;
  packet->destination_port = remote.port;
  packet->interface = to.interface != kAnyInterface ? to.interface
                      : multicast && options.multicast_interface != kAnyInterface
                          ? options.multicast_interface
                          : options.interface;
  packet->ttl = to.ttl != 0 ? to.ttl : multicast ? options.multicast_ttl : options.ttl;
  packet->tos = to.tos >= 0 ? static_cast<std::uint8_t>(to.tos) : options.tos;
  packet->flags = flags_of(options);
  packet->gso_size = to.segment_size;
  packet->network_offset = options.longest_packet;  // it has no header yet
  packet->seq = handle.index;
  socket->send_memory += charge(*packet);
  output_.push_back(packet);
  return size;
}

bool Udp::next_datagram(DatagramOut& out) const {
  const Packet* packet = output_.front();
  if (packet == nullptr) return false;
  const Bytes bytes = packet->bytes();
  const bool cut = packet->gso_size != 0 && bytes.size() > packet->gso_size;
  out = {.payload = cut ? bytes.first(packet->gso_size) : bytes,
         .source = packet->source,
         .remote = {packet->destination, packet->destination_port},
         .source_port = packet->source_port,
         .interface = packet->interface,
         .ttl = packet->ttl,
         .tos = packet->tos,
         .dont_fragment = (packet->flags & kDontFragment) != 0,
         .fragment_here = (packet->flags & kFragmentHere) != 0,
         .ignores_path = (packet->flags & kIgnorePath) != 0,
         .longest_packet = packet->network_offset,
         .loop = (packet->flags & kLoop) != 0,
         .socket = packet->seq};
  return true;
}

// The checksum is left to whoever copies the payload (see TxFrame::needs_checksum).
void Udp::emit(const DatagramOut& out, std::uint16_t transport_offset, TxFrame& frame) {
  const wire::Udp header{
      .src_port = out.source_port,
      .dst_port = out.remote.port,
      .length = static_cast<std::uint16_t>(wire::Udp::kHeaderSize + out.payload.size())};
  header.emit(frame.header.data() + transport_offset);
  frame.header_length = static_cast<std::uint16_t>(transport_offset + wire::Udp::kHeaderSize);
  frame.payload_length = static_cast<std::uint32_t>(out.payload.size());
  frame.span_count = out.payload.empty() ? 0 : 1;
  frame.spans[0] = out.payload;
  frame.gso_size = 0;
  frame.needs_checksum = true;
}

void Udp::done(Time now) {
  Packet* packet = output_.front();
  DatagramOut sent;
  next_datagram(sent);
  counters_->add(Counter::udp_out);
  trace_->emit({.at = now,
                .kind = trace::Kind::datagram_out,
                .protocol = Protocol::udp,
                .object = packet->seq,
                .length = static_cast<std::uint32_t>(sent.payload.size()),
                .local = {packet->source, packet->source_port},
                .remote = sent.remote});
  packet->pull(static_cast<std::uint32_t>(sent.payload.size()));
  if (packet->length != 0) return;  // further segments
  output_.pop_front();
  if (packet->seq != kNoIndex) {
    UdpSocket& socket = *sockets_.at(packet->seq);
    change_.set(&socket);
    const bool was_full = socket.send_memory >= socket.options.send_buffer;
    socket.send_memory -= charge(*packet);
    if (was_full && socket.send_memory < socket.options.send_buffer) notify(socket);
  }
  pool_->give_back(packet);
}

}  // namespace naru::udp
