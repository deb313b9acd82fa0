// Connector: a connection to a host by its name, over whichever of its addresses answers
// first (RFC 8305, "happy eyeballs").
//
//   name ─► Resolver: A and AAAA at once
//             └─► IPv6 is known: begin; IPv4 alone: wait 50 ms for IPv6
//                   └─► in the order of RFC 6724, the families in turn, one every 250 ms,
//                       or as soon as the one before has failed
//                         └─► the first that connects is the connection; the others end
//
//   Connector connector(stack, resolver, "www.example", 80);
//   while (!connector.is_done()) ...              // polls, as for a resolver
//   const auto socket = connector.take();
//
// Like a stack, it never waits: whoever drives the stack calls poll() after it and after
// the resolver, and at next_deadline(). connect_by_name() in resolver/blocking.hpp waits
// for those who have nothing else to do. There is no end of patience but that of TCP and
// of the resolver: who wants less lets the connector go, which ends all attempts.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <naru/resolver/resolver.hpp>

namespace naru {

struct ConnectOptions {
  // RFC 8305 5: less than the first would be a flood, more than the last no help.
  static constexpr Duration kMinAttemptDelay{10ms};
  static constexpr Duration kMaxAttemptDelay{2s};

  Duration resolution_delay{50ms};     // for IPv6, when IPv4 is known
  Duration attempt_delay{250ms};       // between two attempts; kept within the bounds
  std::size_t first_family_count = 1;  // attempts of the first family before the other
  std::size_t max_attempts = 16;       // addresses beyond are not tried
};

// Why there is no connection.
struct ConnectFailure {
  NameOutcome name = NameOutcome::found;  // else nobody could be tried
  // Of the attempt that came furthest: a refusal says more than silence, silence more than
  // that there is no way.
  Error error = Error::none;
  IpAddr address{};
  std::size_t attempts = 0;

  // "no such name", "192.0.2.1: connection refused"
  std::string to_string() const;
};

class Connector {
 public:
  // Begins at once. The stack outlives the connector, and is that of the resolver.
  Connector(Stack& stack, Resolver& resolver, std::string_view name, std::uint16_t port,
            const ConnectOptions& options = {});
  // To a host whose addresses are known, in whatever order.
  Connector(Stack& stack, std::vector<IpAddr> addresses, std::uint16_t port,
            const ConnectOptions& options = {});
  // Ends what is under way.
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  void poll(Time now);
  // Call poll() at this time at the latest.
  Time next_deadline() const;

  bool is_done() const;
  // The connected socket, which is the caller's from now on. Once, when it is done.
  std::expected<SocketId, ConnectFailure> take();

 private:
  struct State;
  std::shared_ptr<State> state_;  // the resolver may answer when we are gone
};

}  // namespace naru
