// ICMP: echo, errors that we send, errors that we get.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv4;
using wire::Icmpv4Type;
using wire::Icmpv4Unreachable;

class IcmpTest : public ::testing::Test {
 protected:
  IcmpTest() {
    host.advance(5s);  // past the announcements of our address
    host.resolve("10.0.0.2");
    host.take_sent();
  }

  static Buffer from_peer(const Buffer& message, std::string_view to = "10.0.0.1") {
    return ipv4({.src = ip("10.0.0.2"), .dst = ip(to), .protocol = Protocol::icmp}, message);
  }
  Input receive(const Buffer& message, std::string_view to = "10.0.0.1") {
    return host.receive_ip(from_peer(message, to));
  }
  // A received datagram that nobody wants, complained about as the stack would.
  void complain(const Buffer& packet, const MacAddr& dst = kOurMac,
                IcmpError error = IcmpError::port_unreachable) {
    const Buffer frame = ethernet(dst, kPeerMac, wire::kEtherTypeIpv4, packet);
    Packet* p = host.pool.take(static_cast<std::uint32_t>(frame.size()));
    std::copy(frame.begin(), frame.end(), p->data);
    p->length = static_cast<std::uint32_t>(frame.size());
    p->interface = 1;
    const Input in = host.ip.input(p, host.now);
    if (in.action != Input::Action::deliver) return;
    host.ip.send_error(error, *in.packet, host.now);
    host.pool.give_back(in.packet);
    host.collect();
  }
  static Buffer datagram(std::string_view from = "10.0.0.2", std::string_view to = "10.0.0.1",
                         std::size_t size = 20) {
    return ipv4({.src = ip(from), .dst = ip(to), .protocol = Protocol::udp},
                udp(ip(from), ip(to), 1000, 2000, counting(size)));
  }
  // What somebody says about a TCP segment of ours.
  static Buffer about_segment(const Icmpv4& header, std::string_view from = "10.0.0.1",
                              std::string_view to = "8.8.8.8") {
    Buffer tcp(8);
    store_be16(tcp.data(), 40'000);
    store_be16(tcp.data() + 2, 80);
    store_be32(tcp.data() + 4, 0xdeadbeef);
    wire::Ipv4 quoted{.src = ip(from), .dst = ip(to), .protocol = Protocol::tcp};
    quoted.total_length = 1500;
    return icmp(header, ipv4(quoted, tcp));
  }

  Host host;
};

TEST_F(IcmpTest, AnswersEchoWithTheSameData) {
  NARU_CHECKS("IP4-017");
  for (const std::size_t size : {0U, 1U, 56U, 1472U}) {
    const Buffer data = counting(size);
    receive(echo_request(77, 3, data));
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].dst(), kPeerMac);
    const auto packet = sent[0].ipv4();
    EXPECT_TRUE(packet->header_checksum_ok());
    EXPECT_EQ(packet->src(), ip("10.0.0.1"));
    EXPECT_EQ(packet->dst(), ip("10.0.0.2"));
    EXPECT_EQ(packet->ttl(), 64);
    const auto reply = sent[0].icmp();
    EXPECT_EQ(reply->type(), Icmpv4Type::echo_reply);
    EXPECT_TRUE(reply->checksum_ok());
    EXPECT_EQ(reply->id(), 77);
    EXPECT_EQ(reply->seq(), 3);
    EXPECT_EQ(Buffer(reply->payload().begin(), reply->payload().end()), data);
  }
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(IcmpTest, AnswersTheLongestEchoInFragments) {
  NARU_CHECKS("IP4-017", "FR4-015");
  const Buffer request = echo_request(1, 2, counting(65'507));
  for (std::size_t at = 0; at < request.size(); at += 1480) {
    const std::size_t size = std::min<std::size_t>(1480, request.size() - at);
    wire::Ipv4 h{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::icmp};
    h.fragment_offset = static_cast<std::uint16_t>(at);
    h.more_fragments = at + size < request.size();
    const auto begin = request.begin() + static_cast<long>(at);
    host.receive_ip(ipv4(h, Buffer(begin, begin + static_cast<long>(size))));
  }
  Buffer reply;
  for (const Sent& s : host.take_sent()) {
    const auto piece = s.ipv4();
    ASSERT_TRUE(piece && piece->header_checksum_ok());
    EXPECT_LE(piece->total_length(), 1500);
    EXPECT_EQ(piece->fragment_offset(), reply.size() % 65'536);
    reply.insert(reply.end(), piece->payload().begin(), piece->payload().end());
  }
  ASSERT_EQ(reply.size(), request.size());
  EXPECT_EQ(reply[0], 0);
  EXPECT_TRUE(wire::Icmpv4View::parse(reply)->checksum_ok());
  EXPECT_TRUE(std::equal(reply.begin() + 4, reply.end(), request.begin() + 4));
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(IcmpTest, AnswersOnlyWhereItIsToldTo) {
  NARU_CHECKS("IP4-023");
  const auto to_group = [&](const char* to) {
    host.receive_ip(from_peer(echo_request(1, 1, {}), to), 1, MacAddr::broadcast());
    return host.take_sent().size();
  };
  for (const char* to : {"10.0.0.255", "255.255.255.255", "224.0.0.1"}) EXPECT_EQ(to_group(to), 0U);
  ASSERT_TRUE(host.options.set(Option::icmp_echo_broadcast, 1));
  EXPECT_EQ(to_group("10.0.0.255"), 1U);
  ASSERT_TRUE(host.options.set(Option::icmp_echo, 0));
  receive(echo_request(1, 1, {}));
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(IcmpTest, EchoesToItself) {
  const Buffer message = echo_request(9, 9, counting(10));
  Packet* p = host.pool.take(100);
  const Buffer packet =
      ipv4({.src = ip("10.0.0.1"), .dst = ip("127.0.0.1"), .protocol = Protocol::icmp}, message);
  std::copy(packet.begin(), packet.end(), p->data);
  p->length = static_cast<std::uint32_t>(packet.size());
  EXPECT_EQ(host.ip.input_loopback(p, host.now).action, Input::Action::consumed);
  Packet* reply = host.ip.pop_output();
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->interface, kLoopback);
  EXPECT_EQ(wire::Ipv4View::parse(reply->bytes())->dst(), ip("10.0.0.1"));
  host.pool.give_back(reply);
}

TEST_F(IcmpTest, DropsTruncatedAndDamagedMessages) {
  NARU_CHECKS("IP4-022");
  const Buffer whole = echo_request(1, 1, counting(16));
  for (long length = 0; length < 8; ++length) {
    EXPECT_EQ(receive(Buffer(whole.begin(), whole.begin() + length)).reason, Drop::icmp_malformed);
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Buffer bad = whole;
    bad[i] ^= 0x10;
    EXPECT_EQ(receive(bad).reason, Drop::icmp_bad_checksum);
  }
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(IcmpTest, IsSilentAboutOtherTypes) {
  NARU_CHECKS("IP4-021", "IP4-024", "IP4-025", "IP4-026");
  for (int type = 0; type < 256; ++type) {
    if (type == 8) continue;
    for (const std::uint8_t code : {0, 3, 77}) {
      receive(icmp({static_cast<Icmpv4Type>(type), code, 0}, counting(40)));
    }
  }
  EXPECT_TRUE(host.take_sent().empty());
  EXPECT_FALSE(host.error());
}

TEST_F(IcmpTest, ComplainsWithTheRightQuote) {
  NARU_CHECKS("IP4-019", "UDP-006");
  complain(datagram());
  complain(datagram("10.0.0.2", "10.0.0.1", 1400));
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const Buffer offending = datagram("10.0.0.2", "10.0.0.1", i == 0 ? 20 : 1400);
    const auto packet = sent[i].ipv4();
    EXPECT_EQ(packet->src(), ip("10.0.0.1"));
    EXPECT_EQ(packet->dst(), ip("10.0.0.2"));
    EXPECT_EQ(packet->tos(), 0);
    EXPECT_EQ(packet->ttl(), 64);
    EXPECT_LE(packet->total_length(), 576);
    const auto message = sent[i].icmp();
    EXPECT_EQ(message->type(), Icmpv4Type::unreachable);
    EXPECT_EQ(message->code(), 3);
    EXPECT_TRUE(message->checksum_ok());
    const Bytes quote = message->payload();
    EXPECT_EQ(quote.size(), std::min<std::size_t>(offending.size(), 548));
    EXPECT_TRUE(std::equal(quote.begin(), quote.end(), offending.begin()));
  }
}

TEST_F(IcmpTest, NeverComplainsWhereThatIsForbidden) {
  NARU_CHECKS("IP4-018", "UDP-006");
  // About a broadcast or multicast.
  complain(datagram("10.0.0.2", "10.0.0.255"), MacAddr::broadcast());
  complain(datagram("10.0.0.2", "255.255.255.255"), MacAddr::broadcast());
  complain(datagram("10.0.0.2", "224.0.0.1"), MacAddr::broadcast());
  EXPECT_TRUE(host.take_sent().empty());
  // About unicast in a broadcast frame, an ICMP error, a later fragment, no single source.
  const auto offend = [&](const Buffer& packet, bool link_broadcast = false) {
    Packet* p = host.pool.take(static_cast<std::uint32_t>(packet.size()));
    std::copy(packet.begin(), packet.end(), p->data);
    p->length = static_cast<std::uint32_t>(packet.size());
    p->interface = 1;
    p->link_broadcast = link_broadcast;
    p->network_offset = static_cast<std::uint16_t>(p->headroom());
    host.ip.send_error(IcmpError::protocol_unreachable, *p, host.now);
    host.pool.give_back(p);
    host.collect();
    return host.take_sent().size();
  };
  EXPECT_EQ(offend(datagram(), true), 0U);
  for (const int type : {3, 4, 5, 11, 12}) {
    EXPECT_EQ(offend(from_peer(icmp({static_cast<Icmpv4Type>(type), 0, 0}, counting(30)))), 0U);
  }
  EXPECT_EQ(offend(from_peer({11, 0})), 0U);  // too short to tell
  wire::Ipv4 later{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::udp};
  later.fragment_offset = 8;
  EXPECT_EQ(offend(ipv4(later, counting(20))), 0U);
  for (const char* from :
       {"0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255", "10.0.0.255", "240.0.0.1"}) {
    EXPECT_EQ(offend(datagram(from)), 0U) << from;
  }
  EXPECT_EQ(offend(datagram()), 1U);
  EXPECT_EQ(offend(from_peer(echo_request(1, 1, {}))), 1U);
}

TEST_F(IcmpTest, LimitsItsComplaints) {
  NARU_CHECKS("IP4-020");
  ASSERT_TRUE(host.options.set(Option::icmp_error_rate, 100));
  ASSERT_TRUE(host.options.set(Option::icmp_error_burst, 20));
  for (int i = 2; i < 250; ++i) host.resolve("10.0.0." + std::to_string(i));
  host.take_sent();
  std::size_t sent = 0;
  for (int i = 0; i < 1000; ++i) {
    complain(datagram("10.0.0." + std::to_string(2 + i % 200)));
    host.advance(1ms);
    for (const Sent& s : host.take_sent()) sent += s.icmp() ? 1 : 0;
  }
  EXPECT_LE(sent, 120U);
  EXPECT_GE(sent, 70U);
  EXPECT_EQ(host.count(Drop::icmp_rate_limited), 1000 - sent);
}

TEST_F(IcmpTest, DoesNotSilenceOneHostForTheFloodOfAnother) {
  NARU_CHECKS("IP4-020");
  host.resolve("10.0.0.3");
  host.take_sent();
  for (int i = 0; i < 1000; ++i) complain(datagram());
  EXPECT_LE(host.take_sent().size(), 50U / 8 + 1);
  complain(datagram("10.0.0.3"));
  EXPECT_EQ(host.take_sent().size(), 1U);
}

TEST_F(IcmpTest, KeepsItsBudgetUncountable) {
  NARU_CHECKS("IP4-020");
  // SAD DNS: how many errors a burst gets must not be the same every time.
  ASSERT_TRUE(host.options.set(Option::icmp_error_burst, 400));
  for (int i = 2; i < 250; ++i) host.resolve("10.0.0." + std::to_string(i));
  std::set<std::size_t> counts;
  for (int round = 0; round < 20; ++round) {
    host.advance(10s);
    for (int i = 2; i < 250; ++i) host.resolve("10.0.0." + std::to_string(i));
    host.take_sent();
    for (int i = 0; i < 1000; ++i) complain(datagram("10.0.0." + std::to_string(2 + i % 248)));
    counts.insert(host.take_sent().size());
  }
  EXPECT_GE(counts.size(), 5U);
}

TEST_F(IcmpTest, ReportsErrorsAboutOurPackets) {
  NARU_CHECKS("IP4-028", "IP4-021");
  using Kind = ErrorReport::Kind;
  const std::pair<int, Kind> cases[] = {
      {0, Kind::network_unreachable}, {1, Kind::host_unreachable}, {2, Kind::protocol_unreachable},
      {3, Kind::port_unreachable},    {5, Kind::host_unreachable}, {6, Kind::network_unreachable},
      {9, Kind::prohibited},          {13, Kind::prohibited},      {99, Kind::network_unreachable}};
  for (const auto& [code, kind] : cases) {
    receive(about_segment({Icmpv4Type::unreachable, static_cast<std::uint8_t>(code), 0}));
    const auto error = host.error();
    ASSERT_TRUE(error) << code;
    EXPECT_EQ(error->kind, kind) << code;
    EXPECT_EQ(error->code, code);
    EXPECT_FALSE(error->is_local);
    EXPECT_EQ(error->protocol, Protocol::tcp);
    EXPECT_EQ(error->local, (Endpoint{ip("10.0.0.1"), 40'000}));
    EXPECT_EQ(error->remote, (Endpoint{ip("8.8.8.8"), 80}));
    EXPECT_EQ(error->quoted_seq, 0xdeadbeefU);
  }
  receive(about_segment(Icmpv4::time_exceeded(0)));
  EXPECT_EQ(host.error()->kind, Kind::time_exceeded);
  receive(about_segment(Icmpv4::parameter_problem(5)));
  EXPECT_EQ(host.error()->kind, Kind::parameter_problem);
  EXPECT_FALSE(host.error());
}

TEST_F(IcmpTest, IgnoresErrorsAboutWhatWeCannotHaveSent) {
  NARU_CHECKS("IP4-028", "MTU-019");
  const Icmpv4 host_gone = Icmpv4::unreachable(Icmpv4Unreachable::host);
  receive(about_segment(host_gone, "10.0.0.9"));               // not from us
  receive(about_segment(host_gone, "10.0.0.1", "224.0.0.5"));  // to a group
  receive(about_segment(host_gone, "10.0.0.1", "10.0.0.255"));
  const Buffer whole = about_segment(host_gone);
  for (std::size_t length = 8; length < 8 + 28; ++length) {  // cut short in every way
    Buffer cut(whole.begin() + 8, whole.begin() + static_cast<long>(length));
    receive(icmp(host_gone, cut));
  }
  Buffer later(whole.begin() + 8, whole.end());
  later[7] = 1;  // a later fragment
  receive(icmp(host_gone, later));
  Buffer odd(whole.begin() + 8, whole.end());
  odd[0] = 0x4f;  // with more options than there are bytes
  receive(icmp(host_gone, odd));
  EXPECT_FALSE(host.error());
}

TEST_F(IcmpTest, BoundsTheReports) {
  for (int i = 0; i < 1000; ++i) receive(about_segment(Icmpv4::time_exceeded(0)));
  int reports = 0;
  while (host.error()) ++reports;
  EXPECT_EQ(reports, 64);
}

TEST_F(IcmpTest, ReportsPathMtuButLeavesItToTheTransport) {
  NARU_CHECKS("IP4-028", "MTU-004", "MTU-006");
  ASSERT_TRUE(host.ip.add_route(
      {.prefix = prefix("0.0.0.0/0"), .gateway = ip("10.0.0.2"), .source = {}, .interface = 1}));
  const auto d = host.ip.destination(ip("8.8.8.8"), IpAddr(), host.now);
  receive(about_segment(Icmpv4::unreachable(Icmpv4Unreachable::fragmentation_needed, 1400)));
  const auto error = host.error();
  EXPECT_EQ(error->kind, ErrorReport::Kind::fragmentation_needed);
  EXPECT_EQ(error->mtu, 1400U);
  EXPECT_EQ(host.ip.at(*d).mtu, 1500);
  receive(about_segment(Icmpv4::unreachable(Icmpv4Unreachable::fragmentation_needed, 0)));
  EXPECT_EQ(host.error()->mtu, 1492U);
}

TEST_F(IcmpTest, FollowsRedirectsOnlyWhenToldToAndOnlyFromTheGateway) {
  NARU_CHECKS("IP4-027");
  ASSERT_TRUE(host.ip.add_route(
      {.prefix = prefix("0.0.0.0/0"), .gateway = ip("10.0.0.2"), .source = {}, .interface = 1}));
  const auto hop = [&] {
    return host.ip.at(*host.ip.destination(ip("8.8.8.8"), IpAddr(), host.now)).next_hop;
  };
  const auto redirect = [&](const char* to, std::uint8_t code = 1) {
    return about_segment(Icmpv4::redirect(code, ip(to)));
  };
  EXPECT_EQ(hop(), ip("10.0.0.2"));
  receive(redirect("10.0.0.3"));
  EXPECT_EQ(hop(), ip("10.0.0.2"));  // the default is to ignore them
  ASSERT_TRUE(host.options.set(Option::ip_accept_redirects, 1));
  host.receive_ip(ipv4({.src = ip("10.0.0.66"), .dst = ip("10.0.0.1"), .protocol = Protocol::icmp},
                       redirect("10.0.0.3")));
  for (const char* bad : {"192.168.1.1", "10.0.0.1", "10.0.0.255", "0.0.0.0"}) {
    receive(redirect(bad));
  }
  receive(redirect("10.0.0.3", 2));
  receive(about_segment(Icmpv4::redirect(1, ip("10.0.0.3")), "10.0.0.9"));
  receive(about_segment(Icmpv4::redirect(1, ip("10.0.0.3")), "10.0.0.1", "10.0.0.1"));
  EXPECT_EQ(hop(), ip("10.0.0.2"));
  ASSERT_TRUE(host.options.set(Option::ip_forwarding, 1));
  receive(redirect("10.0.0.3"));
  EXPECT_EQ(hop(), ip("10.0.0.2"));
  ASSERT_TRUE(host.options.set(Option::ip_forwarding, 0));
  const DestinationRef ref = host.ip.ref(*host.ip.destination(ip("8.8.8.8"), IpAddr(), host.now));
  receive(redirect("10.0.0.3"));
  EXPECT_EQ(hop(), ip("10.0.0.3"));
  EXPECT_FALSE(host.ip.is_current(ref));
}

}  // namespace
}  // namespace naru::ip::test
