#include <optional>

#include <naru/resolver/blocking.hpp>

namespace naru {
namespace {

// Until `done`, which the resolver's polls bring about: it ends every question in time.
void drive(Host& host, Resolver& resolver, const std::function<bool()>& done) {
  const auto look = [&] {
    resolver.poll(host.stack().now());
    if (host.stack().has_output()) host.poll();
    return done();
  };
  while (!done()) {
    const Time deadline = resolver.next_deadline();
    (void)host.run_until(look, deadline - std::min(deadline, monotonic_now()));
  }
}

// What `start` hands to the function that it is given.
template <class Answer, class Start>
Answer wait(Host& host, Resolver& resolver, const Start& start) {
  std::optional<Answer> result;
  host.stack().set_now(monotonic_now());
  start([&result](const Answer& answer) { result = answer; });
  drive(host, resolver, [&result] { return result.has_value(); });
  return std::move(*result);
}

}  // namespace

NameAnswer ask(Host& host, Resolver& resolver, std::string_view name, DnsType type) {
  return wait<NameAnswer>(host, resolver,
                          [&](const auto& done) { resolver.ask(name, type, done); });
}

HostAnswer find_host(Host& host, Resolver& resolver, std::string_view name, NameFamily family) {
  return wait<HostAnswer>(host, resolver,
                          [&](const auto& done) { resolver.find_host(name, family, done); });
}

HostAnswer find_name(Host& host, Resolver& resolver, const IpAddr& address) {
  return wait<HostAnswer>(host, resolver,
                          [&](const auto& done) { resolver.find_name(address, done); });
}

std::expected<Socket, ConnectFailure> connect_by_name(Host& host, Resolver& resolver,
                                                      std::string_view name, std::uint16_t port,
                                                      Duration timeout) {
  const Time start = monotonic_now();
  const Time end = timeout < kTimeNever - start ? start + timeout : kTimeNever;
  host.stack().set_now(start);
  Connector connector(host.stack(), resolver, name, port);
  const auto look = [&] {
    const Time now = host.stack().now();
    resolver.poll(now);
    connector.poll(now);
    if (host.stack().has_output()) host.poll();
    return connector.is_done();
  };
  while (!look()) {
    const Time now = monotonic_now();
    if (now >= end) return std::unexpected(ConnectFailure{.error = Error::timed_out});
    const Time deadline = std::min({end, resolver.next_deadline(), connector.next_deadline()});
    (void)host.run_until(look, deadline - std::min(deadline, now));
  }
  const auto socket = connector.take();
  if (!socket) return std::unexpected(socket.error());
  return Socket::adopt(host, *socket);
}

}  // namespace naru
