// Sockets come, connect and go.

#include "packetdrill/machine.hpp"
#include "socket/linux_address.hpp"

namespace naru::packetdrill {

Machine* the_machine = nullptr;

Machine::Machine(std::unique_ptr<World> world) : world_(std::move(world)) {
  world_->on_event = [this](const SocketEvent& event) { fds_.note_event(event); };
}

int Machine::socket(int domain, int type, int protocol) {
  const Lock lock = world_->enter();
  if (domain != AF_INET && domain != AF_INET6) return fail(EAFNOSUPPORT);
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  const bool tcp = kind == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP);
  const bool udp = kind == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP);
  if (!tcp && !udp) {
    return fail(kind == SOCK_STREAM || kind == SOCK_DGRAM ? EPROTONOSUPPORT : EINVAL);
  }
  Stack& stack = world_->stack();
  const Result<SocketId> id = tcp ? stack.open_tcp() : stack.open_udp();
  if (!id) return fail(id.error());
  Descriptor descriptor;
  descriptor.socket = *id;
  descriptor.family = domain;
  descriptor.nonblocking = (type & SOCK_NONBLOCK) != 0;
  const int fd = fds_.add(std::move(descriptor));
  stack.set_cookie(*id, static_cast<std::uint64_t>(fd));
  return fd;
}

int Machine::bind(int fd, const sockaddr* address, socklen_t length) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  const Result<Endpoint> local = to_endpoint(address, length);
  if (!local) return fail(local.error());
  return answer(world_->stack().bind(d->socket, *local));
}

int Machine::listen(int fd, int backlog) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  return answer(world_->stack().listen(d->socket, backlog));
}

int Machine::accept(int fd, sockaddr* address, socklen_t* length) {
  Lock lock = world_->enter();
  const Descriptor* listener = fds_.find_socket(fd);
  if (listener == nullptr) return -1;
  Result<Accepted> accepted = std::unexpected(Error::would_block);
  const auto attempt = [&] {
    accepted = world_->stack().accept(listener->socket);
    return accepted || accepted.error() != Error::would_block;
  };
  if (listener->nonblocking ? attempt() : world_->wait(lock, attempt); !accepted) {
    return fail(accepted.error());
  }
  Descriptor descriptor;
  descriptor.socket = accepted->socket;
  descriptor.family = listener->family;
  from_endpoint(accepted->peer, listener->family, address, length);
  const int child = fds_.add(std::move(descriptor));
  world_->stack().set_cookie(accepted->socket, static_cast<std::uint64_t>(child));
  return child;
}

int Machine::connect(int fd, const sockaddr* address, socklen_t length) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  Result<Endpoint> remote = to_endpoint(address, length);
  if (address != nullptr && address->sa_family == AF_UNSPEC) remote = Endpoint{};
  if (!remote) return fail(remote.error());
  const Status status = world_->stack().connect(d->socket, *remote);
  world_->settle(lock);
  if (status || status.error() != Error::in_progress || d->nonblocking) return answer(status);
  return finish_connect(lock, fd);
}

// Blocking: until the handshake is done or has failed.
int Machine::finish_connect(Lock& lock, int fd) {
  const SocketId socket = fds_.find(fd)->socket;
  const bool decided = world_->wait(lock, [&] {
    return (world_->stack().readiness(socket) & (ready::kOut | ready::kErr | ready::kHup)) != 0;
  });
  if (!decided) return fail(EINPROGRESS);
  const Error error = world_->stack().take_error(socket);
  return error == Error::none ? 0 : fail(error);
}

int Machine::shutdown(int fd, int how) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  if (how < SHUT_RD || how > SHUT_RDWR) return fail(EINVAL);
  const Shutdown direction = how == SHUT_RD   ? Shutdown::receive
                             : how == SHUT_WR ? Shutdown::send
                                              : Shutdown::both;
  const Status status = world_->stack().shutdown(d->socket, direction);
  world_->settle(lock);
  return answer(status);
}

int Machine::close(int fd) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find(fd);
  if (d == nullptr) return -1;
  Status status;
  if (d->kind == Descriptor::Kind::socket) status = world_->stack().close(d->socket);
  if (d->kind == Descriptor::Kind::pipe_end) {
    (d->writes ? d->pipe->has_writer : d->pipe->has_reader) = false;
  }
  fds_.remove(fd);
  world_->settle(lock);
  return answer(status);
}

}  // namespace naru::packetdrill
