// Sockets come, get names and peers, and go.

#include "posix/sockets.hpp"

#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <naru/socket/errno.hpp>

#include "posix/retry.hpp"
#include "socket/linux_address.hpp"

namespace naru::posix {
namespace {

constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

long fail(Error error) { return -to_errno(error); }

long answer(const Status& status) { return status ? 0 : fail(status.error()); }

// The address families of socket and address must fit.
Result<Endpoint> endpoint_of(const OpenSocket& o, const sockaddr* address, socklen_t length) {
  if (address == nullptr || length < sizeof(sa_family_t)) return std::unexpected(Error::invalid);
  const std::size_t least =
      o.family == AF_INET6 ? offsetof(sockaddr_in6, sin6_scope_id) : sizeof(sockaddr_in);
  if (length < least) return std::unexpected(Error::invalid);
  if (address->sa_family != o.family) return std::unexpected(Error::address_family);
  return to_endpoint(address, length);
}

}  // namespace

bool Sockets::takes(int domain, int type, int protocol) {
  if (domain != AF_INET && domain != AF_INET6) return false;
  const int kind = type & ~kTypeFlags;
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

long Sockets::socket(int domain, int type, int protocol) {
  const int kind = type & ~kTypeFlags;
  const bool is_tcp = kind == SOCK_STREAM;
  const Inside inside(session());
  const auto id = is_tcp ? session().stack().open_tcp() : session().stack().open_udp();
  if (!id) return fail(id.error());
  const int number = protocol != 0 ? protocol : is_tcp ? IPPROTO_TCP : IPPROTO_UDP;
  OpenSocket* o = session().add_socket(*id, domain, kind, number);
  if (o == nullptr) {
    (void)session().stack().close(*id);
    return -ENFILE;
  }
  if ((type & SOCK_NONBLOCK) != 0) o->flags.store(O_NONBLOCK);
  return fds_.give_number(*o, (type & SOCK_CLOEXEC) != 0);
}

long Sockets::bind(int fd, const sockaddr* address, socklen_t length) {
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  Result<Endpoint> local = endpoint_of(*o, address, length);
  if (!local) {
    // An IPv6 address that is no mapped one: nobody here has it.
    const bool is_v6 =
        o->family == AF_INET6 && address != nullptr && length >= sizeof(sockaddr_in6);
    return is_v6 && address->sa_family == AF_INET6 ? -EADDRNOTAVAIL : fail(local.error());
  }
  if (o->v6_only) return -EADDRNOTAVAIL;
  Status bound = session().stack().bind(o->id, *local);
  if (!bound && bound.error() == Error::address_in_use) {
    session().drop_dead();
    bound = session().stack().bind(o->id, *local);
  }
  if (bound) {
    o->is_bound = true;
    o->bound = session().stack().local(o->id).value_or(*local);
  }
  return answer(bound);
}

long Sockets::listen(int fd, int backlog) {
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  const Status listens = session().stack().listen(o->id, backlog);
  if (listens) {
    o->is_listening = o->is_bound = true;
    o->backlog = backlog;
    o->bound = session().stack().local(o->id).value_or(o->bound);
  }
  return answer(listens);
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
  if ((flags & SOCK_NONBLOCK) != 0) o->flags.store(O_NONBLOCK);
  from_endpoint(accepted->peer, listener.family, address, length);
  return fd;
}

long Sockets::accept(int fd, sockaddr* address, socklen_t* length, int flags) {
  if ((flags & ~kTypeFlags) != 0) return -EINVAL;
  if (address != nullptr && length == nullptr) return -EFAULT;
  Patience p;
  bool is_first = true;
  return retry(fd, p, [&](OpenSocket& o, Patience& may) {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLIN, false, 0);
    if (!session().is_sound(o)) return long{-EINVAL};
    return accept_one(o, address, length, flags);
  });
}

// --- connect ------------------------------------------------------------------------------

// -EAGAIN: under way.
long Sockets::connect_once(OpenSocket& o, const Endpoint& remote, bool& started) {
  Stack& stack = session().stack();
  if (!started) {
    const Status status = stack.connect(o.id, remote);
    if (status) return 0;
    if (status.error() != Error::in_progress) return fail(status.error());
    started = true;
    session().turn();  // over the loopback it may be done at once
  }
  const std::uint8_t ready = stack.readiness(o.id);
  if ((ready & (ready::kOut | ready::kErr | ready::kHup)) == 0) return -EAGAIN;
  return fail(stack.take_error(o.id));
}

long Sockets::connect(int fd, const sockaddr* address, socklen_t length) {
  Patience p;
  bool started = false;
  bool may_wait = false;
  const long done = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (!session().is_sound(o)) return -ECONNRESET;
    Result<Endpoint> remote = endpoint_of(o, address, length);
    const bool dissolves =
        address != nullptr && length >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC;
    if (dissolves) remote = Endpoint{};
    if (!remote) {
      const bool is_v6 = o.family == AF_INET6 && address != nullptr &&
                         address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6);
      return is_v6 ? -ENETUNREACH : fail(remote.error());
    }
    if (!started) may = patience(o, EPOLLOUT, true, 0);
    may_wait = may.waits;
    if (may.waits || !o.is_tcp()) return connect_once(o, *remote, started);
    return answer(session().stack().connect(o.id, *remote));
  });
  return done == -EAGAIN && may_wait ? -EINPROGRESS : done;  // SO_SNDTIMEO is over
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
  if (address == nullptr || length == nullptr) return -EFAULT;
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
  const Inside inside(session());
  const OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  const Result<Endpoint> name =
      session().is_sound(*o) ? session().stack().local(o->id) : Endpoint{IpAddr::any_v4(), 0};
  return give_name(*o, name, address, length);
}

long Sockets::remote_name(int fd, sockaddr* address, socklen_t* length) {
  const Inside inside(session());
  const OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (!session().is_sound(*o)) return -ENOTCONN;
  return give_name(*o, session().stack().remote(o->id), address, length);
}

}  // namespace naru::posix
