// The socket calls: from ids to the protocols' own.

#include <naru/stack/stack.hpp>

#include "stack/state.hpp"
#include "tcp/user.hpp"

namespace naru {
namespace {

using Kind = SocketId::Kind;

constexpr int kMaxBacklog = 65'535;

std::unexpected<Error> no(Error error) { return std::unexpected(error); }

constexpr std::uint32_t make_tag(Kind kind, std::uint32_t generation) {
  return static_cast<std::uint32_t>(kind) << 24U | (generation & 0xffffffU);
}

icmp::Handle icmp_handle(SocketId id) { return {id.index, id.generation()}; }

udp::Handle udp_handle(SocketId id) { return {id.index, id.generation()}; }

// bind() may name: any, one of ours, and for udp a broadcast or group address.
bool may_bind(StackState& s, SocketId id, const IpAddr& addr) {
  if (addr.is_any() || s.ip.is_local(addr)) return true;
  return id.kind() == Kind::udp && (addr.is_multicast() || s.ip.is_broadcast(addr));
}

// Nothing was said: this host, as Linux has it.
IpAddr or_loopback(const IpAddr& remote) {
  if (!remote.is_any()) return remote;
  return remote.is_v4() ? IpAddr::loopback_v4() : IpAddr::loopback_v6();
}

// The address that packets to `remote` carry, when the socket is bound to `bound`.
Result<IpAddr> source_for(StackState& s, const IpAddr& remote, const IpAddr& bound) {
  const IpAddr local = bound.is_any() ? IpAddr() : bound;
  const auto d = s.ip.destination(remote, local, s.now);
  if (!d) return no(d.error());
  return s.ip.at(*d).source;
}

Status connect_tcp(StackState& s, tcp::Connection& c, Endpoint remote) {
  remote.addr = or_loopback(remote.addr);
  if (remote.addr.is_multicast() || s.ip.is_broadcast(remote.addr)) {
    return no(Error::network_unreachable);
  }
  if (c.state != TcpState::closed) return tcp::connect(s.tcp, c, remote, remote.addr);
  const IpAddr bound = c.has(tcp::kBoundAddress) ? c.local_addr : IpAddr::any_v4();
  const auto source = source_for(s, remote.addr, bound);
  if (!source) return no(source.error());
  if (remote.port == 0) return no(Error::refused);  // as Linux
  return tcp::connect(s.tcp, c, remote, *source);
}

Status connect_udp(StackState& s, SocketId id, const udp::UdpSocket& u, Endpoint remote) {
  if (remote == Endpoint()) return s.udp.disconnect(udp_handle(id));
  remote.addr = or_loopback(remote.addr);
  const IpAddr bound = u.addr_chosen ? IpAddr::any_v4() : u.local.addr;
  const auto source = source_for(s, remote.addr, bound);
  if (!source) return no(source.error());
  return s.udp.connect(udp_handle(id), remote, *source, s.ip.is_broadcast(remote.addr));
}

// A datagram that nobody may cut and that does not fit is refused at once (ip(7), ipv6(7)).
Status check_fits(StackState& s, udp::UdpSocket& u, std::size_t size, const Endpoint& to,
                  const IpAddr& source) {
  if (!udp::is_uncut(u.options)) return {};
  const Endpoint& remote = to == Endpoint() ? u.remote : to;
  const std::size_t headers = (remote.addr.is_v4() ? 20 : 40) + 8;
  const IpAddr bound = u.local.addr.is_any() ? IpAddr() : u.local.addr;
  const auto d = s.ip.destination(remote.addr, source == IpAddr() ? bound : source, s.now);
  if (!d) return {};
  const bool ignores_path = udp::ignores_path(u.options.mtu_discovery);
  const std::uint16_t mtu = datagram_mtu(s.ip, s.ip.at(*d), ignores_path, u.options.longest_packet);
  if (size + headers <= mtu) return {};
  if (u.options.receive_errors) {
    const SocketError error{.error = Error::message_size,
                            .origin = SocketError::Origin::local,
                            .info = mtu,
                            .remote = {remote.addr, u.remote.port}};
    u.errors.push(s.packets, error, {}, u.options.receive_buffer);
  }
  return no(Error::message_size);
}

Status connect_icmp(StackState& s, icmp::IcmpSocket& i, Endpoint remote) {
  i.is_connected = false;
  if (remote.addr == IpAddr()) return {};
  if (remote.addr.is_v6() != i.is_v6) return no(Error::address_family);
  remote.addr = or_loopback(remote.addr);
  const auto source = source_for(s, remote.addr, i.local);
  if (!source) return no(source.error());
  i.remote = remote.addr;
  i.is_connected = true;
  return {};
}

Result<std::size_t> send_icmp(StackState& s, icmp::IcmpSocket& i, Bytes data, IpAddr remote) {
  if (remote.is_v6() != i.is_v6) return no(Error::address_family);
  remote = or_loopback(remote);
  if (s.ip.is_broadcast(remote)) return no(Error::access_denied);
  const auto source = source_for(s, remote, i.local);
  if (!source) return no(source.error());
  return s.icmp.send(i, data, remote);
}

std::uint8_t udp_readiness(const udp::UdpSocket& u) {
  const std::uint8_t r = udp::Udp::readiness(u);
  std::uint8_t bits = 0;
  if ((r & udp::kReadable) != 0) bits |= ready::kIn;
  if ((r & udp::kWritable) != 0) bits |= ready::kOut;
  if ((r & udp::kError) != 0) bits |= ready::kErr;
  if (u.shut_read) bits |= ready::kRdHup;
  if (u.shut_read && u.shut_write) bits |= ready::kHup;
  return bits;
}

}  // namespace

std::uint8_t icmp_readiness(const icmp::IcmpSocket& i) {
  std::uint8_t bits = 0;
  if (!i.received.empty()) bits |= ready::kIn;
  if (i.send_memory < i.send_buffer) bits |= ready::kOut;
  if (i.pending_error != Error::none || !i.errors.empty()) bits |= ready::kErr;
  return bits;
}

SocketId Stack::id_of(const tcp::Connection& c) const {
  return {state_->tcp.index_of(c), make_tag(Kind::tcp, c.generation)};
}

SocketId Stack::id_of(const udp::Handle& handle) {
  return {handle.index, make_tag(Kind::udp, handle.generation)};
}

SocketId Stack::id_of(const icmp::Handle& handle) {
  return {handle.index, make_tag(Kind::icmp, handle.generation)};
}

icmp::IcmpSocket* Stack::find_icmp(SocketId id) const {
  return id.kind() == Kind::icmp ? state_->icmp.find(icmp_handle(id)) : nullptr;
}

udp::UdpSocket* Stack::find_udp(SocketId id) const {
  return id.kind() == Kind::udp ? state_->udp.find(udp_handle(id)) : nullptr;
}

Result<SocketId> Stack::open_tcp() {
  const auto c = tcp::open(state_->tcp);
  if (!c) return no(c.error());
  return id_of(**c);
}

Result<SocketId> Stack::open_udp() {
  const auto handle = state_->udp.open(0);
  if (!handle) return no(handle.error());
  return id_of(*handle);
}

Result<SocketId> Stack::open_icmp(bool is_raw, bool is_v6) {
  const auto handle = state_->icmp.open(is_raw, is_v6);
  if (!handle) return no(handle.error());
  state_->ip.copy_icmp(true);
  return id_of(*handle);
}

void Stack::set_cookie(SocketId socket, std::uint64_t cookie) {
  if (tcp::Connection* c = find_tcp(socket)) c->cookie = cookie;
  if (udp::UdpSocket* u = find_udp(socket)) u->cookie = cookie;
  if (icmp::IcmpSocket* i = find_icmp(socket)) i->cookie = cookie;
}

Status Stack::bind(SocketId socket, const Endpoint& local) {
  StackState& s = *state_;
  if (!may_bind(s, socket, local.addr)) return no(Error::address_not_available);
  if (tcp::Connection* c = change_tcp(socket)) {
    if (!s.ip.reserve_port(Protocol::tcp, local.port)) return no(Error::address_in_use);
    return tcp::bind(s.tcp, *c, local);
  }
  if (find_udp(socket) != nullptr) {
    if (!s.ip.reserve_port(Protocol::udp, local.port)) return no(Error::address_in_use);
    return s.udp.bind(udp_handle(socket), local);
  }
  if (icmp::IcmpSocket* i = find_icmp(socket)) return s.icmp.bind(*i, local);
  return no(Error::bad_handle);
}

Status Stack::listen(SocketId socket, int backlog) {
  StackState& s = *state_;
  const int bounded = backlog < 0 || backlog > kMaxBacklog ? kMaxBacklog : backlog;
  if (tcp::Connection* c = change_tcp(socket)) {
    return tcp::listen(s.tcp, *c, static_cast<std::uint32_t>(bounded));
  }
  return no(is_datagram(socket) ? Error::not_supported : Error::bad_handle);
}

Result<Accepted> Stack::accept(SocketId listener) {
  StackState& s = *state_;
  tcp::Connection* c = find_tcp(listener);
  if (c == nullptr) {
    return no(is_datagram(listener) ? Error::not_supported : Error::bad_handle);
  }
  const auto child = tcp::accept(s.tcp, *c);
  if (!child) return no(child.error());
  return Accepted{id_of(**child), (*child)->remote()};
}

Status Stack::connect(SocketId socket, const Endpoint& remote) {
  StackState& s = *state_;
  if (tcp::Connection* c = change_tcp(socket)) return connect_tcp(s, *c, remote);
  if (udp::UdpSocket* u = find_udp(socket)) return connect_udp(s, socket, *u, remote);
  if (icmp::IcmpSocket* i = find_icmp(socket)) return connect_icmp(s, *i, remote);
  return no(Error::bad_handle);
}

Status Stack::disconnect(SocketId socket) {
  if (tcp::Connection* c = find_tcp(socket)) {
    tcp::disconnect(state_->tcp, *c);
    return {};
  }
  return connect(socket, Endpoint{});
}

Result<std::size_t> Stack::send(SocketId socket, Bytes data, unsigned flags) {
  StackState& s = *state_;
  if (tcp::Connection* c = change_tcp(socket)) return tcp::send(s.tcp, *c, data, flags);
  if (udp::UdpSocket* u = find_udp(socket)) {
    const Status fits = check_fits(s, *u, data.size(), {}, {});
    return fits ? s.udp.send(udp_handle(socket), data) : no(fits.error());
  }
  if (icmp::IcmpSocket* i = find_icmp(socket)) {
    return i->is_connected ? s.icmp.send(*i, data, i->remote) : no(Error::destination_required);
  }
  return no(Error::bad_handle);
}

Result<std::size_t> Stack::recv(SocketId socket, MutableBytes out, unsigned flags) {
  if (tcp::Connection* c = change_tcp(socket)) return tcp::recv(state_->tcp, *c, out, flags);
  DatagramInfo info;
  return recv_from(socket, out, info, flags);
}

Result<std::size_t> Stack::send_to(SocketId socket, Bytes data, const Endpoint& remote,
                                   unsigned flags, const DatagramControl& control) {
  StackState& s = *state_;
  if (find_tcp(socket) != nullptr) return send(socket, data, flags);  // as Linux
  const bool as_connected = remote == Endpoint{};
  if (icmp::IcmpSocket* i = find_icmp(socket)) {
    return as_connected ? send(socket, data, flags) : send_icmp(s, *i, data, remote.addr);
  }
  udp::UdpSocket* u = find_udp(socket);
  if (u == nullptr) return no(Error::bad_handle);
  if (control.source != IpAddr() && !s.ip.is_local(control.source)) return no(Error::invalid);
  udp::SendTo to;
  to.remote = remote;
  to.source = control.source;
  to.interface = control.interface;
  to.ttl = control.ttl;
  to.tos = control.tos;
  if (!as_connected) to.remote.addr = or_loopback(to.remote.addr);
  if (const Status fits = check_fits(s, *u, data.size(), to.remote, to.source); !fits) {
    return no(fits.error());
  }
  to.to_broadcast = s.ip.is_broadcast(to.remote.addr);
  return s.udp.send(udp_handle(socket), data, to);
}

Result<std::size_t> Stack::recv_from(SocketId socket, MutableBytes out, DatagramInfo& info,
                                     unsigned flags) {
  StackState& s = *state_;
  const bool peeks = (flags & msg::kPeek) != 0;
  const auto tell = [&](const auto& got, std::uint64_t lost) -> Result<std::size_t> {
    if (!got) return no(got.error());
    info = {.source = got->source,
            .destination = got->destination,
            .interface = got->interface,
            .ttl = got->ttl,
            .tos = got->tos,
            .truncated = got->full_size > got->size,
            .length = static_cast<std::uint32_t>(got->full_size),
            .received = got->at,
            .lost = static_cast<std::uint32_t>(lost)};
    return (flags & msg::kTrunc) != 0 ? got->full_size : got->size;
  };
  if (const udp::UdpSocket* u = find_udp(socket)) {
    return tell(s.udp.recv(udp_handle(socket), out, {.peek = peeks}), u->dropped);
  }
  if (icmp::IcmpSocket* i = find_icmp(socket)) {
    return tell(s.icmp.recv(*i, out, peeks), i->dropped);
  }
  return find_tcp(socket) != nullptr ? recv(socket, out, flags) : no(Error::bad_handle);
}

Result<SocketError> Stack::recv_error(SocketId socket, MutableBytes out) {
  StackState& s = *state_;
  if (find_udp(socket) != nullptr) return s.udp.recv_error(udp_handle(socket), out);
  if (icmp::IcmpSocket* i = find_icmp(socket)) return s.icmp.recv_error(*i, out);
  return no(find_tcp(socket) != nullptr ? Error::would_block : Error::bad_handle);
}

Status Stack::shutdown(SocketId socket, Shutdown how) {
  StackState& s = *state_;
  if (tcp::Connection* c = change_tcp(socket)) return tcp::shutdown(s.tcp, *c, how);
  if (find_udp(socket) != nullptr) {
    return s.udp.shutdown(udp_handle(socket), how != Shutdown::send, how != Shutdown::receive);
  }
  if (const icmp::IcmpSocket* i = find_icmp(socket)) {
    return i->is_connected ? Status() : no(Error::not_connected);
  }
  return no(Error::bad_handle);
}

Status Stack::close(SocketId socket) {
  StackState& s = *state_;
  if (tcp::Connection* c = change_tcp(socket)) {
    tcp::close(s.tcp, *c);
    return {};
  }
  if (icmp::IcmpSocket* i = find_icmp(socket)) {
    s.icmp.close(*i);
    s.ip.copy_icmp(s.icmp.sockets_in_use() != 0);
    return {};
  }
  const udp::UdpSocket* u = find_udp(socket);
  if (u == nullptr) return no(Error::bad_handle);
  s.udp.for_each_group(*u, [&s](const udp::Group& g) { s.ip.leave(g.interface, g.addr, s.now); });
  return s.udp.close(udp_handle(socket));
}

Status Stack::abort(SocketId socket) {
  StackState& s = *state_;
  tcp::Connection* c = change_tcp(socket);
  if (c == nullptr) return close(socket);
  tcp::abort(s.tcp, *c);
  return {};
}

void Stack::abort_orphans() { tcp::abort_orphans(state_->tcp); }

std::uint8_t Stack::readiness(SocketId socket) const {
  if (const tcp::Connection* c = find_tcp(socket)) return tcp::readiness(state_->tcp, *c);
  if (const udp::UdpSocket* u = find_udp(socket)) return udp_readiness(*u);
  if (const icmp::IcmpSocket* i = find_icmp(socket)) return icmp_readiness(*i);
  return ready::kErr | ready::kHup;
}

Error Stack::take_error(SocketId socket) {
  StackState& s = *state_;
  if (tcp::Connection* c = find_tcp(socket)) return tcp::take_error(s.tcp, *c);
  if (udp::UdpSocket* u = find_udp(socket)) return s.udp.take_error(*u);
  if (icmp::IcmpSocket* i = find_icmp(socket)) {
    return std::exchange(i->pending_error, Error::none);
  }
  return Error::bad_handle;
}

Result<Endpoint> Stack::local(SocketId socket) const {
  if (const tcp::Connection* c = find_tcp(socket)) return c->local();
  if (const udp::UdpSocket* u = find_udp(socket)) return u->local;
  if (const icmp::IcmpSocket* i = find_icmp(socket)) return Endpoint{i->local, i->identifier};
  return no(Error::bad_handle);
}

Result<Endpoint> Stack::remote(SocketId socket) const {
  if (const tcp::Connection* c = find_tcp(socket)) {
    const bool connected = tcp::is_synchronized(c->state);
    return connected ? Result<Endpoint>(c->remote()) : no(Error::not_connected);
  }
  if (const icmp::IcmpSocket* i = find_icmp(socket)) {
    return i->is_connected ? Result<Endpoint>(Endpoint{i->remote, 0}) : no(Error::not_connected);
  }
  const udp::UdpSocket* u = find_udp(socket);
  if (u == nullptr) return no(Error::bad_handle);
  return u->is_connected ? Result<Endpoint>(u->remote) : no(Error::not_connected);
}

Result<TcpInfo> Stack::tcp_info(SocketId socket) const {
  StackState& s = *state_;
  const tcp::Connection* c = find_tcp(socket);
  if (c == nullptr) {
    return no(is_datagram(socket) ? Error::not_supported : Error::bad_handle);
  }
  const ip::DestinationRef ref{c->destination, c->destination_generation};
  const bool known = ref.generation != 0 && s.ip.is_current(ref);
  return tcp::info(s.tcp, *c, known ? s.ip.at(ref.index).mtu : 1500);
}

}  // namespace naru
