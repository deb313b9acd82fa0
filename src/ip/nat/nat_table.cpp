#include "ip/nat/nat_table.hpp"

#include <algorithm>

namespace naru::ip {
namespace {

constexpr std::uint32_t kAllPorts = 65'536;

}  // namespace

std::size_t NatTable::index_of(Protocol protocol) {
  return protocol == Protocol::tcp ? 0 : protocol == Protocol::udp ? 1 : 2;
}

bool NatTable::init(Arena& arena, Context& context, std::uint32_t max_sessions) {
  context_ = &context;
  if (max_sessions == 0) return true;
  for (std::uint32_t*& heads : by_outside_) {
    heads = static_cast<std::uint32_t*>(arena.take(sizeof(std::uint32_t) * kAllPorts));
    if (heads == nullptr) return false;
  }
  reserve_own_ports();
  // Mappings rest for a while when their sessions are over, and there are those that stay.
  const std::uint32_t mappings = std::min<std::uint32_t>(2 * max_sessions, kProtocols * kAllPorts);
  return sessions_.init(arena, max_sessions) && peers_.init(arena, max_sessions) &&
         mappings_.init(arena, mappings) && hosts_.init(arena, mappings) &&
         by_key_.init(arena, sessions_, max_sessions) &&
         by_peer_.init(arena, peers_, max_sessions) &&
         by_inside_.init(arena, mappings_, mappings) && by_host_.init(arena, hosts_, mappings);
}

// Those that the router's own sockets are given without asking for any.
void NatTable::reserve_own_ports() {
  const std::uint32_t first = context_->options->u32(Option::port_range_first);
  const std::uint32_t last = context_->options->u32(Option::port_range_last);
  for (const Protocol protocol : {Protocol::tcp, Protocol::udp, Protocol::icmp}) {
    reserve(protocol, 0);
    if (protocol == Protocol::icmp) continue;
    for (std::uint32_t port = first; port <= last; ++port) {
      reserve(protocol, static_cast<std::uint16_t>(port));
    }
  }
}

bool NatTable::reserve(Protocol protocol, std::uint16_t port) {
  const std::size_t i = index_of(protocol);
  if (by_outside_[i] == nullptr) return true;
  if (by_outside_[i][port] != 0) return false;
  ports_[i].take(port);
  reserved_[i].take(port);
  return true;
}

// --- keys --------------------------------------------------------------------------

std::uint64_t NatTable::hash_inside(Protocol protocol, const NatEndpoint& inside) const {
  return siphash(context_->key, {inside.word(), static_cast<std::uint64_t>(protocol)});
}

std::uint64_t NatTable::hash_session(const NatKey& key) const {
  const std::uint64_t addrs = std::uint64_t{key.inside_addr} << 32U | key.remote_addr;
  const std::uint64_t ports = std::uint64_t{key.inside_port} << 32U |
                              std::uint64_t{key.remote_port} << 16U |
                              static_cast<std::uint8_t>(key.protocol);
  return siphash(context_->key, {addrs, ports});
}

std::uint64_t NatTable::hash_peer(std::uint32_t mapping, std::uint32_t addr) const {
  return siphash(context_->key, {(std::uint64_t{mapping} << 32U) | addr});
}

std::uint64_t NatTable::hash_host(std::uint32_t addr) const {
  return siphash(context_->key, {addr});
}

NatMapping* NatTable::find_inside(Protocol protocol, const NatEndpoint& inside) const {
  return by_inside_.find(hash_inside(protocol, inside), [&](const NatMapping& m) {
    return m.inside == inside && m.protocol == protocol;
  });
}

NatMapping* NatTable::find_outside(Protocol protocol, std::uint16_t port) {
  const std::uint32_t link = by_outside_[index_of(protocol)][port];
  return link == 0 ? nullptr : mappings_.at(link - 1);
}

NatSession* NatTable::find_session(const NatKey& key) const {
  return by_key_.find(hash_session(key), [&](const NatSession& s) { return s.key == key; });
}

NatPeer* NatTable::find_peer(std::uint32_t mapping, std::uint32_t addr) const {
  return by_peer_.find(hash_peer(mapping, addr),
                       [&](const NatPeer& p) { return p.mapping == mapping && p.addr == addr; });
}

bool NatTable::knows(const NatMapping& mapping, std::uint32_t addr) const {
  return find_peer(mappings_.index_of(&mapping), addr) != nullptr;
}

// --- mappings ----------------------------------------------------------------------

NatHost* NatTable::find_or_add_host(std::uint32_t addr) {
  const std::uint64_t hash = hash_host(addr);
  NatHost* host = by_host_.find(hash, [&](const NatHost& h) { return h.addr == addr; });
  if (host != nullptr) return host;
  host = hosts_.take();
  if (host == nullptr) return nullptr;
  host->addr = addr;
  by_host_.insert(hash, host);
  return host;
}

NatMapping* NatTable::map(Protocol protocol, const NatEndpoint& inside, Time now) {
  if (NatMapping* known = find_inside(protocol, inside)) return known;
  const auto port = ports_[index_of(protocol)].pick(inside.port, *context_->random);
  return port ? add_mapping(protocol, inside, *port, now) : nullptr;
}

// One of the host's own that rests goes, if need be one that is made to.
bool NatTable::make_room_for_mapping(NatHost& host, Time now) {
  if (host.mappings < context_->options->u32(Option::nat_sessions_per_host)) return true;
  while (host.resting.empty()) {
    if (host.transitory.empty()) return false;
    evict(*host.transitory.front(), now);
  }
  ++host.mappings;  // so that it is not the last one that goes
  remove(*host.resting.front());
  --host.mappings;
  return true;
}

NatMapping* NatTable::add_mapping(Protocol protocol, const NatEndpoint& inside, std::uint16_t port,
                                  Time now) {
  NatHost* host = find_or_add_host(inside.addr);
  if (host == nullptr) return nullptr;
  NatMapping* m = make_room_for_mapping(*host, now) ? mappings_.take() : nullptr;
  if (m == nullptr) {
    if (host->mappings == 0) remove(*host);
    return nullptr;
  }
  m->protocol = protocol;
  m->inside = inside;
  m->outside_port = port;
  m->host = hosts_.index_of(host);
  ++host->mappings;
  by_inside_.insert(hash_inside(protocol, inside), m);
  by_outside_[index_of(protocol)][port] = mappings_.index_of(m) + 1;
  ports_[index_of(protocol)].take(port);
  return m;
}

void NatTable::remove(NatHost& host) {
  by_host_.remove(hash_host(host.addr), &host);
  hosts_.give_back(&host);
}

// Without sessions.
void NatTable::remove(NatMapping& mapping) {
  NatHost* host = hosts_.at(mapping.host);
  context_->wheel.cancel(mapping);
  if (mapping.is_linked()) host->resting.remove(&mapping);
  by_inside_.remove(hash_inside(mapping.protocol, mapping.inside), &mapping);
  const std::size_t i = index_of(mapping.protocol);
  by_outside_[i][mapping.outside_port] = 0;
  if (!reserved_[i].is_taken(mapping.outside_port)) ports_[i].give_back(mapping.outside_port);
  mappings_.give_back(&mapping);
  if (--host->mappings == 0) remove(*host);
}

// Nobody inside speaks by it any more: what others began ends, and the port is kept for the
// same inside endpoint for a while (RFC 6888 REQ-8).
void NatTable::rest(NatMapping& mapping, Time now) {
  while (NatSession* s = mapping.sessions.front()) remove(*s);
  if (mapping.is_static || mapping.is_linked()) return;
  hosts_.at(mapping.host)->resting.push_back(&mapping);
  context_->wheel.arm(mapping, now + context_->options->duration(Option::nat_hold_down));
}

Status NatTable::add_static(Protocol protocol, std::uint16_t outside_port,
                            const NatEndpoint& inside, Time now) {
  if (static_count_ == kMaxStatic || !exists()) return std::unexpected(Error::no_memory);
  const bool is_free = !ports_[index_of(protocol)].is_taken(outside_port);
  if (!is_free || find_inside(protocol, inside) != nullptr) {
    return std::unexpected(Error::address_in_use);
  }
  NatMapping* mapping = add_mapping(protocol, inside, outside_port, now);
  if (mapping == nullptr) return std::unexpected(Error::no_memory);
  mapping->is_static = true;
  statics_[static_count_++] = {protocol, outside_port, inside};
  return {};
}

Status NatTable::remove_static(Protocol protocol, std::uint16_t outside_port) {
  auto* const end = statics_.begin() + static_count_;
  auto* const found = std::find_if(statics_.begin(), end, [&](const Static& s) {
    return s.protocol == protocol && s.port == outside_port;
  });
  if (found == end) return std::unexpected(Error::not_found);
  *found = statics_[--static_count_];
  NatMapping& mapping = *find_outside(protocol, outside_port);
  // Its sessions have nothing to stand on.
  while (NatSession* s = mapping.sessions.front()) remove(*s);
  remove(mapping);
  return {};
}

// --- sessions ----------------------------------------------------------------------

// For one more session of this host.
bool NatTable::make_room(NatHost& host, Time now) {
  const bool at_bound = host.sessions >= context_->options->u32(Option::nat_sessions_per_host);
  const bool is_full = sessions_.in_use() == sessions_.capacity();
  if (!at_bound && !is_full) return true;
  NatSession* victim = at_bound ? host.transitory.front() : transitory_.front();
  if (victim == nullptr) return false;
  evict(*victim, now);
  return true;
}

void NatTable::evict(NatSession& session, Time now) {
  context_->counters->add(Counter::nat_evicted);
  end(session, now);
}

NatSession* NatTable::add_session(NatMapping& mapping, const NatEndpoint& remote, Time now) {
  NatHost& host = *hosts_.at(mapping.host);
  if (!make_room(host, now)) {
    if (mapping.sessions.empty() && !mapping.is_static && !mapping.is_linked()) remove(mapping);
    return nullptr;
  }
  NatSession* s = sessions_.take();
  s->mapping = mappings_.index_of(&mapping);
  s->key = NatKey::of(mapping.protocol, mapping.inside, remote);
  s->outside_port = mapping.outside_port;
  s->last = now;
  by_key_.insert(hash_session(s->key), s);
  mapping.sessions.push_back(s);
  ++host.sessions;
  set_transitory(*s, true);
  context_->wheel.arm(*s, now + life_of(*s));
  context_->counters->add(Counter::nat_sessions);
  return s;
}

void NatTable::end(NatSession& session, Time now) {
  NatMapping& mapping = *mappings_.at(session.mapping);
  remove(session);
  if (!mapping.is_active()) rest(mapping, now);
}

void NatTable::remove(NatSession& session) {
  NatMapping& mapping = *mappings_.at(session.mapping);
  context_->wheel.cancel(session);
  set_transitory(session, false);
  mapping.sessions.remove(&session);
  by_key_.remove(hash_session(session.key), &session);
  --hosts_.at(mapping.host)->sessions;
  const bool spoken = session.spoken;
  const std::uint32_t remote = session.key.remote_addr;
  const std::uint32_t index = session.mapping;
  sessions_.give_back(&session);
  if (spoken) {
    NatPeer* peer = find_peer(index, remote);
    if (--peer->sessions == 0) {
      by_peer_.remove(hash_peer(index, remote), peer);
      peers_.give_back(peer);
    }
    --mapping.spoken;
  }
}

// The inside speaks for the first time: that makes the mapping active, and the remote address
// one that may answer.
void NatTable::on_spoken(NatSession& session) {
  NatMapping& mapping = *mappings_.at(session.mapping);
  session.spoken = true;
  if (mapping.spoken++ == 0 && mapping.is_linked()) {
    hosts_.at(mapping.host)->resting.remove(&mapping);
    context_->wheel.cancel(mapping);
  }
  NatPeer* peer = find_peer(session.mapping, session.key.remote_addr);
  if (peer == nullptr) {
    peer = peers_.take();  // never without: there are no more than sessions
    peer->mapping = session.mapping;
    peer->addr = session.key.remote_addr;
    by_peer_.insert(hash_peer(peer->mapping, peer->addr), peer);
  }
  ++peer->sessions;
}

void NatTable::note(NatSession& session, NatDirection direction, const wire::TcpView* segment,
                    Time now) {
  if (direction == NatDirection::out && !session.spoken) on_spoken(session);
  if (segment != nullptr) {
    if (!session.tcp.note(direction, *segment)) return;
    session.last = now;
    const bool is_transitory = !session.tcp.is_established();
    if (is_transitory == session.is_transitory) return;
    set_transitory(session, is_transitory);
    context_->wheel.arm_no_later(session, now + life_of(session));
    return;
  }
  // What comes from outside does not keep it alive (RFC 4787 REQ-6).
  if (direction == NatDirection::out) session.last = now;
  if (direction == NatDirection::in) session.answered = true;
  const bool is_query = session.key.protocol == Protocol::icmp;
  if (session.is_transitory && session.spoken && session.answered && !is_query) {
    set_transitory(session, false);
  }
}

void NatTable::set_transitory(NatSession& session, bool transitory) {
  if (session.is_transitory == transitory) return;
  session.is_transitory = transitory;
  NatHost& host = *hosts_.at(mappings_.at(session.mapping)->host);
  if (transitory) {
    host.transitory.push_back(&session);
    transitory_.push_back(&session);
  } else {
    host.transitory.remove(&session);
    transitory_.remove(&session);
  }
}

Duration NatTable::life_of(const NatSession& session) const {
  const Options& options = *context_->options;
  switch (session.key.protocol) {
    case Protocol::tcp:
      return options.duration(session.tcp.is_established() ? Option::nat_tcp_timeout
                                                           : Option::nat_tcp_transitory_timeout);
    case Protocol::udp:
      return options.duration(Option::nat_udp_timeout);
    default:
      return options.duration(Option::nat_icmp_timeout);
  }
}

void NatTable::on_session_timer(NatSession& session, Time now) {
  const Time last = session.last + life_of(session);
  if (last > now) {
    context_->wheel.arm(session, last);
  } else {
    end(session, now);
  }
}

void NatTable::clear() {
  sessions_.for_each([&](NatSession& s) { remove(s); });
  mappings_.for_each([&](NatMapping& m) {
    if (!m.is_static) remove(m);
  });
}

void NatTable::forget(Time now) {
  if (!exists()) return;
  sessions_.forget();
  sessions_.rebuild();
  mappings_.forget();
  mappings_.rebuild();
  hosts_.forget();
  hosts_.rebuild();
  peers_.forget();
  peers_.rebuild();
  by_key_.clear();
  by_inside_.clear();
  by_host_.clear();
  by_peer_.clear();
  transitory_ = {};
  for (std::size_t i = 0; i < kProtocols; ++i) {
    std::fill_n(by_outside_[i], kAllPorts, 0U);
    ports_[i] = reserved_[i];
  }
  const std::uint32_t count = std::min(static_count_, kMaxStatic);
  for (std::uint32_t i = 0; i < count; ++i) {
    NatMapping* m = add_mapping(statics_[i].protocol, statics_[i].inside, statics_[i].port, now);
    if (m != nullptr) m->is_static = true;
  }
}

}  // namespace naru::ip
