#include "tcp/listen.hpp"

#include "tcp/lifecycle.hpp"
#include "tcp/reset.hpp"

namespace naru::tcp {
namespace {

BoundAddr bound(const Tcp& t, const Connection& c, const IpAddr& addr) {
  const Extra* x = t.extra_of(c);
  return {addr, x != nullptr && x->v6_only};
}

// Whether `c` at `addr` would hear what `holder` hears.
bool overlap(const Tcp& t, const Connection& holder, const Connection& c, const IpAddr& addr) {
  return bound(t, holder, holder.local_addr).overlaps(bound(t, c, addr));
}

// 3: listens on this very address; 2: on any of its family; 1: on any; 0: not for this segment.
int rank(const Tcp& t, const Connection& listening, const Endpoint& local) {
  const IpAddr& addr = listening.local_addr;
  if (listening.local_port != local.port) return 0;
  if (addr == local.addr) return 3;
  if (!bound(t, listening, addr).covers(local.addr)) return 0;
  return addr.is_v4() == local.addr.is_v4() ? 2 : 1;
}

// Linux: SO_REUSEADDR lets sockets share that do not listen, SO_REUSEPORT all that set it.
bool may_share(const Connection& holder, const Connection& c) {
  if (holder.has(kReusePort) && c.has(kReusePort)) return true;
  return holder.has(kReuseAddress) && c.has(kReuseAddress) && holder.state != TcpState::listen;
}

bool is_taken(Tcp& t, const Connection& c, const Endpoint& local) {
  std::uint32_t at = t.bind_buckets[port_bucket(local.port)];
  for (; at != kNoIndex; at = t.binds.at(at)->next) {
    const Connection& holder = *t.connections.at(t.binds.at(at)->connection);
    if (&holder == &c || holder.local_port != local.port) continue;
    if (overlap(t, holder, c, local.addr) && !may_share(holder, c)) return true;
  }
  return false;
}

PortRange port_range(const Tcp& t) {
  PortRange range{static_cast<std::uint16_t>(t.options->get(Option::port_range_first)),
                  static_cast<std::uint16_t>(t.options->get(Option::port_range_last))};
  if (range.last < range.first) range.last = range.first;
  return range;
}

// One that no connection has, as on Linux: who listens there would meet himself, or an old
// peer. Where all have some, one that nobody is bound to.
Result<std::uint16_t> choose_free_port(Tcp& t, const Connection& c, const IpAddr& local) {
  const auto choose = [&](bool may_have_connections) {
    return t.ports.choose(port_range(t), local, {}, *t.random, [&](std::uint16_t port) {
      if (!may_have_connections && t.ports_in_use.any(port)) return true;
      return is_taken(t, c, {local, port});
    });
  };
  const auto unused = choose(false);
  return unused ? unused : choose(true);
}

}  // namespace

// Of several that share a port (SO_REUSEPORT) the one whose hash with the addresses is the
// highest: when one of them goes, its connections find others, and all others stay.
std::uint32_t find_listener(Tcp& t, const Endpoint& local, const Endpoint& remote) {
  int best = 0;
  std::uint32_t candidates = 0;
  const std::uint32_t bucket = t.listener_buckets[port_bucket(local.port)];
  for (std::uint32_t at = bucket; at != kNoIndex; at = t.listeners.at(at)->next) {
    const int r = rank(t, *t.connections.at(t.listeners.at(at)->connection), local);
    if (r > best) candidates = 0;
    if (r >= best && r != 0) {
      best = r;
      ++candidates;
    }
  }
  std::uint32_t chosen = kNoIndex;
  std::uint64_t highest = 0;
  for (std::uint32_t at = bucket; candidates != 0; at = t.listeners.at(at)->next) {
    const std::uint32_t connection = t.listeners.at(at)->connection;
    if (rank(t, *t.connections.at(connection), local) != best) continue;
    const bool is_last = --candidates == 0;
    if (is_last && chosen == kNoIndex) return at;
    const std::uint64_t weight = tuple_hash(t.listener_key, local, remote, connection);
    if (chosen == kNoIndex || weight > highest) {
      chosen = at;
      highest = weight;
    }
  }
  return chosen;
}

Status hold_port(Tcp& t, Connection& c, const Endpoint& local) {
  Endpoint wanted = local;
  if (wanted.port == 0) {
    const auto port = choose_free_port(t, c, local.addr);
    if (!port) return std::unexpected(Error::address_in_use);
    wanted.port = *port;
    c.set(kAutoPort);
  } else if (is_taken(t, c, wanted)) {
    return std::unexpected(Error::address_in_use);
  }
  BindRecord* record = t.binds.take();
  if (record == nullptr) return std::unexpected(Error::no_memory);
  std::uint32_t& bucket = t.bind_buckets[port_bucket(wanted.port)];
  record->connection = t.index_of(c);
  record->next = bucket;
  bucket = t.binds.index_of(record);
  c.local_addr = wanted.addr;
  c.local_port = wanted.port;
  c.set(kBound);
  return {};
}

Result<std::uint16_t> choose_port(Tcp& t, const IpAddr& local, const Endpoint& remote) {
  const Connection nobody;  // shares with no one
  return t.ports.choose(port_range(t), local, remote, *t.random, [&](std::uint16_t port) {
    const Endpoint from{local, port};
    return find(t, from, remote) || is_taken(t, nobody, from);
  });
}

Status start_listening(Tcp& t, Connection& c, std::uint32_t backlog) {
  if (c.state == TcpState::listen) {
    listener_of(t, c)->backlog = backlog;
    return {};
  }
  if (!c.has(kBound)) {
    if (const Status s = hold_port(t, c, {c.local_addr, 0}); !s) return s;
  } else {
    // Sharing by SO_REUSEADDR ends where two would listen.
    std::uint32_t at = t.listener_buckets[port_bucket(c.local_port)];
    for (; at != kNoIndex; at = t.listeners.at(at)->next) {
      const Connection& other = *t.connections.at(t.listeners.at(at)->connection);
      if (other.local_port == c.local_port && overlap(t, other, c, c.local_addr) &&
          !(other.has(kReusePort) && c.has(kReusePort))) {
        return std::unexpected(Error::address_in_use);
      }
    }
  }
  drop_flow(t, c);
  Listener* l = t.listeners.take();
  if (l == nullptr) return std::unexpected(Error::no_memory);
  std::uint32_t& bucket = t.listener_buckets[port_bucket(c.local_port)];
  l->connection = t.index_of(c);
  l->backlog = backlog;
  l->next = bucket;
  bucket = t.listeners.index_of(l);
  c.flow = bucket;
  set_state(t, c, TcpState::listen);
  return {};
}

void stop_listening(Tcp& t, Connection& c) {
  const std::uint32_t index = c.flow;
  Listener& l = *t.listeners.at(index);
  // Connections in SYN-RECEIVED are only counted: look for them.
  if (l.syn_count != 0) {
    t.connections.for_each([&](Connection& child) {
      if (child.listener != index || child.state != TcpState::syn_received) return;
      t.change.set(&child);
      reset_peer(t, child);
      finish(t, child);
    });
  }
  while (l.accept_head != kNoIndex) {
    Connection& child = *t.connections.at(l.accept_head);
    t.change.set(&child);
    leave_listener(t, child);
    reset_peer(t, child);
    finish(t, child);
  }
  t.change.set(&c);
  std::uint32_t* link = &t.listener_buckets[port_bucket(c.local_port)];
  while (*link != index) link = &t.listeners.at(*link)->next;
  *link = l.next;
  t.listeners.give_back(&l);
  c.flow = kNoIndex;
  set_state(t, c, TcpState::closed);
}

Connection* accept_next(Tcp& t, Connection& listening) {
  Listener& l = *listener_of(t, listening);
  if (l.accept_head == kNoIndex) return nullptr;
  Connection& child = *t.connections.at(l.accept_head);
  t.change.set(&child);
  l.accept_head = child.ready_next;
  if (l.accept_head == kNoIndex) l.accept_tail = kNoIndex;
  --l.accept_count;
  child.listener = kNoIndex;
  child.ready_next = kNoIndex;
  child.set(kOwned);
  if (t.trace->on()) t.trace->emit(event(t, child, trace::Kind::accepted));
  return &child;
}

}  // namespace naru::tcp
