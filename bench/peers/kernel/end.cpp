#include "end.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <vector>

#include "measure.hpp"

namespace naru::bench::kernel {
namespace {

constexpr std::size_t kAppBuffer = 64 * 1024;
constexpr std::size_t kMessage = 64;

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

// A tap device takes a moment to come up after it has been opened.
constexpr int kTries = 50;

Fd connect_to(const EndConfig& config, std::uint16_t port) {
  Fd s = tcp_socket(config);
  // A stream fills its segments; questions and answers do not wait for that.
  if (config.work != Work::bulk) no_delay(s);
  const sockaddr_in to = address_of(config, port);
  for (int i = 0; i < kTries; ++i) {
    if (connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return s;
    if (errno != EHOSTUNREACH) break;
    usleep(100'000);
  }
  fail(std::string("connect: ") + std::strerror(errno));
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
EndResult serve_all(const EndConfig& config, int listener) {
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

// A connection for each request, until the time is over.
double request_anew(const EndConfig& config, std::uint16_t port, double end_ns) {
  double connections = 0;
  for (; wall_ns() < end_ns; ++connections) {
    const Fd s = connect_to(config, port);
    send_message(s);
    if (!receive_message(s, config.spin)) fail("the server closed early");
  }
  return connections;
}

// Bytes, or requests and their answers, on one connection until the time is over and the
// server has read all.
double request_on(const Fd& s, const EndConfig& config, double end_ns) {
  const std::vector<std::uint8_t> buffer(kAppBuffer);
  double units = 0;
  while (wall_ns() < end_ns) {
    if (config.work == Work::bulk) {
      const ssize_t n = send(s, buffer.data(), buffer.size(), MSG_NOSIGNAL);
      units += check(static_cast<int>(n), "send");
    } else {
      send_message(s);
      if (!receive_message(s, config.spin)) fail("the server closed early");
      ++units;
    }
  }
  shutdown(s, SHUT_WR);
  std::uint8_t byte;
  check(static_cast<int>(recv(s, &byte, 1, 0)), "recv");
  return units;
}

}  // namespace

EndResult serve(const EndConfig& config, const PortTeller& tell) {
  const Fd listener = tcp_socket(config);
  sockaddr_in a = address_of(config, 0);
  socklen_t size = sizeof a;
  check(bind(listener, reinterpret_cast<const sockaddr*>(&a), size), "bind");
  check(listen(listener, 128), "listen");
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&a), &size), "getsockname");
  tell(ntohs(a.sin_port));
  return serve_all(config, listener);
}

EndResult request(const EndConfig& config, std::uint16_t port) {
  EndResult result;
  const auto measure = [&](auto work) {
    const double start = wall_ns();
    result.units = work(start + config.seconds * 1e9);
    result.wall_ns = wall_ns() - start;
  };
  if (config.work == Work::connections) {
    measure([&](double end) { return request_anew(config, port, end); });
  } else {
    const Fd s = connect_to(config, port);
    measure([&](double end) { return request_on(s, config, end); });
  }
  connect_to(config, port);  // goodbye
  return result;
}

}  // namespace naru::bench::kernel
