#include "udp/udp.hpp"

#include <array>
#include <bit>

namespace naru::udp {
namespace {

constexpr std::uint32_t kMaxGroups = 20;       // of one socket (Linux: igmp_max_memberships)
constexpr std::uint32_t kGroupsPerSocket = 4;  // room on average, not a bound of one socket

bool overlap(std::uint8_t a, std::uint8_t b) {
  return a == b || a == kAnyInterface || b == kAnyInterface;
}

}  // namespace

bool Udp::init(Arena& arena, const Options& options, Counters& counters, trace::Ring& trace,
               Random& random, PacketPool& pool) {
  options_ = &options;
  counters_ = &counters;
  trace_ = &trace;
  random_ = &random;
  pool_ = &pool;
  key_ = {random.next_u64(), random.next_u64()};
  const std::uint32_t count = options.u32(Option::max_udp_sockets);
  return sockets_.init(arena, count) && by_port_.init(arena, sockets_, count) &&
         by_connection_.init(arena, sockets_, count) &&
         groups_.init(arena, count * kGroupsPerSocket);
}

Result<Handle> Udp::open(std::uint64_t cookie) {
  UdpSocket* socket = sockets_.take_raw();
  if (socket == nullptr) return std::unexpected(Error::no_memory);
  const std::uint32_t generation = socket->generation + 1;
  socket = ::new (socket) UdpSocket();
  socket->generation = generation == 0 ? 1 : generation;
  socket->cookie = cookie;
  socket->options.receive_buffer = options_->u32(Option::udp_receive_buffer);
  socket->options.send_buffer = options_->u32(Option::udp_send_buffer);
  change_.set(socket);
  socket->is_open = true;
  return handle_of(*socket);
}

Status Udp::close(Handle handle) {
  UdpSocket* socket = find(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  socket->is_open = false;
  change_.set(socket);
  if (socket->is_connected)
    by_connection_.remove(tuple_hash(socket->local, socket->remote), socket);
  if (socket->is_bound()) by_port_.remove(socket->local.port, socket);
  if (socket->is_linked()) ready_.remove(socket);
  while (Packet* packet = socket->received.pop_front()) pool_->give_back(packet);
  while (socket->groups != 0) {
    Group* group = groups_.at(socket->groups - 1);
    socket->groups = group->next;
    groups_.give_back(group);
  }
  for (Packet* p = output_.front(); socket->send_memory != 0 && p != nullptr; p = p->next) {
    if (p->seq == handle.index) p->seq = kNoIndex;
  }
  socket->errors.clear(*pool_);
  sockets_.give_back(socket);
  return {};
}

std::uint64_t Udp::tuple_hash(const Endpoint& local, const Endpoint& remote) const {
  const auto a = std::bit_cast<std::array<std::uint64_t, 2>>(local.addr.bytes());
  const auto b = std::bit_cast<std::array<std::uint64_t, 2>>(remote.addr.bytes());
  const std::uint64_t ports = (std::uint64_t{local.port} << 16U) | remote.port;
  return siphash(key_, {a[0], a[1], b[0], b[1], ports});
}

// Whether `local` is taken, for this socket. Two sockets share it when both allow it in the
// same way.
bool Udp::conflicts(const UdpSocket& socket, const Endpoint& local, bool with_reuse) const {
  for (const UdpSocket* other = by_port_.first(local.port); other != nullptr;
       other = by_port_.next(*other)) {
    if (other == &socket || other->local.port != local.port) continue;
    const SocketOptions& a = socket.options;
    const SocketOptions& b = other->options;
    const BoundAddr wanted{local.addr, a.v6_only};
    if (!other->bound().overlaps(wanted) || !overlap(a.interface, b.interface)) continue;
    const bool shared = (a.reuse_address && b.reuse_address) || (a.reuse_port && b.reuse_port);
    if (!with_reuse || !shared) return true;
  }
  return false;
}

// Random among all (RFC 6056 3.3.2); in a crowded range, the next free one from there.
Result<std::uint16_t> Udp::choose_port(const UdpSocket& socket, const IpAddr& local) {
  constexpr int kTries = 32;
  const std::uint32_t first = options_->u32(Option::port_range_first);
  const std::uint32_t last = options_->u32(Option::port_range_last);
  const std::uint32_t count = last < first ? 0 : last - first + 1;
  if (count == 0) return std::unexpected(Error::address_in_use);
  for (int i = 0; i < kTries; ++i) {
    const auto port = static_cast<std::uint16_t>(first + random_->below(count));
    if (!conflicts(socket, {local, port}, false)) return port;
  }
  const std::uint32_t start = random_->below(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto port = static_cast<std::uint16_t>(first + (start + i) % count);
    if (!conflicts(socket, {local, port}, false)) return port;
  }
  return std::unexpected(Error::address_in_use);
}

Status Udp::take_port(UdpSocket& socket, const Endpoint& local) {
  std::uint16_t port = local.port;
  if (port == 0) {
    const auto chosen = choose_port(socket, local.addr);
    if (!chosen) return std::unexpected(chosen.error());
    port = *chosen;
    socket.port_chosen = true;
  } else if (conflicts(socket, local, true)) {
    return std::unexpected(Error::address_in_use);
  }
  socket.local = {local.addr, port};
  socket.bound_to_v6 = local.addr.is_v6();
  by_port_.insert(port, &socket);
  return {};
}

Status Udp::bind(Handle handle, const Endpoint& local) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  if (socket->is_bound()) return std::unexpected(Error::invalid);
  const Status taken = take_port(*socket, local);
  if (taken) socket->port_chosen = false;  // asked for, even if it was by port 0
  return taken;
}

Status Udp::connect(Handle handle, const Endpoint& remote, const IpAddr& source,
                    bool to_broadcast) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  if (!socket->options.broadcast && (to_broadcast || remote.addr.is_limited_broadcast())) {
    return std::unexpected(Error::access_denied);
  }
  if (!socket->is_bound()) {
    const Status taken = take_port(*socket, {wildcard_for(remote.addr), 0});
    if (!taken) return taken;
  }
  forget_connection(*socket);
  if (socket->local.addr.is_any()) {
    socket->local.addr = source;
    socket->addr_chosen = true;
  }
  socket->remote = remote;
  socket->is_connected = true;
  socket->pending_error = Error::none;
  by_connection_.insert(tuple_hash(socket->local, remote), socket);
  return {};
}

void Udp::forget_connection(UdpSocket& socket) {
  if (!socket.is_connected) return;
  by_connection_.remove(tuple_hash(socket.local, socket.remote), &socket);
  socket.is_connected = false;
  socket.remote = {};
  if (socket.addr_chosen) socket.local.addr = socket.wildcard();
  socket.addr_chosen = false;
}

Status Udp::disconnect(Handle handle) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  forget_connection(*socket);
  socket->shut_read = socket->shut_write = false;
  socket->pending_error = Error::none;
  if (socket->port_chosen) {
    by_port_.remove(socket->local.port, socket);
    socket->local.port = 0;
    socket->port_chosen = false;
  }
  return {};
}

Status Udp::shutdown(Handle handle, bool read, bool write) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  if (!socket->is_connected) return std::unexpected(Error::not_connected);
  socket->shut_read |= read;
  socket->shut_write |= write;
  notify(*socket);
  return {};
}

bool Udp::is_member(const UdpSocket& socket, std::uint8_t interface, const IpAddr& group) const {
  for (std::uint32_t link = socket.groups; link != 0; link = groups_.at(link - 1)->next) {
    const Group& g = *groups_.at(link - 1);
    if (g.interface == interface && g.addr == group) return true;
  }
  return false;
}

Status Udp::join(Handle handle, std::uint8_t interface, const IpAddr& group) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  if (!group.is_multicast()) return std::unexpected(Error::invalid);
  if (is_member(*socket, interface, group)) return std::unexpected(Error::address_in_use);
  std::uint32_t count = 0;
  for_each_group(*socket, [&](const Group&) { ++count; });
  Group* joined = count < kMaxGroups ? groups_.take() : nullptr;
  if (joined == nullptr) return std::unexpected(Error::no_buffers);
  *joined = {.addr = group, .next = socket->groups, .interface = interface};
  socket->groups = groups_.index_of(joined) + 1;
  return {};
}

Status Udp::leave(Handle handle, std::uint8_t interface, const IpAddr& group) {
  UdpSocket* socket = change(handle);
  if (socket == nullptr) return std::unexpected(Error::bad_handle);
  for (std::uint32_t* link = &socket->groups; *link != 0; link = &groups_.at(*link - 1)->next) {
    Group* g = groups_.at(*link - 1);
    if (g->interface != interface || g->addr != group) continue;
    *link = g->next;
    groups_.give_back(g);
    return {};
  }
  return std::unexpected(Error::address_not_available);
}

std::uint8_t Udp::readiness(const UdpSocket& socket) {
  std::uint8_t ready = 0;
  if (!socket.received.empty() || socket.shut_read) ready |= kReadable;
  if (socket.send_memory < socket.options.send_buffer) ready |= kWritable;
  if (socket.pending_error != Error::none || !socket.errors.empty()) ready |= kError;
  return ready;
}

bool Udp::pop_ready(ReadyEvent& event) {
  UdpSocket* socket = ready_.pop_front();
  if (socket == nullptr) return false;
  event = {.handle = handle_of(*socket), .cookie = socket->cookie, .ready = readiness(*socket)};
  return true;
}

}  // namespace naru::udp
