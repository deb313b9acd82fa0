// Addresses are taken: bind and listen.
#include <array>
#include <map>
#include <net/if.h>
#include <numeric>
#include <set>
#include <vector>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

TEST(Bind, RefusesWhatItCannotTake) {
  NARU_CHECKS("SOC-004");
  const Fd fd = tcp();
  sockaddr_in wrong = v4(0);
  EXPECT_EQ(error_of(::bind(fd, generic(wrong), sizeof wrong - 1)), EINVAL);
  EXPECT_EQ(error_of(bind(fd, v4(0, 0xc0000201))), EADDRNOTAVAIL);  // 192.0.2.1
  wrong.sin_family = AF_UNIX;
  EXPECT_EQ(error_of(bind(fd, wrong)), EAFNOSUPPORT);
  EXPECT_EQ(error_of(bind(fd, v4(0))), 0);
  EXPECT_EQ(error_of(bind(fd, v4(0))), EINVAL) << "twice";
  const Fd other = tcp();
  EXPECT_EQ(error_of(bind(other, name_of(fd))), EADDRINUSE);
  EXPECT_EQ(error_of(bind(other, v4(port_of(fd), INADDR_ANY))), EADDRINUSE);
  EXPECT_EQ(error_of(bind(udp(), name_of(fd))), 0) << "another protocol has ports of its own";
}

TEST(Bind, PortZeroIsAFreeOne) {
  NARU_CHECKS("SOC-004");
  const Fd a = tcp();
  const Fd b = tcp();
  ASSERT_EQ(bind(a, v4(0)), 0);
  ASSERT_EQ(bind(b, v4(0)), 0);
  EXPECT_GE(port_of(a), 1024);
  EXPECT_NE(port_of(a), port_of(b));
}

TEST(Bind, PortZeroIsNoConnectionsPort) {
  NARU_CHECKS("SOC-004");
  constexpr int kConnections = 200;
  constexpr int kBinds = 2'000;  // by chance, some fourteen of them would meet a connection
  const Fd l = listener(kConnections);
  std::vector<Fd> open;
  std::set<std::uint16_t> taken;
  for (int i = 0; i < kConnections; ++i) {
    Fd client = tcp();
    ASSERT_EQ(connect(client, name_of(l)), 0);
    taken.insert(port_of(client));
    open.push_back(std::move(client));
    open.emplace_back(::accept(l, nullptr, nullptr));
  }
  for (int i = 0; i < kBinds; ++i) {
    const Fd fd = tcp();
    ASSERT_EQ(bind(fd, v4(0)), 0);
    ASSERT_FALSE(taken.contains(port_of(fd))) << "after " << i;
  }
}

TEST(Bind, TheUnspecifiedFamilyIsIPv4sForTheUnspecifiedAddress) {
  NARU_CHECKS("SOC-004");
  sockaddr_in a = v4(0, INADDR_ANY);
  a.sin_family = AF_UNSPEC;
  EXPECT_EQ(error_of(bind(tcp(), a)), 0);
  a = v4(0);
  a.sin_family = AF_UNSPEC;
  EXPECT_EQ(error_of(bind(tcp(), a)), EAFNOSUPPORT);
}

TEST(Bind, OtherAddressesOfTheLoopbackAreFree) {
  NARU_CHECKS("SOC-004");
  const Fd a = listener();
  const Fd b = tcp();
  EXPECT_EQ(error_of(bind(b, v4(port_of(a), kLoopback + 1))), 0);
}

// --- reuse ------------------------------------------------------------------------------

// A port whose connection is in TIME-WAIT.
std::uint16_t port_in_time_wait() {
  Fd l = tcp();
  set(l, SOL_SOCKET, SO_REUSEADDR, 1);
  EXPECT_EQ(bind(l, v4(0)), 0);
  EXPECT_EQ(::listen(l, 1), 0);
  const std::uint16_t port = port_of(l);
  const Fd client = tcp();
  EXPECT_EQ(connect(client, v4(port)), 0);
  Fd server(::accept(l, nullptr, nullptr));
  server.close();  // first, so that the server's side waits
  EXPECT_EQ(recv(client), "");
  return port;
}

TEST(Reuse, OverTimeWait) {
  NARU_CHECKS("SOC-006");
  const std::uint16_t port = port_in_time_wait();
  // naru does not ask for more than that nobody is bound there (docs/run.md).
  if (on_kernel()) {
    EXPECT_EQ(error_of(bind(tcp(), v4(port))), EADDRINUSE);
  }
  const Fd again = tcp();
  set(again, SOL_SOCKET, SO_REUSEADDR, 1);
  EXPECT_EQ(error_of(bind(again, v4(port))), 0);
  EXPECT_EQ(error_of(::listen(again, 1)), 0);
}

TEST(Reuse, NotOverAListener) {
  NARU_CHECKS("SOC-006", "SOC-008");
  const Fd l = tcp();
  set(l, SOL_SOCKET, SO_REUSEADDR, 1);
  ASSERT_EQ(bind(l, v4(0)), 0);
  const Fd second = tcp();
  set(second, SOL_SOCKET, SO_REUSEADDR, 1);
  EXPECT_EQ(error_of(bind(second, name_of(l))), 0) << "as long as nobody listens";
  EXPECT_EQ(error_of(::listen(l, 1)), 0);
  EXPECT_EQ(error_of(::listen(second, 1)), EADDRINUSE);
  const Fd third = tcp();
  set(third, SOL_SOCKET, SO_REUSEADDR, 1);
  EXPECT_EQ(error_of(bind(third, name_of(l))), EADDRINUSE);
}

TEST(Reuse, OfDatagramPorts) {
  NARU_CHECKS("SOC-006");
  const Fd first = udp();
  const Fd second = udp();
  set(first, SOL_SOCKET, SO_REUSEADDR, 1);
  ASSERT_EQ(bind(first, v4(0)), 0);
  EXPECT_EQ(error_of(bind(second, name_of(first))), EADDRINUSE) << "both must want it";
  set(second, SOL_SOCKET, SO_REUSEADDR, 1);
  EXPECT_EQ(error_of(bind(second, name_of(first))), 0);
}

TEST(Reuse, OfPortsIsForThoseWhoAllWantIt) {
  NARU_CHECKS("SOC-007");
  const Fd first = tcp();
  set(first, SOL_SOCKET, SO_REUSEPORT, 1);
  ASSERT_EQ(bind(first, v4(0)), 0);
  ASSERT_EQ(::listen(first, 1), 0);
  const Fd without = tcp();
  EXPECT_EQ(error_of(bind(without, name_of(first))), EADDRINUSE);
  const Fd with = tcp();
  set(with, SOL_SOCKET, SO_REUSEPORT, 1);
  EXPECT_EQ(error_of(bind(with, name_of(first))), 0);
  EXPECT_EQ(error_of(::listen(with, 1)), 0);
}

// Listeners that share a port, and who gets the connections from which port.
struct Sharers {
  std::array<Fd, 8> all;
  std::map<std::uint16_t, std::size_t> taker;  // by the client's port
  int unstable = 0;                            // ports whose connections came to two

  Sharers() {
    for (Fd& l : all) {
      l = tcp(SOCK_NONBLOCK);
      set(l, SOL_SOCKET, SO_REUSEPORT, 1);
      EXPECT_EQ(bind(l, v4(l == all[0] ? 0 : port_of(all[0]))), 0);
      EXPECT_EQ(::listen(l, 1024), 0);
    }
  }
  // From this port; 0: from any. Says whether it could: on the kernel another program, or what
  // a test before left in TIME-WAIT, may use the same port.
  bool connect_once(std::uint16_t from) {
    const Fd c = tcp();
    set_linger(c, 1, 0);  // so that the port is free again at once
    if (from != 0 && bind(c, v4(from)) != 0) {
      EXPECT_TRUE(on_kernel() && errno == EADDRINUSE) << errno;
      return false;
    }
    EXPECT_EQ(connect(c, v4(port_of(all[0]))), 0);
    return true;
  }
  // How many each of them got.
  std::array<int, 8> accept_all() {
    std::array<int, 8> counts{};
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (;;) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        const Fd end(all[i] < 0 ? -1 : ::accept(all[i], generic(peer), &size));
        if (end < 0) break;
        ++counts[i];
        const auto [entry, is_new] = taker.try_emplace(ntohs(peer.sin_port), i);
        if (!is_new && entry->second != i) ++unstable;
        entry->second = i;
      }
    }
    return counts;
  }
};

TEST(Reuse, SharesConnectionsBetweenListeners) {
  NARU_CHECKS("SOC-007");
  constexpr int kConnections = 10'000;
  constexpr int kAtATime = 500;  // as many as wait in the queues
  Sharers sharers;
  std::array<int, 8> counts{};
  for (int i = 0; i < kConnections / kAtATime; ++i) {
    for (int k = 0; k < kAtATime; ++k) sharers.connect_once(0);
    const auto more = sharers.accept_all();
    for (std::size_t l = 0; l < counts.size(); ++l) counts[l] += more[l];
  }
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0), kConnections);
  for (const int n : counts) {
    EXPECT_GT(n, kConnections * 8 / 100);
    EXPECT_LT(n, kConnections * 17 / 100);
  }
  EXPECT_EQ(sharers.unstable, 0) << "the same addresses find the same listener";
}

// Linux deals all connections out anew.
TEST(Reuse, OfPortsMovesOnlyTheShareOfWhoGoes) {
  NARU_CHECKS("SOC-007");
  constexpr int kConnections = 800;
  Sharers sharers;
  for (int i = 0; i < kConnections; ++i) sharers.connect_once(0);
  (void)sharers.accept_all();
  const auto before = sharers.taker;
  sharers.all[3].close();
  int again = 0;
  for (const auto& [port, taker] : before) again += sharers.connect_once(port) ? 1 : 0;
  EXPECT_GT(again, kConnections / 2);
  const auto counts = sharers.accept_all();
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0), again)
      << "nothing goes to who is no more";
  if (on_kernel()) return;
  for (const auto& [port, taker] : before) {
    if (taker != 3) {
      EXPECT_EQ(sharers.taker[port], taker) << port;
    }
  }
}

// --- IPv6 -------------------------------------------------------------------------------

struct Bound {
  Fd fd;
  int error;
};

Bound bind6(const char* address, std::uint16_t port, int v6_only) {
  Bound b{tcp6(), 0};
  set(b.fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only);
  b.error = error_of(bind(b.fd, v6(address, port)));
  return b;
}

TEST(BindV6, CollidesWithIPv4OnlyWhereItWantsIPv4) {
  NARU_CHECKS("SOC-005");
  const Fd four = tcp();
  ASSERT_EQ(bind(four, v4(0, INADDR_ANY)), 0);
  const std::uint16_t port = port_of(four);
  EXPECT_EQ(bind6("::", port, 0).error, EADDRINUSE);
  EXPECT_EQ(bind6("::", port, 1).error, 0);
  EXPECT_EQ(bind6("::ffff:127.0.0.1", port, 0).error, EADDRINUSE);
  EXPECT_EQ(bind6("::ffff:127.0.0.1", port, 1).error, EINVAL);
}

TEST(BindV6, TheOtherWayRound) {
  NARU_CHECKS("SOC-005");
  const Bound both = bind6("::", 0, 0);
  const Bound only = bind6("::", 0, 1);
  const Bound mapped = bind6("::ffff:127.0.0.1", 0, 0);
  ASSERT_EQ(both.error + only.error + mapped.error, 0);
  EXPECT_EQ(error_of(bind(tcp(), v4(port_of(both.fd), INADDR_ANY))), EADDRINUSE);
  EXPECT_EQ(error_of(bind(tcp(), v4(port_of(both.fd)))), EADDRINUSE);
  EXPECT_EQ(error_of(bind(tcp(), v4(port_of(only.fd), INADDR_ANY))), 0);
  EXPECT_EQ(error_of(bind(tcp(), v4(port_of(mapped.fd)))), EADDRINUSE);
  EXPECT_EQ(error_of(bind(tcp(), v4(port_of(mapped.fd), kLoopback + 1))), 0);
}

TEST(BindV6, TwoOfThemCollide) {
  NARU_CHECKS("SOC-005");
  for (const int first : {0, 1}) {
    const Bound b = bind6("::", 0, first);
    ASSERT_EQ(b.error, 0);
    for (const int second : {0, 1}) {
      EXPECT_EQ(bind6("::", port_of(b.fd), second).error, EADDRINUSE) << first << second;
    }
  }
}

TEST(BindV6, ListensForIPv6Alone) {
  NARU_CHECKS("SOC-005", "SOC-042");
  const Bound only = bind6("::", 0, 1);
  ASSERT_EQ(only.error, 0);
  EXPECT_EQ(error_of(::listen(only.fd, 5)), 0);
  EXPECT_EQ(error_of(connect(tcp(), v4(port_of(only.fd)))), ECONNREFUSED);
  EXPECT_FALSE(wait_for(only.fd, POLLIN, 0));
}

TEST(BindV6, ALinkLocalAddressNeedsItsScope) {
  NARU_CHECKS("SOC-005", "SOC-011");
  EXPECT_EQ(bind6("fe80::1", 0, 0).error, EINVAL);
  const Fd fd = tcp6();
  EXPECT_EQ(error_of(connect(fd, v6("fe80::1", 1))), EINVAL);
}

TEST(BindV6, RefusesShortAndForeignAddresses) {
  NARU_CHECKS("SOC-005");
  const Fd fd = tcp6();
  const sockaddr_in6 a = v6("::", 0);
  EXPECT_EQ(error_of(::bind(fd, generic(a), sizeof(sockaddr_in))), EINVAL);
  EXPECT_EQ(error_of(bind(fd, v6("2001:db8::1", 0))), EADDRNOTAVAIL);
  sockaddr_in6 four = a;
  four.sin6_family = AF_INET;
  EXPECT_EQ(error_of(bind(fd, four)), EAFNOSUPPORT);
}

// --- listen -------------------------------------------------------------------------------

TEST(Listen, RefusesWhatCannotListen) {
  NARU_CHECKS("SOC-008");
  const auto [client, server] = connected();
  EXPECT_EQ(error_of(::listen(client, 1)), EINVAL);
  EXPECT_EQ(error_of(::listen(udp(), 1)), EOPNOTSUPP);
}

TEST(Listen, WithoutAPortTakesAFreeOne) {
  NARU_CHECKS("SOC-008");
  const Fd l = tcp();
  EXPECT_EQ(error_of(::listen(l, 1)), 0);
  EXPECT_GE(port_of(l), 1024);
  const Fd c = tcp();
  EXPECT_EQ(error_of(connect(c, v4(port_of(l)))), 0);
}

TEST(Listen, AnyBacklogWillDoAndTheLastCounts) {
  NARU_CHECKS("SOC-008");
  const Fd l = listener(0);
  const Fd first = tcp();
  EXPECT_EQ(error_of(connect(first, name_of(l))), 0) << "even a backlog of 0 takes one";
  EXPECT_EQ(error_of(::listen(l, -1)), 0);
  std::vector<Fd> more;
  for (int i = 0; i < 50; ++i) {
    more.push_back(tcp());
    EXPECT_EQ(error_of(connect(more.back(), name_of(l))), 0);
  }
  EXPECT_EQ(error_of(::listen(l, 1 << 30)), 0);
  for (int i = 0; i < 51; ++i) EXPECT_GE(Fd(::accept(l, nullptr, nullptr)), 0);
}

// --- devices --------------------------------------------------------------------------------

TEST(Device, BindsToOne) {
  NARU_CHECKS("SOC-044");
  const Fd fd = udp();
  const auto bind_to = [&](std::string_view name) {
    return error_of(::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.data(),
                                 static_cast<socklen_t>(name.size())));
  };
  const auto device = [&] {
    char name[IFNAMSIZ];
    socklen_t size = sizeof name;
    EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size), 0);
    return size == 0 ? std::string() : std::string(name);
  };
  EXPECT_EQ(bind_to("no-such"), ENODEV);
  EXPECT_EQ(device(), "");
  EXPECT_EQ(bind_to("lo"), 0);
  EXPECT_EQ(device(), "lo");
  ASSERT_EQ(bind(fd, v4(0)), 0);
  const Fd from = udp();
  ASSERT_EQ(connect(from, name_of(fd)), 0);
  EXPECT_EQ(send(from, "by lo"), 5);
  EXPECT_EQ(recv(fd), "by lo");
  EXPECT_EQ(bind_to(""), 0);
  EXPECT_EQ(device(), "");
}

}  // namespace
}  // namespace naru::sockets
