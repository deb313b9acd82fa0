#include "icmp/icmp.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "wire/icmpv4.hpp"
#include "wire/icmpv6.hpp"

namespace naru::icmp {
namespace {

using wire::Icmpv4;
using wire::Icmpv4Type;
using wire::Icmpv4View;
using wire::Icmpv6;
using wire::Icmpv6Type;
using wire::Icmpv6View;

// Echo, as both families have it: a request or a reply, and whose it is.
struct Echo {
  bool is_request = false;
  std::uint16_t id = 0;
  std::uint16_t seq = 0;
};

std::optional<Echo> echo_v4(Bytes message) {
  const auto view = Icmpv4View::parse(message);
  if (!view) return std::nullopt;
  const bool is_request = view->type() == Icmpv4Type::echo_request;
  if (!is_request && view->type() != Icmpv4Type::echo_reply) return std::nullopt;
  return Echo{is_request, view->id(), view->seq()};
}

std::optional<Echo> echo_v6(Bytes message) {
  const auto view = Icmpv6View::parse(message);
  if (!view || !view->has_rest()) return std::nullopt;
  const bool is_request = view->type() == Icmpv6Type::echo_request;
  if (!is_request && view->type() != Icmpv6Type::echo_reply) return std::nullopt;
  return Echo{is_request, view->id(), view->seq()};
}

std::optional<Echo> echo_of(Bytes message, bool is_v6) {
  return is_v6 ? echo_v6(message) : echo_v4(message);
}

// A request under the socket's own identifier, whatever the program has written there.
void write_request(const IcmpSocket& socket, Bytes message, std::uint16_t seq, std::uint8_t* to) {
  static_assert(Icmpv4::kHeaderSize == Icmpv6::kHeaderSize);
  const Bytes data = message.subspan(Icmpv4::kHeaderSize);
  const std::uint64_t sum = wire::copy_and_sum(to + Icmpv4::kHeaderSize, data.data(), data.size());
  if (socket.is_v6) {
    Icmpv6::echo(Icmpv6Type::echo_request, socket.identifier, seq).emit(to);
  } else {
    Icmpv4::echo(Icmpv4Type::echo_request, socket.identifier, seq).emit(to, sum);
  }
}

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

Result<Handle> Icmp::open(bool is_raw, bool is_v6) {
  IcmpSocket* socket = sockets_.take_raw();
  if (socket == nullptr) return no(Error::no_memory);
  const std::uint32_t generation = (socket->generation + 1) & 0xffffffU;
  socket = ::new (socket) IcmpSocket();
  socket->generation = generation == 0 ? 1 : generation;
  socket->is_raw = is_raw;
  socket->is_v6 = is_v6;
  socket->local = is_v6 ? IpAddr::any_v6() : IpAddr::any_v4();
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
  const auto echo = echo_of(message, socket.is_v6);
  if (socket.is_raw) {
    // There must be room for the checksum that we fill in.
    if (socket.is_v6 && message.size() < Icmpv6View::kLeast) return no(Error::invalid);
  } else {
    const bool is_of_code_0 = echo && message[1] == 0;
    if (!is_of_code_0 || !echo->is_request) return no(Error::invalid);
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
    write_request(socket, message, echo->seq, packet->data);
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
  Packet* packet = output_.front();
  if (packet == nullptr) return false;
  out = {.message = packet->mutable_bytes(),
         .is_v6 = packet->destination.is_v6(),
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
  if (packet.destination.is_v6() != socket.is_v6) return false;
  if (!socket.local.is_any() && socket.local != packet.destination) return false;
  if (socket.is_raw) {
    const std::uint8_t type = packet.data[0];
    const bool is_filtered = (socket.filter[type / 32U] >> type % 32U & 1U) != 0;
    return !is_filtered && (!socket.is_connected || socket.remote == packet.source);
  }
  const auto echo = echo_of(packet.bytes(), socket.is_v6);
  return echo && !echo->is_request && echo->id == socket.identifier;
}

void Icmp::input(const Packet& packet, Time now) {
  if (packet.length < Icmpv6View::kLeast) return;
  sockets_.for_each([&](IcmpSocket& s) {
    if (is_for(s, packet)) deliver(s, packet, now);
  });
}

void Icmp::deliver(IcmpSocket& socket, const Packet& packet, Time now) {
  const bool has_header = socket.is_raw && !socket.is_v6;
  const std::uint8_t* begin = has_header ? packet.buffer() + packet.network_offset : packet.data;
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
  if (remote.is_v6() != socket.is_v6) return false;
  if (!socket.local.is_any() && socket.local != local) return false;
  if (socket.is_raw) return !socket.is_connected || socket.remote == remote;
  const auto echo = echo_of(message, socket.is_v6);
  return echo && echo->is_request && echo->id == socket.identifier;
}

bool Icmp::on_error(const IpAddr& local, const IpAddr& remote, const SocketError& error, bool hard,
                    Bytes message) {
  bool is_ours = false;
  sockets_.for_each([&](IcmpSocket& s) {
    if (!has_sent(s, local, remote, message)) return;
    is_ours = true;
    const bool wanted = s.receive_errors || (hard && s.is_connected);
    if (!wanted) return;
    if (s.receive_errors) s.errors.push(*pool_, error, message, s.receive_buffer);
    s.pending_error = error.error;
    if (!s.is_linked()) ready_.push_back(&s);
  });
  return is_ours;
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
