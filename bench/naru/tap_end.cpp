#include "naru/tap_end.hpp"

#include <vector>

#include <naru/link/tap.hpp>

#include "measure.hpp"
#include "naru/must.hpp"

namespace naru::bench {
namespace {

constexpr std::size_t kAppBuffer = 64 * 1024;
constexpr std::uint16_t kPort = 5001;
constexpr Duration kPatience = 10s;

Prefix prefix_of(const std::string& text) {
  const auto prefix = Prefix::parse(text);
  if (!prefix) fail("not an address with its network: " + text);
  return *prefix;
}

IpAddr address_of(const std::string& text) {
  const auto address = IpAddr::parse(text);
  if (!address) fail("not an address: " + text);
  return *address;
}

}  // namespace

TapEnd::TapEnd(const TapConfig& config) : config_(config), host_(must(Host::create({}), "host")) {
  auto tap = link::TapLink::open(config.device);
  if (!tap) fail(tap.error().message);
  must(host_->add_link("eth0", std::move(*tap), prefix_of(config.address)), "interface");
}

void TapEnd::wait(SocketId s, std::uint8_t readiness) {
  const auto is_ready = [&] { return (host_->stack().readiness(s) & readiness) != 0; };
  if (!host_->run_until(is_ready, kPatience)) fail("nothing happens for 10 s");
}

SocketId TapEnd::connect(std::uint16_t port) {
  const SocketId s = must(host_->stack().open_tcp(), "socket");
  const Status started = host_->stack().connect(s, {address_of(config_.peer), port});
  if (!started && started.error() != Error::in_progress) must(started, "connect");
  wait(s, ready::kOut | ready::kErr);
  return s;
}

double TapEnd::send_until(SocketId s, double end_ns) {
  const std::vector<std::uint8_t> buffer(kAppBuffer);
  double sent = 0;
  while (wall_ns() < end_ns) {
    const auto n = host_->stack().send(s, buffer);
    if (n) {
      sent += static_cast<double>(*n);
    } else if (n.error() == Error::would_block) {
      wait(s, ready::kOut | ready::kErr);  // and lets the stack send
    } else {
      fail(to_string(n.error()));
    }
  }
  return sent;
}

double TapEnd::drain(SocketId s) {
  std::vector<std::uint8_t> buffer(kAppBuffer);
  double bytes = 0;
  for (;;) {
    const auto n = host_->stack().recv(s, buffer);
    if (n && *n == 0) return bytes;
    if (n) {
      bytes += static_cast<double>(*n);
    } else if (n.error() == Error::would_block) {
      wait(s, ready::kIn | ready::kErr);
    } else {
      fail(to_string(n.error()));
    }
  }
}

EndResult TapEnd::send(std::uint16_t port) {
  EndResult result;
  const SocketId s = connect(port);
  const double start = wall_ns();
  result.units = send_until(s, start + config_.seconds * 1e9);
  // The stream counts until the server has read it all.
  must(host_->stack().shutdown(s, Shutdown::send), "shutdown");
  if (drain(s) != 0) fail("the server has sent something");
  result.wall_ns = wall_ns() - start;
  must(host_->stack().close(s), "close");
  must(host_->stack().close(connect(port)), "close");
  if (!host_->drain(kPatience)) fail("the connections do not end");
  return result;
}

EndResult TapEnd::receive(const PortTeller& tell) {
  const SocketId listener = must(host_->stack().open_tcp(), "socket");
  must(host_->stack().bind(listener, {IpAddr::any_v4(), kPort}), "bind");
  must(host_->stack().listen(listener, 16), "listen");
  tell(kPort);
  EndResult result;
  for (bool goodbye = false; !goodbye;) {
    wait(listener, ready::kIn);
    const SocketId s = must(host_->stack().accept(listener), "accept").socket;
    const double bytes = drain(s);
    result.units += bytes;
    goodbye = bytes == 0;
    must(host_->stack().close(s), "close");
  }
  must(host_->stack().close(listener), "close");
  if (!host_->drain(kPatience)) fail("the connections do not end");
  return result;
}

}  // namespace naru::bench
