// What the trace shows of a packet's way through ip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host.hpp"

namespace naru::ip::test {
namespace {

using trace::Kind;

class TraceTest : public ::testing::Test {
 protected:
  TraceTest() { host.trace.set_on(true); }

  std::vector<Kind> kinds() {
    std::vector<Kind> all;
    while (const trace::Event* e = host.trace.pop()) {
      EXPECT_EQ(e->at, host.now);
      last = *e;
      all.push_back(e->kind);
    }
    return all;
  }

  Host host;
  trace::Event last;
};

using ::testing::ElementsAre;

TEST_F(TraceTest, ShowsThatAPacketWaitsForItsNeighbour) {
  host.send("10.0.0.2", counting(20));
  EXPECT_THAT(kinds(), ElementsAre(Kind::packet_out, Kind::neighbour_asked));
  EXPECT_EQ(last.remote.addr, ip("10.0.0.2"));
  host.resolve("10.0.0.2");
  EXPECT_THAT(kinds(), ElementsAre(Kind::neighbour_answered));
  EXPECT_EQ(last.mac, kPeerMac);
}

TEST_F(TraceTest, ShowsRouteAndNextHop) {
  ASSERT_TRUE(host.ip.add_route(
      {.prefix = prefix("0.0.0.0/0"), .gateway = ip("10.0.0.2"), .source = {}, .interface = 1}));
  host.resolve("10.0.0.2");
  kinds();
  host.send("8.8.8.8", counting(20));
  EXPECT_THAT(kinds(), ElementsAre(Kind::packet_out));
  EXPECT_EQ(last.remote.addr, ip("8.8.8.8"));
  EXPECT_EQ(last.local.addr, ip("10.0.0.2"));
  EXPECT_EQ(last.length, 40U);
}

TEST_F(TraceTest, ShowsAnEcho) {
  host.resolve("10.0.0.2");
  kinds();
  host.receive_ip(ipv4({.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::icmp},
                       echo_request(1, 1, {})));
  EXPECT_THAT(kinds(), ElementsAre(Kind::packet_in, Kind::icmp_in, Kind::packet_out));
}

TEST_F(TraceTest, ShowsFragmentsAndTheirWhole) {
  wire::Ipv4 h{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::udp};
  h.more_fragments = true;
  host.receive_ip(ipv4(h, counting(16)));
  h.more_fragments = false;
  h.fragment_offset = 16;
  host.receive_ip(ipv4(h, counting(5)));
  EXPECT_THAT(kinds(), ElementsAre(Kind::packet_in, Kind::fragment_in, Kind::packet_in,
                                   Kind::fragment_in, Kind::reassembled));
  EXPECT_EQ(last.length, 41U);
}

TEST_F(TraceTest, ShowsADropAndItsReason) {
  host.receive_ip(ipv4({.src = ip("127.0.0.1"), .dst = ip("10.0.0.1")}, counting(20)));
  EXPECT_THAT(kinds(), ElementsAre(Kind::dropped));
  EXPECT_EQ(last.extra, static_cast<std::uint32_t>(Drop::ip_bad_source));
}

TEST_F(TraceTest, ShowsThatWeAnsweredForOurAddress) {
  host.receive(arp({.op = wire::Arp::kRequest,
                    .sha = kPeerMac,
                    .spa = ip("10.0.0.2"),
                    .tha = {},
                    .tpa = ip("10.0.0.1")}));
  EXPECT_THAT(kinds(), ElementsAre(Kind::neighbour_answered, Kind::neighbour_reply));
}

}  // namespace
}  // namespace naru::ip::test
