// The choice of ephemeral ports.
#include "tcp/ports.hpp"

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "unit/tcp/chi_square.hpp"

namespace naru::tcp {
namespace {

const IpAddr kUs = IpAddr::v4(10, 0, 0, 1);
constexpr PortRange kLinux{32'768, 60'999};
constexpr PortRange kWhole{1'024, 65'535};

Endpoint server(std::uint32_t n) { return {IpAddr::v4(0x0a010000 + n), 443}; }

struct Chooser {
  EphemeralPorts ports;
  Random random = Random::seeded(1);

  Chooser() { ports.start({11, 22}); }
  template <class InUse>
  Result<std::uint16_t> choose(PortRange range, const Endpoint& remote, InUse&& in_use) {
    return ports.choose(range, kUs, remote, random, in_use);
  }
  std::uint16_t choose(PortRange range, const Endpoint& remote) {
    return choose(range, remote, [](std::uint16_t) { return false; }).value();
  }
};

TEST(EphemeralPorts, AreUniformOverDestinations) {
  NARU_CHECKS("TCX-054");
  for (const PortRange range : {kLinux, kWhole}) {
    Chooser c;
    std::array<std::uint32_t, 100> buckets{};
    for (std::uint32_t n = 0; n < 20'000; ++n) {
      const std::uint16_t port = c.choose(range, server(n));
      ASSERT_GE(port, range.first);
      ASSERT_LE(port, range.last);
      ++buckets[(port - range.first) * std::size_t{100} / range.size()];
    }
    EXPECT_LT(deviations_from_uniform(buckets), 5);
  }
}

TEST(EphemeralPorts, AreUniformOverTheConnectionsOfOneDestination) {
  NARU_CHECKS("TCX-054");
  Chooser c;
  std::array<std::uint32_t, 100> buckets{};
  for (int n = 0; n < 20'000; ++n) {
    ++buckets[(c.choose(kLinux, server(1)) - kLinux.first) * std::size_t{100} / kLinux.size()];
  }
  EXPECT_LT(deviations_from_uniform(buckets), 20) << "a walk, so more even or less than chance";
}

// Whoever sees the ports of its own connections must not know another server's.
TEST(EphemeralPorts, OfOneDestinationDoNotTellAnothers) {
  NARU_CHECKS("TCX-054");
  Chooser c;
  std::array<std::uint32_t, 100> difference{};
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    const std::uint32_t mine = c.choose(kWhole, server(2 * n));
    const std::uint32_t theirs = c.choose(kWhole, server(2 * n + 1));
    ++difference[(theirs + kWhole.size() - mine) % kWhole.size() * 100 / kWhole.size()];
  }
  EXPECT_LT(deviations_from_uniform(difference), 5);
}

TEST(EphemeralPorts, DependOnTheKey) {
  NARU_CHECKS("TCX-054", "TCB-014");
  Chooser a;
  Chooser b;
  b.ports.start({11, 23});
  int same = 0;
  for (std::uint32_t n = 0; n < 1'000; ++n) {
    same += a.choose(kWhole, server(n)) == b.choose(kWhole, server(n));
  }
  EXPECT_LE(same, 3);
}

TEST(EphemeralPorts, ComeBackLate) {
  Chooser c;
  std::set<std::uint16_t> seen;
  for (std::uint32_t n = 0; n < kLinux.size() / 8 - 1; ++n) {
    ASSERT_TRUE(seen.insert(c.choose(kLinux, server(1))).second) << "after " << n;
  }
}

TEST(EphemeralPorts, AreFoundInARangeThatIsNearlyFull) {
  NARU_CHECKS("TCX-054");
  Chooser c;
  // 99 % are in use: once scattered, once the worst way, in one run.
  std::uint64_t looked_at = 0;
  const auto scattered = [&](std::uint16_t port) { return ++looked_at, port % 100 != 7; };
  const auto in_a_run = [&](std::uint16_t port) {
    return ++looked_at, port < kLinux.last - kLinux.size() / 100;
  };
  for (std::uint32_t n = 0; n < 5'000; ++n) {
    ASSERT_TRUE(c.choose(kLinux, server(n), scattered));
    ASSERT_TRUE(c.choose(kLinux, server(n), in_a_run));
  }
  EXPECT_LT(looked_at / 10'000, 250U) << "chance would look at a hundred";
}

TEST(EphemeralPorts, TheLastFreePortIsFoundAndThenNone) {
  NARU_CHECKS("TCX-054");
  for (const PortRange range : {kLinux, PortRange{50'000, 50'000}, PortRange{50'000, 50'001},
                                PortRange{1'024, 2'033}, PortRange{0xfff0, 0xffff}}) {
    Chooser c;
    for (std::uint32_t n = 0; n < 50; ++n) {
      const auto last = static_cast<std::uint16_t>(range.first + n * 997 % range.size());
      std::uint32_t looked_at = 0;
      const auto only = [&](std::uint16_t port) {
        EXPECT_TRUE(port >= range.first && port <= range.last);
        return ++looked_at, port != last;
      };
      EXPECT_EQ(c.choose(range, server(n), only), last);
      EXPECT_LE(looked_at, range.size());
      looked_at = 0;
      const auto full =
          c.choose(range, server(n), [&](std::uint16_t) { return ++looked_at, true; });
      ASSERT_FALSE(full);
      EXPECT_EQ(full.error(), Error::address_not_available);
      EXPECT_EQ(looked_at, range.size());
    }
  }
}

TEST(EphemeralPorts, FillTheRangeToTheLast) {
  NARU_CHECKS("TCX-054");
  Chooser c;
  constexpr PortRange kSmall{40'000, 40'999};
  std::set<std::uint16_t> used;
  const auto in_use = [&](std::uint16_t port) { return used.contains(port); };
  for (std::uint32_t n = 0; n < 1'000; ++n) {
    const auto port = c.choose(kSmall, server(n % 3), in_use);
    ASSERT_TRUE(port) << n;
    ASSERT_TRUE(used.insert(*port).second);
  }
  EXPECT_FALSE(c.choose(kSmall, server(0), in_use));
}

TEST(EphemeralPorts, AnEmptyRangeHasNone) {
  Chooser c;
  EXPECT_FALSE(c.choose({60'000, 50'000}, server(1), [](std::uint16_t) { return false; }));
}

}  // namespace
}  // namespace naru::tcp
