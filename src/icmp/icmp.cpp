#include "icmp/icmp.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "wire/icmpv4.hpp"

namespace naru::icmp {
namespace {

using wire::Icmpv4;
using wire::Icmpv4Type;
using wire::Icmpv4View;

// What a message costs its socket: the memory that it really keeps from others.
std::uint32_t charge(const Packet& packet) { return sizeof(Packet) + packet.capacity; }

std::unexpected<Error> no(Error error) { return std::unexpected(error); }

}  // namespace

bool Icmp::init(Arena& arena, const Options& options, Counters& counters, Random& random,
                PacketPool& pool) {
  options_ = &options;
  counters_ = &counters;
  random_ = &random;
  pool_ = &pool;
  return sockets_.init(arena, kMaxSockets);
}

Result<Handle> Icmp::open(bool is_raw) {
  IcmpSocket* socket = sockets_.take_raw();
  if (socket == nullptr) return no(Error::no_memory);
  const std::uint32_t generation = (socket->generation + 1) & 0xffffffU;
  socket = ::new (socket) IcmpSocket();
  socket->generation = generation == 0 ? 1 : generation;
  socket->is_raw = is_raw;
  socket->local = IpAddr::any_v4();
  socket->receive_buffer = options_->u32(Option::udp_receive_buffer);
  socket->send_buffer = options_->u32(Option::udp_send_buffer);
  return handle_of(*socket);
}

void Icmp::close(IcmpSocket& socket) {
  if (socket.is_linked()) ready_.remove(&socket);
  while (Packet* packet = socket.received.pop_front()) pool_->give_back(packet);
  socket.errors.clear(*pool_);
  const std::uint32_t index = sockets_.index_of(&socket);
  for (Packet* p = output_.front(); socket.send_memory != 0 && p != nullptr; p = p->next) {
    if (p->seq == index) p->seq = kNoIndex;
  }
  sockets_.give_back(&socket);
}

// --- identifiers --------------------------------------------------------------------------

bool Icmp::is_taken(std::uint16_t identifier) {
  bool taken = false;
  sockets_.for_each([&](const IcmpSocket& s) { taken |= s.identifier == identifier; });
  return taken;
}

Status Icmp::take_identifier(IcmpSocket& socket, std::uint16_t wanted) {
  // There are far more of them than sockets.
  std::uint16_t identifier = wanted;
  while (identifier == 0 || (wanted == 0 && is_taken(identifier))) {
    identifier = static_cast<std::uint16_t>(1 + random_->below(0xffff));
  }
  if (is_taken(identifier)) return no(Error::address_in_use);
  socket.identifier = identifier;
  return {};
}

Status Icmp::bind(IcmpSocket& socket, const Endpoint& local) {
  if (!socket.is_raw) {
    if (socket.identifier != 0) return no(Error::invalid);
    if (const Status taken = take_identifier(socket, local.port); !taken) return taken;
  }
  socket.local = local.addr;
  return {};
}

// --- out ----------------------------------------------------------------------------------

Result<std::size_t> Icmp::send(IcmpSocket& socket, Bytes message, const IpAddr& remote) {
  if (message.size() > kMaxMessage) return no(Error::message_size);
  if (!socket.is_raw) {
    const auto view = Icmpv4View::parse(message);
    if (!view || view->type() != Icmpv4Type::echo_request || view->code() != 0) {
      return no(Error::invalid);
    }
    if (socket.identifier == 0) {
      if (const Status taken = take_identifier(socket, 0); !taken) return no(taken.error());
    }
  }
  if (const Error e = std::exchange(socket.pending_error, Error::none); e != Error::none) {
    return no(e);
  }
  if (socket.send_memory >= socket.send_buffer) return no(Error::would_block);
  Packet* packet = pool_->take(static_cast<std::uint32_t>(message.size()));
  if (packet == nullptr) return no(Error::no_buffers);
  packet->length = static_cast<std::uint32_t>(message.size());
  if (socket.is_raw) {
    if (!message.empty()) std::memcpy(packet->data, message.data(), message.size());
  } else {
    // The identifier is the socket's, and with it the checksum.
    const Bytes data = message.subspan(Icmpv4::kHeaderSize);
    const std::uint64_t sum =
        wire::copy_and_sum(packet->data + Icmpv4::kHeaderSize, data.data(), data.size());
    const std::uint16_t seq = Icmpv4View::parse(message)->seq();
    Icmpv4::echo(Icmpv4Type::echo_request, socket.identifier, seq).emit(packet->data, sum);
  }
  packet->source = socket.local.is_any() ? IpAddr() : socket.local;
  packet->destination = remote;
  packet->ttl = socket.ttl;
  packet->tos = socket.tos;
  packet->seq = sockets_.index_of(&socket);
  socket.send_memory += charge(*packet);
  output_.push_back(packet);
  return message.size();
}

bool Icmp::next_message(MessageOut& out) const {
  const Packet* packet = output_.front();
  if (packet == nullptr) return false;
  out = {.message = packet->bytes(),
         .source = packet->source,
         .remote = packet->destination,
         .ttl = packet->ttl,
         .tos = packet->tos};
  return true;
}

void Icmp::done() {
  Packet* packet = output_.pop_front();
  counters_->add(Counter::icmp_out);
  if (packet->seq != kNoIndex) {
    IcmpSocket& socket = *sockets_.at(packet->seq);
    const bool was_full = socket.send_memory >= socket.send_buffer;
    socket.send_memory -= charge(*packet);
    if (was_full && !socket.is_linked()) ready_.push_back(&socket);
  }
  pool_->give_back(packet);
}

// --- in -----------------------------------------------------------------------------------

bool Icmp::is_for(const IcmpSocket& socket, const Packet& packet) const {
  const auto view = Icmpv4View::parse(packet.bytes());
  const auto type = static_cast<std::uint8_t>(view->type());
  if (!socket.local.is_any() && socket.local != packet.destination) return false;
  if (socket.is_raw) {
    const bool is_filtered = type < 32 && (socket.filter >> type & 1U) != 0;
    return !is_filtered && (!socket.is_connected || socket.remote == packet.source);
  }
  return view->type() == Icmpv4Type::echo_reply && view->id() == socket.identifier;
}

void Icmp::input(const Packet& packet, Time now) {
  if (!Icmpv4View::parse(packet.bytes())) return;
  sockets_.for_each([&](IcmpSocket& s) {
    if (is_for(s, packet)) deliver(s, packet, now);
  });
}

void Icmp::deliver(IcmpSocket& socket, const Packet& packet, Time now) {
  const std::uint8_t* begin = socket.is_raw ? packet.buffer() + packet.network_offset : packet.data;
  const auto length = static_cast<std::uint32_t>(packet.data + packet.length - begin);
  const bool has_room = socket.receive_memory < socket.receive_buffer;
  Packet* copy = has_room ? pool_->take(length) : nullptr;
  if (copy == nullptr) {
    ++socket.dropped;
    counters_->drop(has_room ? Drop::no_buffer : Drop::icmp_buffer_full);
    return;
  }
  std::memcpy(copy->data, begin, length);
  copy->length = length;
  copy->received = now;
  copy->interface = packet.interface;
  copy->ttl = packet.ttl;
  copy->tos = packet.tos;
  copy->source = packet.source;
  copy->destination = packet.destination;
  socket.receive_memory += charge(*copy);
  socket.received.push_back(copy);
  if (!socket.is_linked()) ready_.push_back(&socket);
}

Result<Received> Icmp::recv(IcmpSocket& socket, MutableBytes out, bool peek) {
  if (const Error e = std::exchange(socket.pending_error, Error::none); e != Error::none) {
    return no(e);
  }
  Packet* packet = socket.received.front();
  if (packet == nullptr) return no(Error::would_block);
  Received received{.size = std::min<std::size_t>(out.size(), packet->length),
                    .full_size = packet->length,
                    .source = {packet->source, 0},
                    .destination = packet->destination,
                    .interface = packet->interface,
                    .ttl = packet->ttl,
                    .tos = packet->tos,
                    .at = packet->received};
  if (received.size != 0) std::memcpy(out.data(), packet->data, received.size);
  if (!peek) {
    socket.received.pop_front();
    socket.receive_memory -= charge(*packet);
    pool_->give_back(packet);
  }
  return received;
}

// --- errors -------------------------------------------------------------------------------

bool Icmp::has_sent(const IcmpSocket& socket, const IpAddr& local, const IpAddr& remote,
                    Bytes message) const {
  if (!socket.local.is_any() && socket.local != local) return false;
  if (socket.is_raw) return !socket.is_connected || socket.remote == remote;
  const auto view = Icmpv4View::parse(message);
  return view && view->type() == Icmpv4Type::echo_request && view->id() == socket.identifier;
}

void Icmp::on_error(const IpAddr& local, const IpAddr& remote, const SocketError& error, bool hard,
                    Bytes message) {
  sockets_.for_each([&](IcmpSocket& s) {
    if (!has_sent(s, local, remote, message)) return;
    const bool wanted = s.receive_errors || (hard && s.is_connected);
    if (!wanted) return;
    if (s.receive_errors) s.errors.push(*pool_, error, message, s.receive_buffer);
    s.pending_error = error.error;
    if (!s.is_linked()) ready_.push_back(&s);
  });
}

Result<SocketError> Icmp::recv_error(IcmpSocket& socket, MutableBytes out) {
  const auto error = socket.errors.pop(*pool_, out);
  if (!error) return no(Error::would_block);
  socket.pending_error = socket.errors.next();
  return *error;
}

void Icmp::salvage() {
  sockets_.rebuild();
  ready_ = {};
  output_ = {};
  sockets_.for_each([this](IcmpSocket& socket) {
    static_cast<ListHook<ReadyOrder>&>(socket) = {};
    socket.received = {};
    socket.errors.forget();
    socket.receive_memory = 0;
    socket.send_memory = 0;
    ready_.push_back(&socket);
  });
}

IcmpSocket* Icmp::pop_ready() { return ready_.pop_front(); }

}  // namespace naru::icmp
