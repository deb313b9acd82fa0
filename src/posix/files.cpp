// Bytes move between sockets, files and pipes: sendfile(2) and splice(2).

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "posix/sockets.hpp"
#include "session/cancellable.hpp"

namespace naru::posix {
namespace {

namespace system = session::system;

constexpr std::size_t kPiece = 65'536;  // as much as a pipe holds

long moved_or(std::size_t moved, long answer) {
  return moved != 0 ? static_cast<long>(moved) : answer;
}

bool is_pipe(int fd) {
  struct stat s {};
  return system::call(SYS_newfstatat, fd, "", &s, AT_EMPTY_PATH) == 0 && S_ISFIFO(s.st_mode);
}

// How many bytes the pipe takes now without waiting; what it will not take must not leave
// the socket. One that is empty takes as much as it is large, any other that polls
// writable one page (pipe(7)).
std::size_t room_of(int pipe) {
  pollfd p{pipe, POLLOUT, 0};
  timespec now{};
  if (system::call(SYS_ppoll, &p, 1, &now, nullptr, 8) <= 0) return 0;
  int used = 0;
  const long size = system::call(SYS_fcntl, pipe, F_GETPIPE_SZ);
  if (size <= 0 || system::call(SYS_ioctl, pipe, FIONREAD, &used) < 0) return 0;
  return used == 0 ? static_cast<std::size_t>(size) : std::size_t{PIPE_BUF};
}

long wait_for(int fd, short events, bool waits) {
  pollfd p{fd, events, 0};
  if (!waits) return -EAGAIN;
  const long n = session::cancellable_call(SYS_ppoll, &p, 1, nullptr, nullptr, 8);
  return n < 0 ? n : 0;
}

bool is_non_blocking(int fd) { return (system::call(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) != 0; }

}  // namespace

long Sockets::send_file(int fd, int from, off64_t* offset, std::size_t count) {
  if (offset != nullptr) {
    if (!is_writable(offset)) return -EFAULT;
    if (*offset < 0) return -EINVAL;
  }
  std::array<std::uint8_t, kPiece> piece;
  std::size_t sent = 0;
  off64_t at = offset != nullptr ? *offset : 0;
  long answer = 0;
  while (sent < count) {
    const std::size_t room = std::min(piece.size(), count - sent);
    answer = offset != nullptr ? system::call(SYS_pread64, from, piece.data(), room, at)
                               : system::call(SYS_read, from, piece.data(), room);
    if (answer <= 0) break;
    const auto have = static_cast<std::size_t>(answer);
    const iovec part{piece.data(), have};
    const int more = have == room && sent + have < count ? MSG_MORE : 0;
    answer = send(fd, {&part, 1}, more);
    const std::size_t taken = answer > 0 ? static_cast<std::size_t>(answer) : 0;
    // What the socket did not take was not read.
    if (offset == nullptr && taken < have) {
      system::call(SYS_lseek, from, static_cast<long>(taken) - static_cast<long>(have), SEEK_CUR);
    }
    sent += taken;
    at += static_cast<off64_t>(taken);
    if (taken < have) break;
  }
  if (offset != nullptr) *offset = at;
  return moved_or(sent, answer);
}

// One turn: as much as both sides have and take, at least a byte. SPLICE_F_NONBLOCK is about
// the pipe; a socket waits as its O_NONBLOCK says (as in Linux).
long Sockets::splice_out(int fd, int pipe, std::size_t count, unsigned flags) {
  const bool waits = (flags & SPLICE_F_NONBLOCK) == 0;
  std::size_t room = 0;
  while ((room = room_of(pipe)) == 0) {
    const long full = wait_for(pipe, POLLOUT, waits && !is_non_blocking(pipe));
    if (full < 0) return full;
  }
  std::array<std::uint8_t, kPiece> piece;
  const iovec part{piece.data(), std::min({piece.size(), count, room})};
  const long n = receive(fd, {&part, 1}, 0);
  return n <= 0 ? n : system::call(SYS_write, pipe, piece.data(), n);
}

// A pipe takes nothing back: its bytes are looked at in a copy (tee), and those that the
// socket has taken are read away.
long Sockets::splice_in(int pipe, int fd, std::size_t count, unsigned flags) {
  const bool waits = (flags & SPLICE_F_NONBLOCK) == 0;
  if (waits && !is_non_blocking(pipe)) {
    if (const long interrupted = wait_for(pipe, POLLIN, true); interrupted < 0) return interrupted;
  }
  int copy[2];
  if (const long made = system::call(SYS_pipe2, copy, O_CLOEXEC); made < 0) return made;
  std::array<std::uint8_t, kPiece> piece;
  const std::size_t most = std::min(piece.size(), count);
  long n = system::call(SYS_tee, pipe, copy[1], most, SPLICE_F_NONBLOCK);
  if (n > 0) n = system::call(SYS_read, copy[0], piece.data(), n);
  for (const int end : copy) system::call(SYS_close, end);
  if (n <= 0) return n;
  const iovec part{piece.data(), static_cast<std::size_t>(n)};
  const int more = (flags & SPLICE_F_MORE) != 0 ? MSG_MORE : 0;
  const long taken = send(fd, {&part, 1}, more);
  return taken <= 0 ? taken : system::call(SYS_read, pipe, piece.data(), taken);
}

long Sockets::splice(int from, const off64_t* from_offset, int to, const off64_t* to_offset,
                     std::size_t count, unsigned flags) {
  const bool is_out = fds_.is_socket(from);
  const int pipe = is_out ? to : from;
  if (!is_pipe(pipe)) return -EINVAL;
  if ((is_out ? to_offset : from_offset) != nullptr) return -ESPIPE;  // the pipe's
  if ((is_out ? from_offset : to_offset) != nullptr) return -EINVAL;  // the socket's
  if (count == 0) return 0;
  return is_out ? splice_out(from, to, count, flags) : splice_in(from, to, count, flags);
}

}  // namespace naru::posix
