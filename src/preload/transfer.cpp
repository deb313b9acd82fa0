// Bytes move: every form of reading and writing.

#include <array>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "preload/cancellation.hpp"
#include "preload/state.hpp"
#include "preload/streams.hpp"

using namespace naru::preload;

namespace {

iovec part(const void* buffer, std::size_t size) { return {const_cast<void*>(buffer), size}; }

naru::posix::Parts parts(const iovec* first, int count) {
  return {first, static_cast<std::size_t>(count)};
}

// readv(2) and writev(2) say EINVAL where sendmsg(2) says EMSGSIZE.
bool is_vector(int count) { return count >= 0 && count <= IOV_MAX; }

ssize_t receive(int fd, void* buffer, std::size_t size, int flags, sockaddr* address = nullptr,
                socklen_t* length = nullptr) {
  const iovec one = part(buffer, size);
  return answer(cancellation_point([&] {
    return library->sockets.receive(fd, {&one, 1}, flags, address, length);
  }));
}

ssize_t give(int fd, const void* buffer, std::size_t size, int flags,
             const sockaddr* address = nullptr, socklen_t length = 0) {
  const iovec one = part(buffer, size);
  return answer(cancellation_point([&] {
    return library->sockets.send(fd, {&one, 1}, flags, address, length);
  }));
}

long receive_all(int fd, mmsghdr* messages, unsigned count, int flags) {
  unsigned got = 0;
  while (got < count) {
    const long n =
        library->sockets.receive_message(fd, &messages[got].msg_hdr, flags & ~MSG_WAITFORONE);
    if (n < 0) return got != 0 ? long{got} : n;
    messages[got++].msg_len = static_cast<unsigned>(n);
    if ((flags & MSG_WAITFORONE) != 0) flags |= MSG_DONTWAIT;
  }
  return got;
}

long send_all(int fd, mmsghdr* messages, unsigned count, int flags) {
  for (unsigned sent = 0; sent < count; ++sent) {
    const long n = library->sockets.send_message(fd, &messages[sent].msg_hdr, flags);
    if (n < 0) return sent != 0 ? long{sent} : n;
    messages[sent].msg_len = static_cast<unsigned>(n);
  }
  return count;
}

// Calls `visit` for each descriptor that a message carries (SCM_RIGHTS).
template <class Visit>
void for_each_passed(const msghdr& message, const Visit& visit) {
  auto& m = const_cast<msghdr&>(message);
  if (m.msg_control == nullptr) return;
  for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, reinterpret_cast<char*>(c) + at, sizeof fd);
      visit(fd);
    }
  }
}

void share_passed(const msghdr* m) {
  if (library == nullptr || m == nullptr) return;
  for_each_passed(*m, [](int fd) {
    if (library->fds.is_socket(fd)) (void)library->fds.share(fd);
  });
}

void adopt_passed(const msghdr* m) {
  if (library == nullptr || m->msg_controllen == 0) return;
  for_each_passed(*m, [](int fd) { library->fds.adopt(fd); });
}

}  // namespace

// --- receiving ----------------------------------------------------------------------------

NARU_EXPORT ssize_t read(int fd, void* buffer, size_t size) {
  if (is_socket(fd)) return receive(fd, buffer, size, 0);
  if (next.read != nullptr) return next.read(fd, buffer, size);
  return kernel(SYS_read, fd, buffer, size);
}
NARU_EXPORT ssize_t __read(int fd, void* buffer, size_t size) { return read(fd, buffer, size); }

NARU_EXPORT ssize_t readv(int fd, const iovec* iov, int count) {
  if (is_socket(fd)) {
    if (!is_vector(count)) return answer(-EINVAL);
    return answer(
        cancellation_point([&] { return library->sockets.receive(fd, parts(iov, count), 0); }));
  }
  if (next.readv != nullptr) return next.readv(fd, iov, count);
  return kernel(SYS_readv, fd, iov, count);
}

NARU_EXPORT ssize_t preadv2(int fd, const iovec* iov, int count, off_t offset, int flags) {
  if (is_socket(fd)) return offset == -1 ? readv(fd, iov, count) : answer(-ESPIPE);
  return kernel(SYS_preadv2, fd, iov, count, offset, offset >> 63, flags);
}
NARU_EXPORT ssize_t preadv64v2(int fd, const iovec* iov, int count, off_t offset, int flags) {
  return preadv2(fd, iov, count, offset, flags);
}

NARU_EXPORT ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  if (is_socket(fd)) return receive(fd, buffer, size, flags);
  if (next.recv != nullptr) return next.recv(fd, buffer, size, flags);
  return kernel(SYS_recvfrom, fd, buffer, size, flags, nullptr, nullptr);
}

NARU_EXPORT ssize_t recvfrom(int fd, void* buffer, size_t size, int flags, sockaddr* address,
                             socklen_t* length) {
  if (is_socket(fd)) return receive(fd, buffer, size, flags, address, length);
  if (next.recvfrom != nullptr) return next.recvfrom(fd, buffer, size, flags, address, length);
  return kernel(SYS_recvfrom, fd, buffer, size, flags, address, length);
}

NARU_EXPORT ssize_t recvmsg(int fd, msghdr* message, int flags) {
  if (is_socket(fd)) {
    return answer(
        cancellation_point([&] { return library->sockets.receive_message(fd, message, flags); }));
  }
  const ssize_t n = next.recvmsg != nullptr ? next.recvmsg(fd, message, flags)
                                            : kernel(SYS_recvmsg, fd, message, flags);
  if (n >= 0) adopt_passed(message);
  return n;
}

NARU_EXPORT int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  if (!is_socket(fd)) {
    const auto n = static_cast<int>(kernel(SYS_recvmmsg, fd, messages, count, flags, timeout));
    for (int i = 0; i < n; ++i) adopt_passed(&messages[i].msg_hdr);
    return n;
  }
  return answer_int(cancellation_point([&] { return receive_all(fd, messages, count, flags); }));
}

// A socket has no place to seek; that of its descriptor's file is naru's own.
NARU_EXPORT off_t lseek(int fd, off_t offset, int whence) noexcept {
  return is_socket(fd) ? answer(-ESPIPE) : kernel(SYS_lseek, fd, offset, whence);
}
NARU_EXPORT off64_t lseek64(int fd, off64_t offset, int whence) noexcept {
  return lseek(fd, offset, whence);
}
NARU_EXPORT ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  return is_socket(fd) ? answer(-ESPIPE) : kernel(SYS_pread64, fd, buffer, size, offset);
}
NARU_EXPORT ssize_t pread64(int fd, void* buffer, size_t size, off64_t offset) {
  return pread(fd, buffer, size, offset);
}
NARU_EXPORT ssize_t pwrite(int fd, const void* buffer, size_t size, off_t offset) {
  return is_socket(fd) ? answer(-ESPIPE) : kernel(SYS_pwrite64, fd, buffer, size, offset);
}
NARU_EXPORT ssize_t pwrite64(int fd, const void* buffer, size_t size, off64_t offset) {
  return pwrite(fd, buffer, size, offset);
}
NARU_EXPORT ssize_t preadv(int fd, const iovec* iov, int count, off_t offset) {
  return is_socket(fd) ? answer(-ESPIPE) : kernel(SYS_preadv, fd, iov, count, offset, offset >> 63);
}
NARU_EXPORT ssize_t preadv64(int fd, const iovec* iov, int count, off64_t offset) {
  return preadv(fd, iov, count, offset);
}
NARU_EXPORT ssize_t pwritev(int fd, const iovec* iov, int count, off_t offset) {
  return is_socket(fd) ? answer(-ESPIPE)
                       : kernel(SYS_pwritev, fd, iov, count, offset, offset >> 63);
}
NARU_EXPORT ssize_t pwritev64(int fd, const iovec* iov, int count, off64_t offset) {
  return pwritev(fd, iov, count, offset);
}

// The checked forms know how large the buffer is.
NARU_EXPORT ssize_t __read_chk(int fd, void* buffer, size_t size, size_t room) {
  if (size > room) std::abort();
  return read(fd, buffer, size);
}
NARU_EXPORT ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t room, int flags) {
  if (size > room) std::abort();
  return recv(fd, buffer, size, flags);
}
NARU_EXPORT ssize_t __recvfrom_chk(int fd, void* buffer, size_t size, size_t room, int flags,
                                   sockaddr* address, socklen_t* length) {
  if (size > room) std::abort();
  return recvfrom(fd, buffer, size, flags, address, length);
}

// --- sending ------------------------------------------------------------------------------

NARU_EXPORT ssize_t write(int fd, const void* buffer, size_t size) {
  if (is_socket(fd)) return give(fd, buffer, size, 0);
  if (next.write != nullptr) return next.write(fd, buffer, size);
  return kernel(SYS_write, fd, buffer, size);
}
NARU_EXPORT ssize_t __write(int fd, const void* buffer, size_t size) {
  return write(fd, buffer, size);
}

NARU_EXPORT ssize_t writev(int fd, const iovec* iov, int count) {
  if (is_socket(fd)) {
    if (!is_vector(count)) return answer(-EINVAL);
    return answer(
        cancellation_point([&] { return library->sockets.send(fd, parts(iov, count), 0); }));
  }
  if (next.writev != nullptr) return next.writev(fd, iov, count);
  return kernel(SYS_writev, fd, iov, count);
}

NARU_EXPORT ssize_t pwritev2(int fd, const iovec* iov, int count, off_t offset, int flags) {
  if (is_socket(fd)) return offset == -1 ? writev(fd, iov, count) : answer(-ESPIPE);
  return kernel(SYS_pwritev2, fd, iov, count, offset, offset >> 63, flags);
}
NARU_EXPORT ssize_t pwritev64v2(int fd, const iovec* iov, int count, off_t offset, int flags) {
  return pwritev2(fd, iov, count, offset, flags);
}

NARU_EXPORT ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  if (is_socket(fd)) return give(fd, buffer, size, flags);
  if (next.send != nullptr) return next.send(fd, buffer, size, flags);
  return kernel(SYS_sendto, fd, buffer, size, flags, nullptr, 0);
}
NARU_EXPORT ssize_t __send(int fd, const void* buffer, size_t size, int flags) {
  return send(fd, buffer, size, flags);
}

NARU_EXPORT ssize_t sendto(int fd, const void* buffer, size_t size, int flags,
                           const sockaddr* address, socklen_t length) {
  if (is_socket(fd)) return give(fd, buffer, size, flags, address, length);
  if (next.sendto != nullptr) return next.sendto(fd, buffer, size, flags, address, length);
  return kernel(SYS_sendto, fd, buffer, size, flags, address, length);
}

NARU_EXPORT ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (is_socket(fd)) {
    return answer(
        cancellation_point([&] { return library->sockets.send_message(fd, message, flags); }));
  }
  share_passed(message);
  if (next.sendmsg != nullptr) return next.sendmsg(fd, message, flags);
  return kernel(SYS_sendmsg, fd, message, flags);
}

NARU_EXPORT int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (!is_socket(fd)) {
    for (unsigned i = 0; i < count; ++i) share_passed(&messages[i].msg_hdr);
    return static_cast<int>(kernel(SYS_sendmmsg, fd, messages, count, flags));
  }
  return answer_int(cancellation_point([&] { return send_all(fd, messages, count, flags); }));
}

NARU_EXPORT ssize_t sendfile(int to, int from, off_t* offset, size_t count) noexcept {
  if (is_socket(to)) {
    const NoCancellation here;
    return answer(library->sockets.send_file(to, from, offset, count));
  }
  if (is_socket(from)) return answer(-EINVAL);
  return kernel(SYS_sendfile, to, from, offset, count);
}
NARU_EXPORT ssize_t sendfile64(int to, int from, off64_t* offset, size_t count) noexcept {
  return sendfile(to, from, offset, count);
}

NARU_EXPORT ssize_t splice(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t count,
                           unsigned flags) {
  if (is_socket(from) || is_socket(to)) {
    return answer(cancellation_point(
        [&] { return library->sockets.splice(from, from_offset, to, to_offset, count, flags); }));
  }
  return kernel(SYS_splice, from, from_offset, to, to_offset, count, flags);
}

// Between pipes only.
NARU_EXPORT ssize_t tee(int from, int to, size_t count, unsigned flags) {
  if (is_socket(from) || is_socket(to)) return answer(-EINVAL);
  return kernel(SYS_tee, from, to, count, flags);
}
NARU_EXPORT ssize_t vmsplice(int fd, const iovec* iov, size_t count, unsigned flags) {
  if (is_socket(fd)) return answer(-EBADF);
  return kernel(SYS_vmsplice, fd, iov, count, flags);
}

// --- streams --------------------------------------------------------------------------------

NARU_EXPORT FILE* fdopen(int fd, const char* mode) noexcept {
  return is_socket(fd) ? Streams::open(fd, mode) : next.fdopen(fd, mode);
}

// --- formatted ------------------------------------------------------------------------------

NARU_EXPORT int vdprintf(int fd, const char* format, va_list arguments) {
  std::array<char, 1024> text;
  va_list again;
  va_copy(again, arguments);
  const int size = std::vsnprintf(text.data(), text.size(), format, arguments);
  int written = size;
  if (size > 0 && static_cast<std::size_t>(size) < text.size()) {
    written = static_cast<int>(write(fd, text.data(), static_cast<std::size_t>(size)));
  } else if (size > 0) {
    char* whole = nullptr;
    written = ::vasprintf(&whole, format, again);
    if (written > 0)
      written = static_cast<int>(write(fd, whole, static_cast<std::size_t>(written)));
    std::free(whole);
  }
  va_end(again);
  return written;
}

NARU_EXPORT int dprintf(int fd, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vdprintf(fd, format, arguments);
  va_end(arguments);
  return written;
}

NARU_EXPORT int __dprintf_chk(int fd, int, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vdprintf(fd, format, arguments);
  va_end(arguments);
  return written;
}
