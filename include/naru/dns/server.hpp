// Server: a name server for laboratories. It serves zones as root, top-level domain or
// authority, and with `roots` it finds out for others what it does not know itself.
#pragma once

#include <memory>
#include <vector>

#include <naru/dns/zone.hpp>
#include <naru/random/random.hpp>
#include <naru/stack/stack.hpp>

namespace naru::dns {

struct ServerConfig {
  Endpoint local{IpAddr::any_v4(), 53};
  std::vector<Zone> zones;
  std::vector<IpAddr> roots;  // where recursion begins; empty: the server does not recurse
};

// Driven as its stack is, which outlives it: poll() after each poll of the stack, and at
// next_deadline().
class Server {
 public:
  // The errors of bind and listen. `random` is for the questions of its own.
  static Result<std::unique_ptr<Server>> create(Stack& stack, ServerConfig config,
                                                const Random& random);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void poll(Time now);
  Time next_deadline() const;

  // Queries that were answered, and those that wait for what others say.
  std::uint64_t answered() const;
  std::size_t waiting() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace naru::dns
