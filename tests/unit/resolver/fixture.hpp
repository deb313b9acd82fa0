// A host with a resolver, and one with a name server that does what a test says.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include <naru/resolver/resolver.hpp>

#include "message.hpp"
#include "unit/stack/two_hosts.hpp"

namespace naru::resolver::test {

// What a server got.
struct Asked {
  Buffer bytes;
  Endpoint from;
  bool over_tcp = false;
  SocketId connection;  // over TCP
  wire::DnsQuestion question;
  std::uint16_t udp_payload = 0;
};

class NameServer {
 public:
  // The messages that a question is answered with, in their order.
  using Answers = std::function<Buffers(const Asked&)>;

  NameServer(Stack& stack, const Endpoint& local) : stack_(stack) {
    udp_ = *stack.open_udp();
    tcp_ = *stack.open_tcp();
    EXPECT_TRUE(stack.bind(udp_, local));
    EXPECT_TRUE(stack.bind(tcp_, local));
    EXPECT_TRUE(stack.listen(tcp_, 8));
  }

  // Takes what has come and answers it.
  void poll();
  // A message to who asked, at any time.
  void reply(const Asked& asked, const Buffer& message);
  // Ends all connections, whatever they wait for.
  void hang_up();
  std::size_t accepted = 0;
  std::vector<Asked> asked;
  Answers answers;

 private:
  struct Connection {
    SocketId socket;
    Endpoint from;
    Buffer in;
  };
  Buffers on_query(Bytes query, const Endpoint& from, SocketId connection = {});
  // False: it is over.
  bool poll_connection(Connection& connection);

  Stack& stack_;
  SocketId udp_;
  SocketId tcp_;
  std::vector<Connection> connections_;
};

class ResolverTest : public naru::test::TwoHosts {
 protected:
  static constexpr Endpoint kServer{IpAddr::v4(10, 0, 0, 2), 53};
  static constexpr Endpoint kSecond{IpAddr::v4(10, 0, 0, 2), 54};

  ResolverTest() : server(b.stack(), kServer) { a->set_now(now); }
  // Each query had a socket of its own, and has closed it; connections have been kept for
  // a while.
  void TearDown() override {
    if (!resolver || resolver->pending() != 0) return;
    run(11s);
    EXPECT_EQ(a->usage().udp_sockets, 0U);
    EXPECT_EQ(a->usage().connections, 0U);
  }

  static ResolverConfig config() {
    ResolverConfig config;
    config.servers = {kServer};
    return config;
  }
  void use(ResolverConfig config, std::uint64_t seed = 7) {
    resolver.emplace(a.stack(), std::move(config), Random::seeded(seed));
  }
  // Answers what is in the zone, NXDOMAIN else.
  void serve(std::vector<Record> zone);

  // Lets time pass for both hosts, the resolver and the server.
  void run(Duration duration);
  // The answer, when it comes within the time.
  std::optional<NameAnswer> ask(std::string_view name, DnsType type, Duration patience = 60s);
  std::optional<HostAnswer> find(std::string_view name, NameFamily family = NameFamily::any,
                                 Duration patience = 60s);

  NameServer server;
  NameServer* helper = nullptr;  // another server, where a test has one
  std::optional<Resolver> resolver;

 private:
  void run_until(const std::function<bool()>& done, Duration patience);
};

std::vector<std::string> to_strings(const std::vector<IpAddr>& addresses);
std::string first_address(const std::optional<NameAnswer>& answer);

}  // namespace naru::resolver::test
