// Sockets come, get names and peers, and go.

#include "posix/sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <naru/socket/errno.hpp>

#include "posix/address.hpp"
#include "posix/answer.hpp"
#include "posix/endpoint.hpp"
#include "posix/retry.hpp"
#include "socket/linux_address.hpp"

namespace naru::posix {
namespace {

constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

}  // namespace

bool Sockets::takes(int domain, int type, int protocol) {
  if (domain != AF_INET && domain != AF_INET6) return false;
  const int kind = type & ~kTypeFlags;
  const int icmp = domain == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  if (protocol == icmp) return kind == SOCK_DGRAM || kind == SOCK_RAW;
  return (kind == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP)) ||
         (kind == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP));
}

Sockets::Patience Sockets::patience(const OpenSocket& o, std::uint32_t events, bool sends,
                                    int flags) const {
  Patience p;
  p.events = events;
  p.waits = (o.flags.load() & O_NONBLOCK) == 0 && (flags & MSG_DONTWAIT) == 0;
  const std::int64_t limit = sends ? o.send_timeout_ns.load() : o.receive_timeout_ns.load();
  if (p.waits && limit != 0) p.deadline = monotonic_now() + Duration(limit);
  return p;
}

void Sockets::note_readiness(OpenSocket& o) {
  if (!o.watches.empty()) o.known &= session::poll_bits(session().readiness(o), !o.is_tcp());
}

Result<SocketId> Sockets::open(int kind, int protocol) {
  Stack& stack = session().stack();
  const bool is_v6 = protocol == IPPROTO_ICMPV6;
  if (protocol == IPPROTO_ICMP || is_v6) return stack.open_icmp(kind == SOCK_RAW, is_v6);
  if (kind == SOCK_STREAM) return stack.open_tcp();
  const auto id = stack.open_udp();
  // Linux's default, for better or worse.
  if (id) (void)stack.set_option(*id, SocketOption::multicast_all, 1);
  return id;
}

long Sockets::socket(int domain, int type, int protocol) {
  const int kind = type & ~kTypeFlags;
  // As Linux asks for CAP_NET_RAW.
  if (kind == SOCK_RAW && ::geteuid() != 0) return -EPERM;
  const Inside inside(session());
  const auto id = open(kind, protocol);
  if (!id) return fail(id.error());
  const int number = protocol != 0 ? protocol : kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  OpenSocket* o = session().add_socket(*id, domain, kind, number);
  if (o == nullptr) {
    (void)session().stack().close(*id);
    return -ENFILE;
  }
  if ((type & SOCK_NONBLOCK) != 0) o->flags.store(O_NONBLOCK);
  return fds_.give_number(*o, (type & SOCK_CLOEXEC) != 0);
}

// --- accept -----------------------------------------------------------------------------

// The number first: without one the connection stays in the queue.
long Sockets::accept_one(OpenSocket& listener, sockaddr* address, socklen_t* length, int flags) {
  Stack& stack = session().stack();
  if ((stack.readiness(listener.id) & ready::kIn) == 0) {
    const auto nobody = stack.accept(listener.id);
    return fail(nobody ? Error::would_block : nobody.error());
  }
  OpenSocket* o = session().add_socket({}, listener.family, SOCK_STREAM, listener.protocol);
  if (o == nullptr) return -ENFILE;
  const long fd = fds_.give_number(*o, (flags & SOCK_CLOEXEC) != 0);
  if (fd < 0) return fd;
  const auto accepted = stack.accept(listener.id);
  if (!accepted) {
    fds_.take_back(static_cast<int>(fd), *o);
    return fail(accepted.error());
  }
  session().set_id(*o, accepted->socket);
  o->receive_timeout_ns.store(listener.receive_timeout_ns.load());
  o->send_timeout_ns.store(listener.send_timeout_ns.load());
  o->receive_low.store(listener.receive_low.load());
  if ((flags & SOCK_NONBLOCK) != 0) o->flags.store(O_NONBLOCK);
  from_endpoint(accepted->peer, listener.family, address, length);
  return fd;
}

long Sockets::accept(int fd, sockaddr* address, socklen_t* length, int flags) {
  if ((flags & ~kTypeFlags) != 0) return -EINVAL;
  if (address != nullptr) {
    if (const long bad = check_room(address, length); bad != 0) return bad;
  }
  Patience p;
  bool is_first = true;
  return retry(fd, p, [&](OpenSocket& o, Patience& may) {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLIN, false, 0);
    if (!session().is_sound(o)) return long{-EINVAL};
    return accept_one(o, address, length, flags);
  });
}

// --- connect ------------------------------------------------------------------------------

// -EAGAIN: under way. Asked again, the stack tells how it went, and after a failure it is
// ready for another attempt.
long Sockets::connect_once(OpenSocket& o, const Endpoint& remote, bool& started) {
  Stack& stack = session().stack();
  Status status = stack.connect(o.id, remote);
  if (!status && status.error() == Error::in_progress) {
    started = o.is_connecting = true;
    session().turn();  // over the loopback it may be done at once
    status = stack.connect(o.id, remote);
  }
  if (!status && status.error() == Error::already) return -EAGAIN;
  // The first to ask is told that it is connected by 0.
  const bool was_connecting = std::exchange(o.is_connecting, false);
  if (was_connecting && !status && status.error() == Error::is_connected) return 0;
  return answer(status);
}

long Sockets::connect(int fd, const sockaddr* address, socklen_t length) {
  if (const long bad = check_address(address, length); bad != 0) return bad;
  Patience p;
  bool is_first = true;
  bool started = false;
  bool waits = false;
  const long done = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (!session().is_sound(o)) return -ECONNRESET;
    Result<Endpoint> remote = endpoint_of(o, address, length);
    const bool dissolves = length >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC;
    if (dissolves) return dissolve(o);
    if (!remote) return fail(remote.error());
    if (is_out_of_reach(o, *remote)) return -ENETUNREACH;
    if (std::exchange(is_first, false)) may = patience(o, EPOLLOUT, true, 0);
    waits = may.waits;
    if (!o.is_tcp()) return answer(session().stack().connect(o.id, *remote));
    if (waits || o.is_connecting) return connect_once(o, *remote, started);
    const Status status = session().stack().connect(o.id, *remote);
    o.is_connecting = !status && status.error() == Error::in_progress;
    session().turn();  // the attempt begins now, whatever its maker does next
    return answer(status);
  });
  // SO_SNDTIMEO is over, or nobody waits.
  return done != -EAGAIN ? done : started && waits ? -EINPROGRESS : -EALREADY;
}

// connect(2) with AF_UNSPEC: an abort, after which the socket is as new.
long Sockets::dissolve(OpenSocket& o) {
  if (!o.is_tcp()) return answer(session().stack().connect(o.id, Endpoint{}));
  o.is_listening = o.is_connecting = false;
  session().catch_up();
  return answer(session().stack().disconnect(o.id));
}

long Sockets::shutdown(int fd, int how) {
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  if (!session().is_sound(*o)) return -ENOTCONN;
  const Shutdown direction = how == SHUT_RD   ? Shutdown::receive
                             : how == SHUT_WR ? Shutdown::send
                                              : Shutdown::both;
  const Status done = session().stack().shutdown(o->id, direction);
  if (done && how != SHUT_WR) o->is_listening = false;
  return answer(done);
}

// --- names ----------------------------------------------------------------------------------

namespace {

long give_name(const OpenSocket& o, const Result<Endpoint>& name, sockaddr* address,
               socklen_t* length) {
  if (!name) return fail(name.error());
  // An IPv6 socket that is bound to nothing is "::", not a mapped address.
  if (o.family == AF_INET6 && name->addr.is_any()) {
    from_endpoint({IpAddr::any_v6(), name->port}, AF_INET6, address, length);
  } else {
    from_endpoint(*name, o.family, address, length);
  }
  return 0;
}

}  // namespace

long Sockets::local_name(int fd, sockaddr* address, socklen_t* length) {
  if (const long bad = check_room(address, length); bad != 0) return bad;
  const Inside inside(session());
  const OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  const Result<Endpoint> name =
      session().is_sound(*o) ? session().stack().local(o->id) : Endpoint{IpAddr::any_v4(), 0};
  return give_name(*o, name, address, length);
}

long Sockets::remote_name(int fd, sockaddr* address, socklen_t* length) {
  if (const long bad = check_room(address, length); bad != 0) return bad;
  const Inside inside(session());
  const OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (!session().is_sound(*o)) return -ENOTCONN;
  return give_name(*o, session().stack().remote(o->id), address, length);
}

}  // namespace naru::posix
