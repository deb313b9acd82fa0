// Socket calls of POSIX and Linux, and nothing of naru: these tests run on the kernel's
// sockets, which proves that they ask for what Linux does, and under naru run.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"

namespace naru::sockets {

using namespace std::chrono_literals;

inline constexpr int kLong = 20'000;  // ms: what must happen happens sooner
inline constexpr int kSoon = 50;      // ms: what must not happen would have happened

// A descriptor that is closed in the end.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }
  int release() { return std::exchange(number_, -1); }
  operator int() const { return number_; }

 private:
  int number_ = -1;
};

// The error of a call that has just answered; 0 for none.
inline int error_of(long answer) { return answer < 0 ? errno : 0; }

// True on the kernel's sockets, false under naru run.
inline bool on_kernel() { return ::getenv("NARU_SESSION") == nullptr; }

// True where tests may take their time (make nightly).
inline bool is_nightly() { return ::getenv("NARU_NIGHTLY") != nullptr; }

// --- addresses ------------------------------------------------------------------------

inline constexpr std::uint32_t kLoopback = INADDR_LOOPBACK;

inline sockaddr_in v4(std::uint16_t port, std::uint32_t address = kLoopback) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(address);
  return a;
}

inline sockaddr_in6 v6(const char* text, std::uint16_t port) {
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, text, &a.sin6_addr), 1);
  return a;
}

template <class Address>
const sockaddr* generic(const Address& a) {
  return reinterpret_cast<const sockaddr*>(&a);
}
template <class Address>
sockaddr* generic(Address& a) {
  return reinterpret_cast<sockaddr*>(&a);
}

template <class Address>
int bind(int fd, const Address& a) {
  return ::bind(fd, generic(a), sizeof a);
}
template <class Address>
int connect(int fd, const Address& a) {
  return ::connect(fd, generic(a), sizeof a);
}

inline sockaddr_in name_of(int fd) {
  sockaddr_in a{};
  socklen_t size = sizeof a;
  EXPECT_EQ(::getsockname(fd, generic(a), &size), 0);
  return a;
}
inline std::uint16_t port_of(int fd) { return ntohs(name_of(fd).sin_port); }

// --- sockets ----------------------------------------------------------------------------

inline Fd tcp(int flags = 0) { return Fd(::socket(AF_INET, SOCK_STREAM | flags, 0)); }
inline Fd udp(int flags = 0) { return Fd(::socket(AF_INET, SOCK_DGRAM | flags, 0)); }
inline Fd tcp6(int flags = 0) { return Fd(::socket(AF_INET6, SOCK_STREAM | flags, 0)); }

inline Fd bound_udp(int flags = 0) {
  Fd fd = udp(flags);
  EXPECT_EQ(bind(fd, v4(0)), 0);
  return fd;
}

inline Fd listener(int backlog = 16, int flags = 0) {
  Fd fd = tcp(flags);
  EXPECT_EQ(bind(fd, v4(0)), 0);
  EXPECT_EQ(::listen(fd, backlog), 0);
  return fd;
}

// A port of the loopback where nobody listens.
inline std::uint16_t closed_port() {
  const Fd fd = tcp();
  EXPECT_EQ(bind(fd, v4(0)), 0);
  return port_of(fd);
}

struct Pair {
  Fd client;
  Fd server;
};

inline Pair connected(int flags = 0) {
  const Fd l = listener();
  Pair p{tcp(), Fd()};
  EXPECT_EQ(connect(p.client, name_of(l)), 0);
  p.server = Fd(::accept4(l, nullptr, nullptr, flags));
  EXPECT_GE(p.server, 0);
  if (flags != 0) ::fcntl(p.client, F_SETFL, O_NONBLOCK);
  return p;
}

// --- options ----------------------------------------------------------------------------

inline int set(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value);
}
inline int get(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0) << level << " " << name;
  return value;
}
inline int set_timeout(int fd, int name, int ms) {
  const timeval t{ms / 1000, ms % 1000 * 1000};
  return ::setsockopt(fd, SOL_SOCKET, name, &t, sizeof t);
}
inline int set_linger(int fd, int on, int seconds) {
  const linger l{on, seconds};
  return ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

// --- bytes ------------------------------------------------------------------------------

inline long send(int fd, std::string_view text, int flags = 0) {
  return ::send(fd, text.data(), text.size(), flags | MSG_NOSIGNAL);
}

// What recv gives, or the name of its error.
inline std::string recv(int fd, int flags = 0, std::size_t room = 256) {
  std::string text(room, '\0');
  const long n = ::recv(fd, text.data(), text.size(), flags);
  if (n < 0) return ::strerrorname_np(errno);
  text.resize(std::min(static_cast<std::size_t>(n), room));
  return text;
}

inline int readable(int fd) {
  int n = -1;
  EXPECT_EQ(::ioctl(fd, FIONREAD, &n), 0);
  return n;
}

// --- waiting ----------------------------------------------------------------------------

inline short poll_now(int fd, short events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP) {
  pollfd p{fd, events, 0};
  ::poll(&p, 1, 0);
  return p.revents;
}

inline bool wait_for(int fd, short events, int ms = kLong) {
  pollfd p{fd, events, 0};
  return ::poll(&p, 1, ms) == 1 && (p.revents & events) != 0;
}

inline void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

inline std::chrono::milliseconds time_of(const std::function<void()>& act) {
  const auto start = std::chrono::steady_clock::now();
  act();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

// --- processes ----------------------------------------------------------------------------

// True when `act` says so, in a child.
inline bool in_child(const std::function<bool()>& act) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(act() ? 0 : 1);
  int status = -1;
  return ::waitpid(pid, &status, 0) == pid && status == 0;
}

// Memory that nobody may touch.
inline void* no_memory() {
  static volatile std::uintptr_t address = 8;  // the compiler shall not know
  return reinterpret_cast<void*>(address);
}

}  // namespace naru::sockets
