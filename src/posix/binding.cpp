// Addresses and ports are taken: bind and listen.

#include <cerrno>

#include "posix/address.hpp"
#include "posix/answer.hpp"
#include "posix/endpoint.hpp"
#include "posix/sockets.hpp"

namespace naru::posix {

Status Sockets::bind_in_stack(OpenSocket& o, const Endpoint& local) {
  Stack& stack = session().stack();
  if (o.v6_only) (void)stack.set_option(o.id, SocketOption::v6_only, 1);
  Status bound = stack.bind(o.id, local);
  if (!bound && bound.error() == Error::address_in_use) {
    session().drop_dead();
    bound = stack.bind(o.id, local);
  }
  if (bound) {
    o.is_bound = true;
    o.bound = stack.local(o.id).value_or(local);
  }
  return bound;
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
  if (is_out_of_reach(*o, *local)) return -EINVAL;
  return answer(bind_in_stack(*o, *local));
}

long Sockets::listen(int fd, int backlog) {
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (o->family == AF_INET6 && o->is_tcp() && !o->is_bound) {
    const Status bound = bind_in_stack(*o, {IpAddr::any_v6(), 0});
    if (!bound) return answer(bound);
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
