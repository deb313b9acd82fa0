// ICMPv6: echo, and errors in both directions (RFC 4443).
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host6.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6;
using wire::Icmpv6Problem;
using wire::Icmpv6Type;
using wire::Icmpv6Unreachable;

class Icmp6Test : public ::testing::Test {
 protected:
  Icmp6Test() { host.know_peer(); }

  Input ping(const IpAddr& to, const Buffer& data, const IpAddr& from = kPeer6) {
    const bool is_group = to.is_multicast();
    return host.receive6(icmpv6(header6(Protocol::icmpv6, from, to), echo6(7, 9, data)),
                         is_group ? wire::group_mac_v6(to) : kOurMac);
  }
  // Of a datagram that we sent from port 5000 to port 53 of the peer.
  Buffer our_datagram(std::size_t size = 30) {
    return ipv6(header6(Protocol::udp, kOur6, kPeer6),
                udp(kOur6, kPeer6, 5000, 53, counting(size)));
  }
  Buffer error(const Icmpv6& header, const Buffer& quote) {
    Buffer message(Icmpv6::kHeaderSize);
    header.emit(message.data());
    return icmpv6(header6(Protocol::icmpv6, ip("2001:db8::99")), message + quote);
  }
  std::optional<ErrorReport> report(const Icmpv6& header) {
    host.receive6(error(header, our_datagram()));
    return host.error();
  }

  Host6 host;
};

// --- echo ------------------------------------------------------------------------------------

TEST_F(Icmp6Test, EchoesTheSameBytesFromTheAddressAsked) {
  NARU_CHECKS("IC6-007");
  for (const std::size_t size : {0U, 1U, 56U, 1'452U}) {
    ping(kOur6, counting(size));
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    const auto icmp = icmpv6_of(sent[0]);
    ASSERT_TRUE(icmp);
    EXPECT_EQ(icmp->type(), Icmpv6Type::echo_reply);
    EXPECT_EQ(icmp->id(), 7);
    EXPECT_EQ(icmp->seq(), 9);
    EXPECT_EQ(Buffer(icmp->payload().begin(), icmp->payload().end()), counting(size));
    EXPECT_EQ(ipv6_of(sent[0])->src(), kOur6);
    EXPECT_EQ(ipv6_of(sent[0])->dst(), kPeer6);
  }
}

TEST_F(Icmp6Test, AnEchoToAllNodesIsAnsweredFromAnAddressOfOurs) {
  NARU_CHECKS("IC6-007");
  ping(wire::kAllNodes, counting(56));
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(icmpv6_of(sent[0]));
  EXPECT_EQ(ipv6_of(sent[0])->src(), kOur6);
}

TEST_F(Icmp6Test, IsSilentWhereEchoIsOff) {
  ASSERT_TRUE(host.options.set(Option::icmp_echo, 0));
  EXPECT_EQ(ping(kOur6, counting(8)).reason, Drop::icmp_ignored);
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(Icmp6Test, AWrongChecksumIsNotAnswered) {
  NARU_CHECKS("IC6-001");
  Buffer bad = icmpv6(header6(Protocol::icmpv6), echo6(7, 9, counting(8)));
  bad.back() ^= 1U;
  EXPECT_EQ(host.receive6(bad).reason, Drop::icmp_bad_checksum);
  EXPECT_TRUE(host.take_sent().empty());
}

// --- errors in -------------------------------------------------------------------------------

TEST_F(Icmp6Test, TellsWhatBecameOfADatagram) {
  NARU_CHECKS("IC6-006");
  using Kind = ErrorReport::Kind;
  const std::pair<Icmpv6, Kind> rows[] = {
      {Icmpv6::unreachable(Icmpv6Unreachable::no_route), Kind::network_unreachable},
      {Icmpv6::unreachable(Icmpv6Unreachable::prohibited), Kind::prohibited},
      {Icmpv6::unreachable(Icmpv6Unreachable::beyond_scope), Kind::network_unreachable},
      {Icmpv6::unreachable(Icmpv6Unreachable::address), Kind::host_unreachable},
      {Icmpv6::unreachable(Icmpv6Unreachable::port), Kind::port_unreachable},
      {Icmpv6::unreachable(Icmpv6Unreachable::source_policy), Kind::prohibited},
      {Icmpv6::unreachable(Icmpv6Unreachable::rejected), Kind::prohibited},
      {Icmpv6::time_exceeded(0), Kind::time_exceeded},
      {Icmpv6::parameter_problem(Icmpv6Problem::header_field, 4), Kind::parameter_problem},
      {Icmpv6::parameter_problem(Icmpv6Problem::next_header, 6), Kind::protocol_unreachable},
      {Icmpv6::too_big(1300), Kind::fragmentation_needed},
  };
  for (const auto& [header, kind] : rows) {
    const auto told = report(header);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->kind, kind);
    EXPECT_EQ(told->local, (Endpoint{kOur6, 5000}));
    EXPECT_EQ(told->remote, (Endpoint{kPeer6, 53}));
    EXPECT_EQ(told->offender, ip("2001:db8::99"));
    EXPECT_FALSE(told->is_local);
  }
}

TEST_F(Icmp6Test, NoPathIsSmallerThan1280) {
  NARU_CHECKS("IP6-023", "MTU-005");
  EXPECT_EQ(report(Icmpv6::too_big(1280))->mtu, 1280U);
  for (const std::uint32_t mtu : {0U, 68U, 1'000U, 1'279U}) {
    EXPECT_FALSE(report(Icmpv6::too_big(mtu))) << mtu;
  }
}

TEST_F(Icmp6Test, ErrorsThatQuoteNothingOfOursAreIgnored) {
  NARU_CHECKS("IC6-002");
  const Icmpv6 header = Icmpv6::unreachable(Icmpv6Unreachable::port);
  const Buffer ours = our_datagram();
  for (std::size_t n = 0; n < 48; ++n) {
    const Buffer quote(ours.begin(), ours.begin() + static_cast<long>(n));
    EXPECT_EQ(host.receive6(error(header, quote)).reason, Drop::icmp_malformed) << n;
  }
  Buffer of_another = ours;
  of_another[23] = 9;  // its source
  EXPECT_EQ(host.receive6(error(header, of_another)).reason, Drop::icmp_no_match);
  EXPECT_FALSE(host.error());
  const Icmpv6 unknown_error{static_cast<Icmpv6Type>(100), 0, 0};
  EXPECT_TRUE(report(unknown_error)) << "the upper layer hears of unknown errors";
  const Icmpv6 unknown_message{static_cast<Icmpv6Type>(200), 0, 0};
  EXPECT_FALSE(report(unknown_message));
}

// --- errors out ------------------------------------------------------------------------------

TEST_F(Icmp6Test, QuotesAsMuchAsFitsInto1280Bytes) {
  NARU_CHECKS("IC6-003");
  host.receive6(ipv6(header6(static_cast<Protocol>(253)), counting(1460)));
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(ipv6_of(sent[0])->total_length(), 1280U);
  EXPECT_TRUE(icmpv6_of(sent[0]));
}

TEST_F(Icmp6Test, NeverComplainsAboutErrorsGroupsOrNobody) {
  NARU_CHECKS("IC6-004");
  const auto complain = [&](const Buffer& packet, bool to_group = false) {
    Packet* p = host.pool.take(static_cast<std::uint32_t>(packet.size()));
    std::copy(packet.begin(), packet.end(), p->data);
    p->length = static_cast<std::uint32_t>(packet.size());
    p->interface = 1;
    p->network_offset = static_cast<std::uint16_t>(p->headroom());
    p->source = wire::Ipv6View::parse(packet)->src();
    p->destination = wire::Ipv6View::parse(packet)->dst();
    p->link_broadcast = to_group;
    host.ip.send_error(IcmpError::port_unreachable, *p, host.now);
    host.pool.give_back(p);
    host.collect();
    return host.take_sent().size();
  };
  const Buffer ordinary = ipv6(header6(), counting(20));
  EXPECT_EQ(complain(ordinary), 1U);
  EXPECT_EQ(complain(ordinary, true), 0U);
  EXPECT_EQ(complain(error(Icmpv6::time_exceeded(0), our_datagram())), 0U);
  EXPECT_EQ(complain(error({Icmpv6Type::redirect, 0, 0}, our_datagram())), 0U);
  EXPECT_EQ(complain(ipv6(header6(Protocol::udp, kPeer6, wire::kAllNodes), counting(20))), 0U);
  EXPECT_EQ(complain(ipv6(header6(Protocol::udp, IpAddr::any_v6()), counting(20))), 0U);
  EXPECT_EQ(complain(ipv6(header6(Protocol::udp, wire::kAllNodes), counting(20))), 0U);
}

TEST_F(Icmp6Test, ErrorsAreLimited) {
  NARU_CHECKS("IC6-005");
  for (int i = 0; i < 1'000; ++i) {
    host.receive6(ipv6(header6(static_cast<Protocol>(253)), counting(20)));
  }
  const auto burst = host.take_sent().size();
  EXPECT_GE(burst, 1U);
  EXPECT_LE(burst, 50U);
  EXPECT_EQ(host.count(Drop::icmp_rate_limited), 1'000 - burst);
  host.advance(2s);
  host.take_sent();
  host.receive6(ipv6(header6(static_cast<Protocol>(253)), counting(20)));
  EXPECT_EQ(host.take_sent().size(), 1U);
}

}  // namespace
}  // namespace naru::ip::test
