// What a router passes on, and what it says of packets that it does not.
#include <map>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "router.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4_options.hpp"
#include "wire/tcp.hpp"

namespace naru::ip::test {
namespace {

constexpr MacAddr kServerMac = mac(0x22);

class ForwardTest : public TwoNetworks {
 protected:
  ForwardTest() {
    host.resolve("10.2.0.5", kServerMac, 2);
    host.take_sent();
  }

  static wire::Ipv4 header(std::string_view from = "10.1.0.5", std::string_view to = "10.2.0.5") {
    return {.src = ip(from), .dst = ip(to), .protocol = Protocol::udp};
  }
  Input receive(const wire::Ipv4& h, const Buffer& payload = counting(30),
                const Buffer& options = {}) {
    return host.receive(ethernet(kInMac, kPeerMac, wire::kEtherTypeIpv4, ipv4(h, payload, options)),
                        1);
  }
  // The one ICMP error that was sent, to the client.
  void expect_error(wire::Icmpv4Type type, std::uint8_t code, std::uint16_t mtu = 0) {
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    ASSERT_TRUE(sent[0].icmp());
    EXPECT_EQ(sent[0].interface, 1);
    EXPECT_EQ(sent[0].ipv4()->src(), ip("10.1.0.1"));
    EXPECT_EQ(sent[0].ipv4()->dst(), ip("10.1.0.5"));
    EXPECT_EQ(sent[0].icmp()->type(), type);
    EXPECT_EQ(sent[0].icmp()->code(), code);
    EXPECT_EQ(sent[0].icmp()->next_hop_mtu(), mtu);
    EXPECT_EQ(host.pool.in_use(), 0U);
  }
  void expect_silence() {
    EXPECT_TRUE(host.take_sent().empty());
    EXPECT_EQ(host.pool.in_use(), 0U);
  }
};

TEST_F(ForwardTest, PassesAPacketOnWithOneHopLess) {
  NARU_CHECKS("IP4-034", "IP4-046", "IP4-005");
  for (const int ttl : {2, 3, 64, 255}) {
    wire::Ipv4 h = header();
    h.ttl = static_cast<std::uint8_t>(ttl);
    h.tos = 0xba;
    h.id = static_cast<std::uint16_t>(ttl * 257);
    receive(h);
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].interface, 2);
    EXPECT_EQ(sent[0].src(), kOutMac);
    EXPECT_EQ(sent[0].dst(), kServerMac);
    const auto packet = sent[0].ipv4();
    EXPECT_TRUE(packet->header_checksum_ok());
    EXPECT_EQ(packet->ttl(), ttl - 1);
    EXPECT_EQ(packet->tos(), 0xba);
    EXPECT_EQ(packet->id(), h.id);
    EXPECT_EQ(Buffer(packet->payload().begin(), packet->payload().end()), counting(30));
  }
  EXPECT_EQ(host.counters.get(Counter::ip_forwarded), 4U);
}

TEST_F(ForwardTest, KeepsTheChecksumRightForEveryValue) {
  NARU_CHECKS("IP4-005");
  for (std::uint32_t id = 0; id < 65'536; ++id) {
    wire::Ipv4 h = header();
    h.id = static_cast<std::uint16_t>(id);
    receive(h, {});
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    ASSERT_TRUE(sent[0].ipv4()->header_checksum_ok()) << id;
  }
}

TEST_F(ForwardTest, DropsAPacketAtItsLastHop) {
  NARU_CHECKS("IP4-034");
  wire::Ipv4 h = header();
  h.ttl = 1;
  EXPECT_EQ(receive(h).reason, Drop::ip_ttl_expired);
  expect_error(wire::Icmpv4Type::time_exceeded, 0);
}

TEST_F(ForwardTest, DeliversToItselfWhateverTheTtl) {
  NARU_CHECKS("IP4-012");
  wire::Ipv4 h = header("10.1.0.5", "10.2.0.1");
  h.ttl = 1;
  EXPECT_EQ(receive(h).action, Input::Action::deliver);
}

TEST_F(ForwardTest, ForwardsNothingMalformed) {
  NARU_CHECKS("IP4-035");
  const Buffer good = ipv4(header(), counting(30));
  for (const std::size_t byte : {0U, 2U, 3U, 10U, 16U}) {
    Buffer bad = good;
    bad[byte] ^= 0x03;
    host.receive(ethernet(kInMac, kPeerMac, wire::kEtherTypeIpv4, bad), 1);
  }
  expect_silence();
}

TEST_F(ForwardTest, KeepsMartiansIn) {
  NARU_CHECKS("IP4-036", "IP4-037", "IP4-015");
  ASSERT_TRUE(host.ip.add_route(
      {.prefix = prefix("0.0.0.0/0"), .gateway = ip("10.2.0.5"), .source = {}, .interface = 2}));
  for (const char* to : {"0.1.2.3", "127.0.0.1", "240.0.0.1", "255.255.255.255", "224.0.0.251",
                         "169.254.3.3", "10.2.0.255"}) {
    const Input in = receive(header("10.1.0.5", to));
    EXPECT_NE(in.action, Input::Action::consumed) << to;
    if (in.packet != nullptr) host.pool.give_back(in.packet);
  }
  for (const char* from : {"0.1.2.3", "127.0.0.1", "240.0.0.1", "224.0.0.9", "169.254.3.3",
                           "255.255.255.255", "10.1.0.255"}) {
    EXPECT_EQ(receive(header(from)).action, Input::Action::dropped) << from;
  }
  EXPECT_EQ(receive(header(), counting(20), {131, 7, 4, 10, 2, 0, 9}).reason,
            Drop::ip_source_route);
  expect_silence();
}

// RFC 5227 2.1: a neighbour is asked for it by who probes, and by nobody else.
TEST_F(ForwardTest, DoesNotLookForAnAddressThatItProbes) {
  ASSERT_TRUE(host.options.set(Option::arp_probe_count, 1));
  ASSERT_TRUE(host.ip.add_address(2, prefix("10.2.0.77/24"), host.now));
  EXPECT_EQ(receive(header("10.1.0.5", "10.2.0.77")).reason, Drop::ip_not_for_us);
  expect_silence();
}

TEST_F(ForwardTest, KeepsBroadcastFramesIn) {
  NARU_CHECKS("IP4-038");
  EXPECT_EQ(host.receive(ethernet(MacAddr::broadcast(), kPeerMac, wire::kEtherTypeIpv4,
                                  ipv4(header(), counting(30))),
                         1)
                .reason,
            Drop::ip_link_broadcast);
  expect_silence();
}

TEST_F(ForwardTest, ChecksTheReversePath) {
  NARU_CHECKS("IP4-039");
  ASSERT_TRUE(host.options.set(Option::ip_reverse_path_filter, 1));
  EXPECT_EQ(receive(header("10.2.0.77")).reason, Drop::ip_reverse_path);
  EXPECT_EQ(receive(header()).action, Input::Action::consumed);
  ASSERT_TRUE(host.options.set(Option::ip_reverse_path_filter, 2));
  EXPECT_EQ(receive(header("10.2.0.77")).action, Input::Action::consumed);
  EXPECT_EQ(receive(header("8.8.8.8")).reason, Drop::ip_reverse_path);
}

TEST_F(ForwardTest, SaysThatThereIsNoWay) {
  NARU_CHECKS("IP4-041");
  EXPECT_EQ(receive(header("10.1.0.5", "8.8.8.8")).reason, Drop::ip_no_route);
  expect_error(wire::Icmpv4Type::unreachable, 0);
}

TEST_F(ForwardTest, SaysThatTheNextHopDoesNotAnswer) {
  NARU_CHECKS("IP4-041");
  receive(header("10.1.0.5", "10.2.0.99"));
  host.take_sent();
  host.advance(2'900ms);
  host.take_sent();
  host.advance(200ms);
  expect_error(wire::Icmpv4Type::unreachable, 1);
  EXPECT_FALSE(host.error());  // it was not ours
}

TEST_F(ForwardTest, SendsWhatWaitedForTheNextHop) {
  receive(header("10.1.0.5", "10.2.0.99"));
  host.take_sent();
  host.resolve("10.2.0.99", kOtherMac, 2);
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].interface, 2);
  EXPECT_EQ(sent[0].dst(), kOtherMac);
}

TEST_F(ForwardTest, TellsTheNextMtuWhenItMayNotCut) {
  NARU_CHECKS("IP4-044");
  ASSERT_TRUE(host.ip.set_mtu(2, 1280));
  wire::Ipv4 h = header();
  h.dont_fragment = true;
  EXPECT_EQ(receive(h, counting(1480)).reason, Drop::ip_needs_fragmentation);
  expect_error(wire::Icmpv4Type::unreachable, 4, 1280);
  EXPECT_EQ(receive(h, counting(1260)).action, Input::Action::consumed);
  EXPECT_EQ(host.take_sent().at(0).bytes.size(), 14U + 1280U);
}

// Puts fragments together by offset, knowing nothing of how they were made.
struct Whole {
  std::map<std::size_t, Buffer> pieces;
  std::size_t end = 0;

  void add(const wire::Ipv4View& piece) {
    EXPECT_TRUE(piece.header_checksum_ok());
    const Bytes data = piece.payload();
    EXPECT_TRUE(!piece.more_fragments() || data.size() % 8 == 0);
    EXPECT_TRUE(pieces.emplace(piece.fragment_offset(), Buffer(data.begin(), data.end())).second);
    if (!piece.more_fragments()) end = piece.fragment_offset() + data.size();
  }
  Buffer bytes(std::size_t from = 0) const {
    Buffer all;
    for (const auto& [offset, data] : pieces) {
      EXPECT_EQ(offset, from + all.size());
      all.insert(all.end(), data.begin(), data.end());
    }
    return all;
  }
};

TEST_F(ForwardTest, CutsWhatItMay) {
  NARU_CHECKS("IP4-045", "FR4-017");
  ASSERT_TRUE(host.ip.set_mtu(2, 576));
  const Buffer data = counting(1440);
  // Router alert is copied to every fragment, record route is not.
  const Buffer options{148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0};
  receive(header(), data, options);
  Whole whole;
  bool first = true;
  for (const Sent& s : host.take_sent()) {
    const auto piece = s.ipv4();
    ASSERT_TRUE(piece);
    EXPECT_LE(piece->total_length(), 576);
    const auto summary = wire::Ipv4OptionSummary::of(piece->options());
    EXPECT_TRUE(summary.router_alert);
    EXPECT_EQ(summary.record_route, first);
    EXPECT_FALSE(summary.malformed);
    first = false;
    whole.add(*piece);
  }
  EXPECT_EQ(whole.end, data.size());
  EXPECT_EQ(whole.bytes(), data);
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(ForwardTest, CutsFragmentsFurther) {
  NARU_CHECKS("IP4-045");
  ASSERT_TRUE(host.ip.set_mtu(2, 100));
  for (const bool more : {true, false}) {
    wire::Ipv4 h = header();
    h.fragment_offset = 800;
    h.more_fragments = more;
    const Buffer data = counting(400);
    receive(h, data);
    Whole whole;
    for (const Sent& s : host.take_sent()) whole.add(*s.ipv4());
    EXPECT_EQ(whole.bytes(800), data);
    EXPECT_EQ(whole.end, more ? 0U : 1200U);
    EXPECT_EQ(whole.pieces.size(), 5U);
  }
}

TEST_F(ForwardTest, CutsItsOwnDatagrams) {
  NARU_CHECKS("FR4-015");
  for (const std::size_t size : {1'473U, 5'000U, 65'507U}) {
    const Buffer unit = udp(ip("10.1.0.1"), ip("10.1.0.5"), 1, 2, counting(size));
    const Verdict verdict = host.send("10.1.0.5", unit, {.fragment_here = true});
    EXPECT_EQ(verdict.action, Verdict::Action::queued);
    Whole whole;
    for (const Sent& s : host.take_sent()) {
      EXPECT_LE(s.ipv4()->total_length(), 1500);
      whole.add(*s.ipv4());
    }
    EXPECT_EQ(whole.bytes(), unit);
    EXPECT_EQ(host.pool.in_use(), 0U);
  }
}

TEST_F(ForwardTest, CutsADatagramThatWaitedForItsNeighbour) {
  NARU_CHECKS("FR4-015", "ARP-010");
  const Buffer unit = counting(65'515);
  EXPECT_EQ(host.send("10.1.0.99", unit).action, Verdict::Action::held);
  host.take_sent();
  host.resolve("10.1.0.99", kOtherMac);
  Whole whole;
  for (const Sent& s : host.take_sent()) {
    EXPECT_EQ(s.dst(), kOtherMac);
    whole.add(*s.ipv4());
  }
  EXPECT_EQ(whole.bytes(), unit);
}

TEST_F(ForwardTest, PassesMergedSegmentsOnToBeCutAgain) {
  NARU_CHECKS("IP4-034");
  Buffer segment(20);
  wire::Tcp{.src_port = 1, .dst_port = 2, .flags = wire::kAck}.emit(segment.data(), 0);
  wire::Ipv4 h = header();
  h.protocol = Protocol::tcp;
  h.dont_fragment = true;
  const Buffer frame =
      ethernet(kInMac, kPeerMac, wire::kEtherTypeIpv4, ipv4(h, segment + counting(14'600)));
  const auto forward = [&](std::uint16_t gso_size) {
    Packet* p = host.pool.take(static_cast<std::uint32_t>(frame.size()));
    std::copy(frame.begin(), frame.end(), p->data);
    p->length = static_cast<std::uint32_t>(frame.size());
    p->interface = 1;
    p->gso_size = gso_size;
    p->checksum = ChecksumState::good;
    return host.ip.input(p, host.now);
  };
  EXPECT_EQ(forward(1460).action, Input::Action::consumed);
  Packet* out = host.ip.pop_output();
  ASSERT_NE(out, nullptr);
  TxFrame described;
  Ip::describe(*out, described);
  EXPECT_EQ(described.gso_size, 1460);
  EXPECT_TRUE(described.needs_checksum);
  EXPECT_EQ(described.header_length, 54);
  EXPECT_EQ(described.transport_offset, 34);
  EXPECT_EQ(described.payload_length, 14'600U);
  EXPECT_EQ(wire::fold(described.pseudo_sum),
            wire::fold(wire::pseudo_header_sum(ip("10.1.0.5"), ip("10.2.0.5"), Protocol::tcp, 0)));
  host.pool.give_back(out);
  EXPECT_EQ(forward(1461).reason, Drop::ip_needs_fragmentation);
}

TEST_F(ForwardTest, EndsALoopByTheTimeToLive) {
  NARU_CHECKS("IP4-049");
  ASSERT_TRUE(host.ip.add_route({.prefix = prefix("10.9.0.0/16"),
                                 .gateway = ip("10.1.0.5"),  // where it came from
                                 .source = {},
                                 .interface = 1}));
  wire::Ipv4 h = header("10.1.0.5", "10.9.0.1");
  h.ttl = 255;
  receive(h);
  int hops = 0;
  for (auto sent = host.take_sent(); !sent.empty() && !sent[0].icmp(); sent = host.take_sent()) {
    ASSERT_EQ(sent.size(), 1U);
    ++hops;
    Buffer back = sent[0].bytes;
    wire::store_mac(back.data(), kInMac);
    host.receive(back, 1);
  }
  EXPECT_EQ(hops, 254);
}

TEST_F(ForwardTest, LimitsWhatItSaysAboutAFlood) {
  NARU_CHECKS("IP4-041", "IP4-020");
  for (int i = 0; i < 1000; ++i) receive(header("10.1.0.5", "8.8.8.8"));
  EXPECT_LE(host.take_sent().size(), 50U);
}

TEST(HostTest, ForwardsNothing) {
  NARU_CHECKS("IP4-010");
  Host host;
  host.receive_ip(ipv4({.src = ip("10.0.0.2"), .dst = ip("10.0.0.3"), .protocol = Protocol::udp},
                       counting(20)));
  EXPECT_TRUE(host.take_sent().empty());
  EXPECT_EQ(host.count(Drop::ip_not_for_us), 1U);
}

}  // namespace
}  // namespace naru::ip::test
