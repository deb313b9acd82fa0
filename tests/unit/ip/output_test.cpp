// Destinations and packets out.
#include <set>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"
#include "wire/checksum.hpp"
#include "wire/udp.hpp"

namespace naru::ip::test {
namespace {

using Action = Verdict::Action;

class OutputTest : public ::testing::Test {
 protected:
  void add_gateway(std::string_view gateway, std::uint32_t metric = 0) {
    ASSERT_TRUE(host.ip.add_route({.prefix = prefix("0.0.0.0/0"),
                                   .gateway = ip(gateway),
                                   .source = {},
                                   .metric = metric,
                                   .interface = 1}));
  }
  Result<std::uint32_t> to(std::string_view remote, std::string_view local = "0.0.0.0",
                           std::uint8_t interface = kAnyInterface) {
    return host.ip.destination(ip(remote), ip(local), host.now, interface);
  }

  Host host;
};

TEST_F(OutputTest, WritesAWholeHeader) {
  NARU_CHECKS("IP4-005", "IP4-012", "IP4-013", "IP4-032");
  host.resolve("10.0.0.2");
  host.take_sent();
  for (int i = 0; i < 3000; ++i) {
    const auto tos = static_cast<std::uint8_t>(host.random.next_u32());
    const auto ttl = static_cast<std::uint8_t>(host.random.below(256));
    const bool df = host.random.below(2) == 0;
    const Buffer unit = counting(host.random.below(1480));
    host.send("10.0.0.2", unit,
              {.protocol = Protocol::tcp, .tos = tos, .ttl = ttl, .dont_fragment = df});
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].dst(), kPeerMac);
    EXPECT_EQ(sent[0].src(), kOurMac);
    const auto packet = sent[0].ipv4();
    ASSERT_TRUE(packet);
    EXPECT_TRUE(packet->header_checksum_ok());
    EXPECT_EQ(packet->src(), ip("10.0.0.1"));
    EXPECT_EQ(packet->dst(), ip("10.0.0.2"));
    EXPECT_EQ(packet->protocol(), Protocol::tcp);
    EXPECT_EQ(packet->tos(), tos);
    EXPECT_EQ(packet->ttl(), ttl == 0 ? 64 : ttl);
    EXPECT_EQ(packet->dont_fragment(), df);
    EXPECT_FALSE(packet->is_fragment());
    EXPECT_EQ(packet->total_length(), 20 + unit.size());
    EXPECT_EQ(Buffer(packet->payload().begin(), packet->payload().end()), unit);
  }
}

TEST_F(OutputTest, SumsThePseudoHeader) {
  host.resolve("10.0.0.2");
  TxFrame frame;
  frame.header_length = 34 + 8;
  frame.payload_length = 0;
  host.ip.output(frame, *to("10.0.0.2"), {.protocol = Protocol::udp}, host.now);
  EXPECT_EQ(wire::fold(frame.pseudo_sum),
            wire::fold(wire::pseudo_header_sum(ip("10.0.0.1"), ip("10.0.0.2"), Protocol::udp, 0)));
  EXPECT_EQ(frame.network_offset, 14);
  EXPECT_EQ(frame.transport_offset, 34);
}

TEST_F(OutputTest, FillsInTheChecksumOfAFrameThatMustWait) {
  NARU_CHECKS("UDP-003", "ARP-010");
  // The second payload makes the sum come out as zero, which is sent as 0xffff.
  for (std::uint32_t word : {0U, 1U, 0xffffffU}) {
    const std::string peer = "10.0.0." + std::to_string(20 + word % 200);
    Buffer payload{0, 0, 0, 0};
    const wire::Udp header{1000, 2000, 12};
    Buffer unit(8);
    header.emit(unit.data());
    const std::uint64_t pseudo =
        wire::pseudo_header_sum(ip("10.0.0.1"), ip(peer), Protocol::udp, 12);
    const std::uint16_t without = wire::finish(wire::sum_bytes(unit, pseudo));
    if (word == 1) wire::store_checksum(payload.data(), without);
    TxFrame frame;
    std::copy(unit.begin(), unit.end(), frame.header.begin() + 34);
    frame.header_length = 42;
    frame.payload_length = 4;
    frame.span_count = 1;
    frame.spans[0] = payload;
    frame.needs_checksum = true;
    EXPECT_EQ(host.ip.output(frame, *to(peer), {.protocol = Protocol::udp}, host.now).action,
              Action::held);
    host.collect();
    host.take_sent();
    host.resolve(peer);
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    const auto view = wire::UdpView::parse(sent[0].ipv4()->payload());
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->checksum_ok(ip("10.0.0.1"), ip(peer)));
    EXPECT_NE(view->checksum(), 0);
    EXPECT_TRUE(word != 1 || view->checksum() == 0xffff);
  }
}

TEST_F(OutputTest, SendsOwnAddressesByLoopback) {
  NARU_CHECKS("LNK-020", "IP4-008");
  for (const char* ours : {"127.0.0.1", "127.8.9.10", "10.0.0.1", "0.0.0.0"}) {
    EXPECT_EQ(host.send(ours, counting(20)).action, Action::loopback) << ours;
  }
  EXPECT_TRUE(host.take_sent().empty());
  EXPECT_EQ(host.ip.at(*to("127.8.9.10")).source, ip("127.0.0.1"));
  EXPECT_EQ(host.ip.at(*to("10.0.0.1")).source, ip("10.0.0.1"));
  EXPECT_EQ(host.ip.at(*to("0.0.0.0")).remote, ip("127.0.0.1"));
  EXPECT_EQ(to("10.0.0.2", "127.0.0.1").error(), Error::invalid);
}

TEST_F(OutputTest, PassesAPacketToItself) {
  NARU_CHECKS("LNK-020");
  TxFrame frame;
  const Buffer unit = udp(ip("127.0.0.1"), ip("127.0.0.1"), 1, 2, counting(5));
  frame.header_length = 34;
  frame.spans[0] = unit;
  frame.span_count = 1;
  frame.payload_length = static_cast<std::uint32_t>(unit.size());
  ASSERT_EQ(host.ip.output(frame, *to("127.0.0.1"), {.protocol = Protocol::udp}, host.now).action,
            Action::loopback);
  Packet* packet = host.pool.take(2000);
  std::copy(frame.header.begin() + frame.network_offset, frame.header.begin() + 34, packet->data);
  std::copy(unit.begin(), unit.end(), packet->data + 20);
  packet->length = static_cast<std::uint32_t>(20 + unit.size());
  const Input in = host.ip.input_loopback(packet, host.now);
  ASSERT_EQ(in.action, Input::Action::deliver);
  EXPECT_EQ(Buffer(in.packet->data, in.packet->data + in.packet->length), unit);
  host.pool.give_back(in.packet);
}

TEST_F(OutputTest, FindsNoWayWhereThereIsNone) {
  EXPECT_EQ(to("8.8.8.8").error(), Error::network_unreachable);
  EXPECT_EQ(to("10.0.0.2", "10.9.9.9").error(), Error::address_not_available);
  add_gateway("10.0.0.254");
  ASSERT_TRUE(to("8.8.8.8"));
  EXPECT_EQ(host.ip.at(*to("8.8.8.8")).next_hop, ip("10.0.0.254"));
  EXPECT_EQ(host.ip
                .add_route({.prefix = prefix("10.1.0.0/16"),
                            .gateway = ip("192.168.0.1"),
                            .source = {},
                            .interface = 1})
                .error(),
            Error::network_unreachable);
}

TEST_F(OutputTest, ChoosesTheSourceAddress) {
  NARU_CHECKS("IP4-033");
  ASSERT_TRUE(host.ip.add_address(1, prefix("10.7.0.1/16"), host.now));
  ASSERT_TRUE(host.ip.add_address(1, prefix("10.0.0.50/24"), host.now));
  add_gateway("10.7.0.254");
  ASSERT_TRUE(host.ip.add_route({.prefix = prefix("172.16.0.0/12"),
                                 .gateway = ip("10.7.0.254"),
                                 .source = ip("10.0.0.50"),
                                 .interface = 1}));
  const auto source = [&](std::string_view remote, std::string_view local = "0.0.0.0") {
    return host.ip.at(*to(remote, local)).source;
  };
  EXPECT_EQ(source("10.0.0.2"), ip("10.0.0.1"));
  EXPECT_EQ(source("10.7.3.3"), ip("10.7.0.1"));
  EXPECT_EQ(source("8.8.8.8"), ip("10.7.0.1"));              // the gateway's network
  EXPECT_EQ(source("172.16.1.1"), ip("10.0.0.50"));          // the route's preference
  EXPECT_EQ(source("8.8.8.8", "10.0.0.1"), ip("10.0.0.1"));  // bind overrides
}

TEST_F(OutputTest, HandlesPointToPointPrefixes) {
  NARU_CHECKS("IP4-048");
  ASSERT_TRUE(host.ip.add_address(1, prefix("192.168.1.0/31"), host.now));
  EXPECT_FALSE(host.ip.is_broadcast(ip("192.168.1.1")));
  ASSERT_TRUE(to("192.168.1.1"));
  EXPECT_EQ(host.ip.at(*to("192.168.1.1")).source, ip("192.168.1.0"));
  ASSERT_TRUE(host.ip.add_address(1, prefix("192.168.9.9/32"), host.now));
  EXPECT_EQ(host.ip.at(*to("192.168.9.9")).interface, kLoopback);
  host.receive_ip(
      ipv4({.src = ip("192.168.1.1"), .dst = ip("192.168.1.0"), .protocol = Protocol::udp},
           counting(20)));
  EXPECT_EQ(host.take_delivered().size(), 1U);
}

TEST_F(OutputTest, SwitchesFromADeadGateway) {
  NARU_CHECKS("IP4-047");
  add_gateway("10.0.0.253", 1);
  add_gateway("10.0.0.254", 2);
  host.resolve("10.0.0.254");  // nobody asked: not believed, but no harm
  host.send("8.8.8.8", counting(20));
  EXPECT_EQ(host.ip.at(*to("8.8.8.8")).next_hop, ip("10.0.0.253"));
  const DestinationRef ref = host.ip.ref(*to("8.8.8.8"));
  host.advance(4s);
  EXPECT_FALSE(host.ip.is_current(ref));
  EXPECT_EQ(host.ip.at(*to("8.8.8.8")).next_hop, ip("10.0.0.254"));
}

TEST_F(OutputTest, AsksAgainForANeighbourThatIsDoubted) {
  NARU_CHECKS("IP4-047");
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2");
  host.take_sent();
  host.advance(2s);
  host.ip.doubt_neighbour(*to("10.0.0.2"));
  host.send("10.0.0.2", counting(20));
  EXPECT_EQ(host.neighbour("10.0.0.2")->state, NeighbourState::probing);
}

TEST_F(OutputTest, NoticesEveryChangeOfTheWay) {
  const auto current_after = [&](auto&& change) {
    const DestinationRef ref = host.ip.ref(*to("10.0.0.2"));
    EXPECT_TRUE(host.ip.is_current(ref));
    change();
    return host.ip.is_current(ref);
  };
  EXPECT_TRUE(current_after([&] { host.resolve("10.0.0.2"); }));
  EXPECT_FALSE(current_after([&] { add_gateway("10.0.0.254"); }));
  EXPECT_FALSE(
      current_after([&] { EXPECT_TRUE(host.ip.add_address(1, prefix("10.3.0.1/24"), host.now)); }));
  EXPECT_FALSE(current_after([&] { EXPECT_TRUE(host.ip.set_mtu(1, 1400)); }));
  EXPECT_EQ(host.ip.at(*to("10.0.0.2")).mtu, 1400);
  EXPECT_FALSE(current_after([&] { EXPECT_TRUE(host.ip.remove_address(1, ip("10.3.0.1"))); }));
  EXPECT_FALSE(host.ip.is_current(DestinationRef()));
}

TEST_F(OutputTest, FollowsTheNeighboursAddress) {
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2", kPeerMac);
  const auto d = to("10.0.0.2");
  host.take_sent();
  host.send_to(*d, counting(20));
  EXPECT_EQ(host.take_sent().at(0).dst(), kPeerMac);
  host.resolve("10.0.0.2", kOtherMac);
  host.send_to(*d, counting(20));
  EXPECT_EQ(host.take_sent().at(0).dst(), kOtherMac);
}

TEST_F(OutputTest, BelievesALowerPathMtuForTenMinutes) {
  NARU_CHECKS("MTU-002", "MTU-003", "MTU-008", "MTU-018");
  add_gateway("10.0.0.254");
  const auto mtu = [&] { return host.ip.at(*to("8.8.8.8")).mtu; };
  EXPECT_EQ(mtu(), 1500);
  const auto other = to("8.8.8.8", "10.0.0.1");
  const DestinationRef ref = host.ip.ref(*to("8.8.8.8"));
  host.ip.confirm_path_mtu(ip("8.8.8.8"), 1400, host.now);
  EXPECT_FALSE(host.ip.is_current(ref));
  EXPECT_EQ(mtu(), 1400);
  EXPECT_EQ(host.ip.at(*other).mtu, 1400);
  EXPECT_EQ(host.ip.at(*to("8.8.4.4")).mtu, 1500);
  host.ip.confirm_path_mtu(ip("8.8.8.8"), 9000, host.now);
  EXPECT_EQ(mtu(), 1400);
  ASSERT_TRUE(host.ip.set_mtu(1, 1450));  // a new way keeps what is known of the path
  EXPECT_EQ(mtu(), 1400);
  host.advance(9min + 59s);
  EXPECT_EQ(mtu(), 1400);
  host.advance(2s);
  EXPECT_EQ(mtu(), 1450);
  for (const std::uint32_t tiny : {0U, 20U, 68U, 296U}) {
    host.ip.confirm_path_mtu(ip("8.8.8.8"), tiny, host.now);
    EXPECT_EQ(mtu(), 552);
  }
}

TEST_F(OutputTest, RefusesWhatIsTooLongAndMayNotBeCut) {
  NARU_CHECKS("MTU-017");
  host.resolve("10.0.0.2");
  const Verdict verdict = host.send("10.0.0.2", counting(1481), {.dont_fragment = true});
  EXPECT_EQ(verdict.action, Action::too_big);
  EXPECT_EQ(verdict.mtu, 1500U);
  EXPECT_EQ(host.send("10.0.0.2", counting(1480), {.dont_fragment = true}).action, Action::send);
  TxFrame frame;
  const Buffer data = counting(20'000);
  frame.header_length = 34 + 20;
  frame.spans[0] = data;
  frame.span_count = 1;
  frame.payload_length = 20'000;
  frame.gso_size = 1461;
  const SendParams params{.protocol = Protocol::tcp, .dont_fragment = true};
  EXPECT_EQ(host.ip.output(frame, *to("10.0.0.2"), params, host.now).action, Action::too_big);
  frame.gso_size = 1460;
  EXPECT_EQ(host.ip.output(frame, *to("10.0.0.2"), params, host.now).action, Action::send);
  EXPECT_EQ(host.count(Drop::no_buffer), 0U);
}

TEST_F(OutputTest, RepeatsNoIdentificationAndKeepsThemSecret) {
  NARU_CHECKS("IP4-030");
  host.resolve("10.0.0.2");
  host.take_sent();
  std::set<std::uint16_t> seen;
  int steps_of_one = 0;
  std::uint16_t previous = 0;
  for (int i = 0; i < 65'536; ++i) {
    host.send("10.0.0.2", counting(8));
    const std::uint16_t id = host.take_sent().at(0).ipv4()->id();
    seen.insert(id);
    if (id == static_cast<std::uint16_t>(previous + 1)) ++steps_of_one;
    previous = id;
  }
  EXPECT_EQ(seen.size(), 65'536U);
  EXPECT_LT(steps_of_one, 10);
}

TEST_F(OutputTest, BoundsTheDestinationsAndKeepsThoseInUse) {
  NARU_CHECKS("MTU-009");
  Host small({.options = {{Option::max_destinations, 64}}});
  ASSERT_TRUE(small.ip.add_route(
      {.prefix = prefix("0.0.0.0/0"), .gateway = ip("10.0.0.254"), .source = {}, .interface = 1}));
  small.resolve("10.0.0.254");
  const auto kept = small.ip.destination(ip("10.0.0.254"), IpAddr(), small.now);
  const DestinationRef ref = small.ip.ref(*kept);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(small.ip.destination(IpAddr::v4(0x08000000 + i), IpAddr(), small.now));
    if (i % 16 == 0) small.send_to(*kept, counting(20));
    small.sent.clear();
  }
  EXPECT_TRUE(small.ip.is_current(ref));
}

TEST_F(OutputTest, LoopsACopyOfItsBroadcastsBack) {
  NARU_CHECKS("UDP-017");
  EXPECT_TRUE(host.send("10.0.0.255", counting(20)).loop_copy);
  EXPECT_TRUE(host.send("255.255.255.255", counting(20)).loop_copy);
  EXPECT_FALSE(host.send("239.1.1.1", counting(20)).loop_copy);
  ASSERT_TRUE(host.ip.join(1, ip("239.1.1.1"), host.now));
  EXPECT_TRUE(host.send("239.1.1.1", counting(20)).loop_copy);
}

TEST_F(OutputTest, BroadcastsWithoutAnAddressToAskForOne) {
  Host bare({.with_interface = false});
  ASSERT_EQ(bare.ip.add_interface("eth0", kOurMac, 1500, bare.now), 1);
  EXPECT_EQ(bare.send("255.255.255.255", counting(20)).action, Action::send);
  EXPECT_EQ(bare.take_sent().at(0).ipv4()->src(), ip("0.0.0.0"));
}

TEST_F(OutputTest, KeepsToTheInterfaceAskedFor) {
  ASSERT_EQ(host.ip.add_interface("eth1", kOtherMac, 1500, host.now), 2);
  ASSERT_TRUE(host.ip.add_address(2, prefix("10.2.0.1/24"), host.now));
  EXPECT_EQ(host.ip.at(*to("10.2.0.9")).interface, 2);
  EXPECT_EQ(to("10.2.0.9", "0.0.0.0", 1).error(), Error::network_unreachable);
  EXPECT_EQ(host.ip.at(*to("239.1.1.1", "0.0.0.0", 2)).interface, 2);
  EXPECT_EQ(host.ip.at(*to("10.2.0.255")).interface, 2);
  EXPECT_TRUE(host.ip.at(*to("10.2.0.255")).is_broadcast);
}

}  // namespace
}  // namespace naru::ip::test
