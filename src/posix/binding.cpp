// Addresses and ports are taken: bind and listen, also by sockets that want IPv6 alone.
//
// IPv6 is not there yet. A socket that is bound to :: with IPV6_V6ONLY holds its port
// against others of its kind, listens, and hears nothing.

#include <cerrno>

#include "posix/address.hpp"
#include "posix/answer.hpp"
#include "posix/endpoint.hpp"
#include "posix/sockets.hpp"

namespace naru::posix {
namespace {

// A port that nobody has, neither here nor there.
Result<std::uint16_t> free_port(Session& session, bool is_tcp) {
  Stack& stack = session.stack();
  const auto id = is_tcp ? stack.open_tcp() : stack.open_udp();
  if (!id) return std::unexpected(id.error());
  const Status bound = stack.bind(*id, {IpAddr::any_v4(), 0});
  const auto local = stack.local(*id);
  (void)stack.close(*id);
  if (!bound) return std::unexpected(bound.error());
  return local->port;
}

}  // namespace

// Of the sockets that are bound to ::, in either way.
bool Sockets::is_taken_v6(const OpenSocket& o, std::uint16_t port, bool v6_only_alone) {
  bool taken = false;
  session().tables().sockets.for_each([&](const OpenSocket& other) {
    if (&other == &o || other.family != AF_INET6 || !other.is_bound) return;
    if (other.is_tcp() != o.is_tcp() || other.bound.port != port) return;
    taken |= other.v6_only || (!v6_only_alone && other.bound.addr.is_any());
  });
  return taken;
}

long Sockets::bind_v6_only(OpenSocket& o, Endpoint local) {
  if (o.is_bound) return -EINVAL;
  if (!local.addr.is_any()) return -EINVAL;  // a mapped address
  if (local.port == 0) {
    const auto port = free_port(session(), o.is_tcp());
    if (!port) return fail(port.error());
    local.port = *port;
  }
  if (is_taken_v6(o, local.port, false)) return -EADDRINUSE;
  o.bound = local;
  o.is_bound = true;
  return 0;
}

long Sockets::bind(int fd, const sockaddr* address, socklen_t length) {
  if (const long bad = check_address(address, length); bad != 0) return bad;
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  Result<Endpoint> local = endpoint_of(*o, address, length);
  if (!local && local.error() == Error::address_family && o->family == AF_INET &&
      address->sa_family == AF_UNSPEC) {
    // Linux: for old programs, and only for 0.0.0.0.
    sockaddr_in plain{};
    std::memcpy(&plain, address, sizeof plain);
    if (plain.sin_addr.s_addr == INADDR_ANY) {
      local = Endpoint{IpAddr::any_v4(), ntohs(plain.sin_port)};
    }
  }
  if (!local) return fail(local.error());
  if (!local->addr.is_v4()) return -EADDRNOTAVAIL;  // an IPv6 address: nobody here has it
  if (o->v6_only) return bind_v6_only(*o, *local);
  const bool is_dual = o->family == AF_INET6 && local->addr.is_any() && local->port != 0;
  if (is_dual && is_taken_v6(*o, local->port, true)) return -EADDRINUSE;
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
  if (o->v6_only && o->is_tcp()) {
    const long held = o->is_bound ? 0 : bind_v6_only(*o, {IpAddr::any_v4(), 0});
    if (held == 0) o->is_listening = true;
    return held;
  }
  const Status listens = session().stack().listen(o->id, backlog);
  if (listens) {
    o->is_listening = o->is_bound = true;
    o->backlog = backlog;
    o->bound = session().stack().local(o->id).value_or(o->bound);
  }
  return answer(listens);
}

}  // namespace naru::posix
