// Bytes move: read and write in all their forms, pipes and splice.

#include <algorithm>
#include <fcntl.h>
#include <vector>

#include "packetdrill/machine.hpp"
#include "socket/linux_address.hpp"

namespace naru::packetdrill {
namespace {

std::size_t total(Machine::Parts parts) {
  std::size_t sum = 0;
  for (const iovec& part : parts) sum += part.iov_len;
  return sum;
}

bool has_null(Machine::Parts parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [](const iovec& p) { return p.iov_base == nullptr && p.iov_len != 0; });
}

std::vector<std::uint8_t> gather(Machine::Parts parts) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(total(parts));
  for (const iovec& part : parts) {
    const auto* p = static_cast<const std::uint8_t*>(part.iov_base);
    bytes.insert(bytes.end(), p, p + part.iov_len);
  }
  return bytes;
}

void scatter(Bytes bytes, Machine::Parts parts) {
  for (const iovec& part : parts) {
    const std::size_t n = std::min(part.iov_len, bytes.size());
    std::copy_n(bytes.begin(), n, static_cast<std::uint8_t*>(part.iov_base));
    bytes = bytes.subspan(n);
  }
}

unsigned to_flags(int flags) {
  unsigned out = 0;
  if ((flags & MSG_MORE) != 0) out |= msg::kMore;
  if ((flags & MSG_OOB) != 0) out |= msg::kOob;
  if ((flags & MSG_PEEK) != 0) out |= msg::kPeek;
  if ((flags & MSG_TRUNC) != 0) out |= msg::kTrunc;
  return out;
}

}  // namespace

// --- receiving -----------------------------------------------------------------

ssize_t Machine::receive(int fd, Parts parts, int flags, sockaddr* address, socklen_t* length) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find(fd);
  if (d == nullptr) return -1;
  if (has_null(parts)) return fail(EFAULT);
  std::vector<std::uint8_t> bytes(total(parts));
  ssize_t n = 0;
  if (d->kind == Descriptor::Kind::pipe_end) {
    n = read_pipe(lock, *d, bytes);
  } else if (d->kind != Descriptor::Kind::socket) {
    return fail(EINVAL);
  } else if (d->is_tcp()) {
    n = receive_bytes(lock, fd, bytes, flags);
    if (length != nullptr) *length = 0;
  } else {
    const bool waits = !d->nonblocking && (flags & MSG_DONTWAIT) == 0;
    const auto readable = [&] { return (world_->stack().readiness(d->socket) & ready::kIn) != 0; };
    if (waits) world_->wait(lock, readable);
    n = receive_datagram(*d, bytes, flags, address, length);
  }
  if (n > 0)
    scatter(Bytes(bytes).first(std::min(static_cast<std::size_t>(n), bytes.size())), parts);
  world_->settle(lock);
  return n;
}

ssize_t Machine::receive_bytes(Lock& lock, int fd, std::span<std::uint8_t> to, int flags) {
  const Descriptor* d = fds_.find(fd);
  const SocketId socket = d->socket;
  const bool waits = !d->nonblocking && (flags & MSG_DONTWAIT) == 0;
  const bool all = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0;
  std::size_t got = 0;
  Error error = Error::none;
  bool ended = false;
  const auto attempt = [&] {
    const Result<std::size_t> n = world_->stack().recv(socket, to.subspan(got), to_flags(flags));
    error = n ? Error::none : n.error();
    ended = n && *n == 0;
    if (n) got += *n;
    if (error == Error::would_block) return false;
    return !all || ended || error != Error::none || got == to.size();
  };
  if (waits) {
    world_->wait(lock, attempt);
  } else {
    attempt();
  }
  if (got != 0 || ended) return static_cast<ssize_t>(got);
  return error == Error::none ? 0 : fail(error);
}

ssize_t Machine::receive_datagram(const Descriptor& d, std::span<std::uint8_t> to, int flags,
                                  sockaddr* address, socklen_t* length) {
  DatagramInfo info;
  const Result<std::size_t> n = world_->stack().recv_from(d.socket, to, info, to_flags(flags));
  if (!n) return fail(n.error());
  from_endpoint(info.source, d.family, address, length);
  return static_cast<ssize_t>(*n);
}

// --- sending -------------------------------------------------------------------

ssize_t Machine::send(int fd, Parts parts, int flags, const sockaddr* address, socklen_t length) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find(fd);
  if (d == nullptr) return -1;
  if (has_null(parts)) return fail(EFAULT);
  if ((flags & MSG_FASTOPEN) != 0) return fail(EOPNOTSUPP);
  const std::vector<std::uint8_t> bytes = gather(parts);
  ssize_t n = 0;
  if (d->kind == Descriptor::Kind::pipe_end) {
    n = write_pipe(lock, *d, bytes);
  } else if (d->kind != Descriptor::Kind::socket) {
    return fail(EINVAL);
  } else {
    n = d->is_tcp() ? send_bytes(lock, fd, bytes, flags)
                    : send_datagram(lock, *d, bytes, address, length);
  }
  world_->settle(lock);
  return n;
}

// Blocking: until all of it is in the send buffer.
ssize_t Machine::send_bytes(Lock& lock, int fd, Bytes data, int flags) {
  const Descriptor* d = fds_.find(fd);
  const SocketId socket = d->socket;
  std::size_t sent = 0;
  Error error = Error::none;
  const auto attempt = [&] {
    const Result<std::size_t> n =
        world_->stack().send(socket, data.subspan(sent), to_flags(flags) & ~msg::kPeek);
    error = n ? Error::none : n.error();
    if (n) sent += *n;
    return sent == data.size() || (error != Error::none && error != Error::would_block);
  };
  if (!attempt() && !d->nonblocking && (flags & MSG_DONTWAIT) == 0) {
    world_->settle(lock);
    world_->wait(lock, attempt);
  }
  if (sent != 0 || data.empty()) return static_cast<ssize_t>(sent);
  return error == Error::none ? 0 : fail(error);
}

ssize_t Machine::send_datagram(Lock& lock, const Descriptor& d, Bytes data, const sockaddr* address,
                               socklen_t length) {
  Stack& stack = world_->stack();
  Result<std::size_t> n = std::unexpected(Error::none);
  if (address == nullptr) {
    n = stack.send(d.socket, data);
  } else {
    const Result<Endpoint> remote = to_endpoint(address, length);
    if (!remote) return fail(remote.error());
    n = stack.send_to(d.socket, data, *remote);
  }
  world_->settle(lock);
  return n ? static_cast<ssize_t>(*n) : fail(n.error());
}

// --- pipes ---------------------------------------------------------------------

int Machine::pipe(int fds[2]) {
  const Lock lock = world_->enter();
  Descriptor end;
  end.kind = Descriptor::Kind::pipe_end;
  end.pipe = std::make_shared<Pipe>();
  fds[0] = fds_.add(end);
  end.writes = true;
  fds[1] = fds_.add(end);
  return 0;
}

ssize_t Machine::read_pipe(Lock& lock, const Descriptor& d, std::span<std::uint8_t> to) {
  if (d.writes) return fail(EBADF);
  Pipe& pipe = *d.pipe;
  const auto readable = [&] { return !pipe.bytes.empty() || !pipe.has_writer; };
  if (!readable() && (d.nonblocking || !world_->wait(lock, readable))) return fail(EAGAIN);
  const auto n = static_cast<std::ptrdiff_t>(std::min(to.size(), pipe.bytes.size()));
  std::copy_n(pipe.bytes.begin(), n, to.begin());
  pipe.bytes.erase(pipe.bytes.begin(), pipe.bytes.begin() + n);
  return n;
}

ssize_t Machine::write_pipe(Lock& lock, const Descriptor& d, Bytes data) {
  if (!d.writes) return fail(EBADF);
  Pipe& pipe = *d.pipe;
  const auto writable = [&] { return pipe.bytes.size() < Pipe::kCapacity || !pipe.has_reader; };
  if (!writable() && (d.nonblocking || !world_->wait(lock, writable))) return fail(EAGAIN);
  if (!pipe.has_reader) return fail(EPIPE);
  const std::size_t n = std::min(data.size(), Pipe::kCapacity - pipe.bytes.size());
  pipe.bytes.insert(pipe.bytes.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(n));
  return static_cast<ssize_t>(n);
}

// One end is a pipe. The tool gives offsets even where there can be none; they are
// not looked at.
ssize_t Machine::splice(int in, int out, std::size_t size, unsigned flags) {
  Lock lock = world_->enter();
  const Descriptor* from = fds_.find(in);
  const Descriptor* to = fds_.find(out);
  if (from == nullptr || to == nullptr) return -1;
  const bool from_pipe = from->kind == Descriptor::Kind::pipe_end && !from->writes;
  const bool to_pipe = to->kind == Descriptor::Kind::pipe_end && to->writes;
  if (from_pipe == to_pipe) return fail(EINVAL);
  const int message = (flags & SPLICE_F_NONBLOCK) != 0 ? MSG_DONTWAIT : 0;
  const ssize_t n = from_pipe ? splice_out(lock, *from->pipe, out, size, message)
                              : splice_in(lock, in, *to, size, message);
  world_->settle(lock);
  return n;
}

ssize_t Machine::splice_in(Lock& lock, int in, const Descriptor& to, std::size_t size, int flags) {
  std::vector<std::uint8_t> bytes(std::min(size, Pipe::kCapacity - to.pipe->bytes.size()));
  const ssize_t n = receive_bytes(lock, in, bytes, flags);
  return n <= 0 ? n : write_pipe(lock, to, Bytes(bytes).first(static_cast<std::size_t>(n)));
}

// What the socket does not take stays in the pipe.
ssize_t Machine::splice_out(Lock& lock, Pipe& pipe, int out, std::size_t size, int flags) {
  const auto end =
      pipe.bytes.begin() + static_cast<std::ptrdiff_t>(std::min(size, pipe.bytes.size()));
  const std::vector<std::uint8_t> bytes(pipe.bytes.begin(), end);
  if (bytes.empty()) return pipe.has_writer ? fail(EAGAIN) : 0;
  const ssize_t n = send_bytes(lock, out, bytes, flags);
  if (n > 0) pipe.bytes.erase(pipe.bytes.begin(), pipe.bytes.begin() + n);
  return n;
}

}  // namespace naru::packetdrill
