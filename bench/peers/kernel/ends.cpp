#include "ends.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "measure.hpp"

namespace naru::bench::kernel {
namespace {

constexpr std::size_t kAppBuffer = 64 * 1024;
constexpr std::size_t kMessage = 64;

int check(int result, const char* what) {
  if (result < 0) fail(std::string(what) + ": " + std::strerror(errno));
  return result;
}

// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd& operator=(Fd&&) = delete;
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  operator int() const { return fd_; }

 private:
  int fd_;
};

void enter(const std::string& netns, int cpu) {
  if (!netns.empty()) {
    const Fd ns(check(open(netns.c_str(), O_RDONLY | O_CLOEXEC), netns.c_str()));
    check(setns(ns, CLONE_NEWNET), "setns");
  }
  pin_to_cpu(cpu);
}

Fd tcp_socket(const EndConfig& config) {
  Fd s(check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const std::string& cc = config.congestion_control;
  check(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, cc.data(), static_cast<socklen_t>(cc.size())),
        "TCP_CONGESTION");
  return s;
}

void no_delay(int s) {
  const int on = 1;
  check(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

sockaddr_in address_of(const EndConfig& config, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  if (inet_pton(AF_INET, config.address.c_str(), &a.sin_addr) != 1) fail("not an IPv4 address");
  return a;
}

// One message; false at the stream's end.
bool receive_message(int s, bool spin) {
  std::uint8_t buffer[kMessage];
  std::size_t got = 0;
  while (got < kMessage) {
    const ssize_t n = recv(s, buffer + got, kMessage - got, spin ? MSG_DONTWAIT : 0);
    if (n == 0) return false;
    if (n < 0 && errno != EAGAIN) check(-1, "recv");
    if (n > 0) got += static_cast<std::size_t>(n);
  }
  return true;
}

void send_message(int s) {
  const std::uint8_t buffer[kMessage] = {};
  if (send(s, buffer, kMessage, MSG_NOSIGNAL) != kMessage) check(-1, "send");
}

Fd connect_to(const EndConfig& config, std::uint16_t port) {
  Fd s = tcp_socket(config);
  no_delay(s);
  const sockaddr_in to = address_of(config, port);
  check(connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
  return s;
}

// Reads everything that comes; bytes.
double drain(int s) {
  std::vector<std::uint8_t> buffer(kAppBuffer);
  double bytes = 0;
  for (;;) {
    const ssize_t n = check(static_cast<int>(recv(s, buffer.data(), buffer.size(), 0)), "recv");
    if (n == 0) return bytes;
    bytes += static_cast<double>(n);
  }
}

// Serves connection after connection; the one that ends without a byte is the goodbye.
EndResult serve(const EndConfig& config, int listener) {
  EndResult result;
  for (;;) {
    const Fd s(check(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept"));
    no_delay(s);
    double units = 0;
    if (config.work == Work::bulk) {
      units = drain(s);
    } else {
      for (; receive_message(s, config.spin); ++units) send_message(s);
    }
    if (units == 0) return result;
    result.units += units;
  }
}

EndResult request(const EndConfig& config, std::uint16_t port) {
  EndResult result;
  const double start = wall_ns();
  const double end = start + config.seconds * 1e9;
  if (config.work == Work::connections) {
    for (; wall_ns() < end; ++result.units) {
      const Fd s = connect_to(config, port);
      send_message(s);
      if (!receive_message(s, config.spin)) fail("the server closed early");
    }
  } else {
    Fd s = connect_to(config, port);
    std::vector<std::uint8_t> buffer(kAppBuffer);
    while (wall_ns() < end) {
      if (config.work == Work::bulk) {
        const ssize_t n = send(s, buffer.data(), buffer.size(), MSG_NOSIGNAL);
        result.units += check(static_cast<int>(n), "send");
      } else {
        send_message(s);
        if (!receive_message(s, config.spin)) fail("the server closed early");
        ++result.units;
      }
    }
    // The stream counts until the server has read it all.
    shutdown(s, SHUT_WR);
    std::uint8_t byte;
    check(static_cast<int>(recv(s, &byte, 1, 0)), "recv");
  }
  result.wall_ns = wall_ns() - start;
  connect_to(config, port);
  return result;
}

double cpu_of_self_ns() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto ns = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
  };
  return ns(u.ru_utime) + ns(u.ru_stime);
}

// A child that runs one end and writes its result into the pipe.
template <class End>
pid_t spawn(int to, End end) {
  const pid_t pid = check(fork(), "fork");
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // whatever happens, nothing stays behind
  EndResult r = end();
  r.cpu_ns = cpu_of_self_ns();
  if (write(to, &r, sizeof r) != sizeof r) _exit(1);
  _exit(0);
}

EndResult collect(int from, pid_t pid) {
  EndResult r;
  const bool whole = read(from, &r, sizeof r) == sizeof r;
  int status = 0;
  waitpid(pid, &status, 0);
  if (!whole || status != 0) fail("one end failed");
  return r;
}

std::pair<Fd, Fd> make_pipe() {
  int ends[2];
  check(pipe2(ends, O_CLOEXEC), "pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

}  // namespace

Results run_ends(const EndConfig& config) {
  auto [port_in, port_out] = make_pipe();
  auto [server_in, server_out] = make_pipe();
  auto [client_in, client_out] = make_pipe();

  const pid_t server = spawn(server_out, [&] {
    enter(config.server_netns, config.server_cpu);
    Fd listener = tcp_socket(config);
    sockaddr_in a = address_of(config, 0);
    socklen_t size = sizeof a;
    check(bind(listener, reinterpret_cast<const sockaddr*>(&a), size), "bind");
    check(listen(listener, 128), "listen");
    check(getsockname(listener, reinterpret_cast<sockaddr*>(&a), &size), "getsockname");
    const std::uint16_t port = ntohs(a.sin_port);
    if (write(port_out, &port, sizeof port) != sizeof port) fail("the port was not told");
    return serve(config, listener);
  });
  server_out.reset();
  port_out.reset();
  std::uint16_t port = 0;
  if (read(port_in, &port, sizeof port) != sizeof port) fail("the server did not start");

  const pid_t client = spawn(client_out, [&] {
    enter(config.client_netns, config.client_cpu);
    return request(config, port);
  });
  client_out.reset();
  Results results;
  results.client = collect(client_in, client);
  results.server = collect(server_in, server);
  return results;
}

}  // namespace naru::bench::kernel
