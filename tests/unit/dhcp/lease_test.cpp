// What a server grants, as far as it makes sense.
#include <gtest/gtest.h>

#include <naru/dhcp/lease.hpp>

#include "dsl/checks.hpp"
#include "wire/dhcp.hpp"

namespace naru::dhcp::test {
namespace {

using wire::DhcpOption;

// An ACK for 10.0.0.100/24 for an hour, with more.
class Granted {
 public:
  explicit Granted(const IpAddr& address = IpAddr::v4(10, 0, 0, 100))
      : writer_({.op = wire::Dhcp::kReply, .xid = 1, .yiaddr = address}, wire::DhcpType::ack) {
    writer_.add(DhcpOption::server_id, IpAddr::v4(10, 0, 0, 2));
  }
  Granted& mask(const IpAddr& mask) {
    writer_.add(DhcpOption::subnet_mask, mask);
    return *this;
  }
  Granted& with(DhcpOption code, std::vector<std::uint8_t> data) {
    writer_.add(code, data);
    return *this;
  }
  Granted& with(DhcpOption code, std::string_view text) {
    return with(code, std::vector<std::uint8_t>(text.begin(), text.end()));
  }
  Granted& seconds(DhcpOption code, std::uint32_t number) {
    writer_.add32(code, number);
    return *this;
  }
  std::optional<Lease> lease() {
    const auto bytes = writer_.finish();
    return Lease::parse(*wire::DhcpView::parse(bytes));
  }

 private:
  wire::DhcpWriter writer_;
};

constexpr IpAddr kMask = IpAddr::v4(255, 255, 255, 0);

TEST(LeaseTest, HasItsParts) {
  const auto lease = Granted()
                         .mask(kMask)
                         .with(DhcpOption::routers, {10, 0, 0, 1})
                         .with(DhcpOption::name_servers, {10, 0, 0, 3, 10, 0, 0, 4})
                         .with(DhcpOption::time_servers, {10, 0, 0, 5})
                         .with(DhcpOption::host_name, "web")
                         .with(DhcpOption::domain_name, "shop.example")
                         .with(DhcpOption::interface_mtu, {0x05, 0x78})
                         .seconds(DhcpOption::lease_time, 3600)
                         .lease();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->address.to_string(), "10.0.0.100/24");
  EXPECT_EQ(lease->server, IpAddr::v4(10, 0, 0, 2));
  const std::vector<Route> way{{{IpAddr::any_v4(), 0}, IpAddr::v4(10, 0, 0, 1)}};
  EXPECT_EQ(lease->routes, way);
  EXPECT_EQ(lease->name_servers.size(), 2U);
  EXPECT_EQ(lease->time_servers, std::vector{IpAddr::v4(10, 0, 0, 5)});
  EXPECT_EQ(lease->host_name, "web");
  EXPECT_EQ(lease->domain, "shop.example");
  EXPECT_EQ(lease->mtu, 1400);
  EXPECT_EQ(lease->lifetime, Duration(3600s));
  EXPECT_EQ(lease->renewal, 1800s);
  EXPECT_EQ(lease->rebinding, 3150s);
}

TEST(LeaseTest, IsForAnAddressThatAHostMayHave) {
  NARU_CHECKS("DHC-017");
  const auto is_taken = [](const IpAddr& a) { return Granted(a).mask(kMask).lease().has_value(); };
  EXPECT_TRUE(is_taken(IpAddr::v4(10, 0, 0, 100)));
  for (const IpAddr& bad :
       {IpAddr::any_v4(), IpAddr::v4(0, 0, 0, 5), IpAddr::loopback_v4(), IpAddr::v4(224, 0, 0, 1),
        IpAddr::broadcast_v4(), IpAddr::v4(10, 0, 0, 255), IpAddr::v4(10, 0, 0, 0)}) {
    EXPECT_FALSE(is_taken(bad)) << bad.to_string();
  }
  EXPECT_FALSE(Granted().mask(kMask).with(DhcpOption::routers, {10, 0, 0, 100}).lease())
      << "it is its own router";
}

TEST(LeaseTest, HasAMaskOfOnesThatAreTogether) {
  NARU_CHECKS("DHC-018");
  const auto length = [](const IpAddr& mask) {
    return Granted().mask(mask).lease()->address.length;
  };
  EXPECT_EQ(length(kMask), 24);
  EXPECT_EQ(length(IpAddr::broadcast_v4()), 32);
  EXPECT_EQ(length(IpAddr::v4(255, 0, 255, 0)), 8) << "as the class of the address";
  EXPECT_EQ(length(IpAddr::any_v4()), 8);
  EXPECT_EQ(Granted().lease()->address.length, 8);
}

TEST(LeaseTest, HasTimesThatMakeSense) {
  NARU_CHECKS("DHC-016");
  const auto with = [](std::uint32_t lease, std::uint32_t t1, std::uint32_t t2) {
    return *Granted()
                .mask(kMask)
                .seconds(DhcpOption::lease_time, lease)
                .seconds(DhcpOption::renewal_time, t1)
                .seconds(DhcpOption::rebinding_time, t2)
                .lease();
  };
  EXPECT_EQ(with(1000, 100, 900).renewal, 100s);
  EXPECT_EQ(with(1000, 100, 900).rebinding, 900s);
  for (const auto& [t1, t2] :
       {std::pair{900U, 100U}, {100U, 2000U}, {0U, 900U}, {500U, 500U}, {UINT32_MAX, UINT32_MAX}}) {
    EXPECT_EQ(with(1000, t1, t2).renewal, 500s) << t1 << ' ' << t2;
    EXPECT_EQ(with(1000, t1, t2).rebinding, 875s);
  }
  EXPECT_FALSE(with(UINT32_MAX, 1, 2).lifetime) << "for ever";
  EXPECT_EQ(with(0, 0, 0).lifetime, Duration(60s));
}

TEST(LeaseTest, TakesClasslessRoutesInPlaceOfRouters) {
  NARU_CHECKS("DHC-012", "DHC-013");
  const auto routes = [](std::vector<std::uint8_t> data) {
    return Granted()
        .mask(kMask)
        .with(DhcpOption::routers, {10, 0, 0, 1})
        .with(DhcpOption::classless_routes, std::move(data))
        .lease()
        ->routes;
  };
  const Route by_router{{IpAddr::any_v4(), 0}, IpAddr::v4(10, 0, 0, 1)};
  const auto given =
      routes({0, 10, 0, 0, 9, 24, 192, 0, 2, 10, 0, 0, 8, 32, 192, 0, 2, 1, 0, 0, 0, 0});
  ASSERT_EQ(given.size(), 3U);
  EXPECT_EQ(given[0], (Route{{IpAddr::any_v4(), 0}, IpAddr::v4(10, 0, 0, 9)}));
  EXPECT_EQ(given[1].destination.to_string(), "192.0.2.0/24");
  EXPECT_EQ(given[2].destination.to_string(), "192.0.2.1/32");
  EXPECT_TRUE(given[2].gateway.is_any());
  // All or nothing.
  EXPECT_EQ(routes({33, 1, 2, 3, 4, 5, 10, 0, 0, 9}), std::vector{by_router});
  EXPECT_EQ(routes({0, 10, 0, 0, 9, 24, 192, 0, 2, 10, 0, 0}), std::vector{by_router});
  EXPECT_EQ(routes({24, 192}), std::vector{by_router});
  std::vector<std::uint8_t> many;
  for (std::uint8_t i = 0; i < 40; ++i) many.insert(many.end(), {8, i, 10, 0, 0, 9});
  EXPECT_EQ(routes(many).size(), Lease::kMaxRoutes);
}

TEST(LeaseTest, TakesASearchListThatIsCompressedWithinItself) {
  NARU_CHECKS("DHC-014");
  using Strings = std::vector<std::string>;
  const auto search = [](std::vector<std::uint8_t> data) {
    return Granted().mask(kMask).with(DhcpOption::domain_search, std::move(data)).lease()->search;
  };
  const std::vector<std::uint8_t> good{1, 'a', 2, 'd', 'e', 0, 1, 'b', 0xc0, 2};
  EXPECT_EQ(search(good), (Strings{"a.de", "b.de"}));
  EXPECT_EQ(search({0xc0, 0}), Strings()) << "itself";
  EXPECT_EQ(search({1, 'a', 0xc0, 4, 0}), Strings()) << "forward";
  EXPECT_EQ(search({1, 'a', 0xc0, 200}), Strings()) << "outside";
  EXPECT_EQ(search({1, 'a', 0xc0, 0}), Strings()) << "round";
  EXPECT_EQ(search({9, 'a'}), Strings());
  EXPECT_EQ(search({1, ';', 0}), Strings());
  std::vector<std::uint8_t> many;
  for (int i = 0; i < 80; ++i) many.insert(many.end(), {1, 'a', 0});
  EXPECT_EQ(search(many).size(), Lease::kMaxSearch);
}

TEST(LeaseTest, TakesNamesThatAreNames) {
  NARU_CHECKS("DHC-015");
  const auto name = [](std::string_view text) {
    return Granted().mask(kMask).with(DhcpOption::host_name, text).lease()->host_name;
  };
  EXPECT_EQ(name("web"), "web");
  EXPECT_EQ(name("() { :; }; reboot"), "");
  EXPECT_EQ(name(std::string_view("we\0b", 4)), "");
  EXPECT_EQ(name("a\nb"), "");
  EXPECT_EQ(name("$(reboot)"), "");
  EXPECT_EQ(name(std::string(200, 'x')), "");
}

TEST(LeaseTest, TakesSoManyServers) {
  NARU_CHECKS("DHC-041");
  const std::vector<std::uint8_t> many(240, 10);
  const auto lease = Granted().mask(kMask).with(DhcpOption::name_servers, many).lease();
  EXPECT_EQ(lease->name_servers.size(), Lease::kMaxServers);
}

}  // namespace
}  // namespace naru::dhcp::test
