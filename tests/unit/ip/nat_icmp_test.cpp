// ICMP through the NAT (RFC 5508).
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "nat_net.hpp"

namespace naru::ip::test {
namespace {

class NatIcmpTest : public NatNet {
 protected:
  std::optional<Passed> send_icmp(std::string_view from, std::string_view to,
                                  const Buffer& message) {
    const Endpoint source = at(from, 0);
    inject(side_of(source), ipv4(header(source, at(to, 0), Protocol::icmp), message));
    return passed();
  }
  static Buffer echo(wire::Icmpv4Type type, std::uint16_t id, const Buffer& data = counting(24)) {
    return icmp(wire::Icmpv4::echo(type, id, 1), data);
  }
  static wire::Icmpv4View message_of(const Passed& p) {
    return *wire::Icmpv4View::parse(p.ip().payload());
  }
  // An error about a packet that was seen outside.
  static Buffer about(const wire::Icmpv4& error, const Buffer& packet, std::size_t quoted = 548) {
    return icmp(error, Buffer(packet.begin(),
                              packet.begin() + static_cast<long>(std::min(quoted, packet.size()))));
  }
  static Buffer port_unreachable(const Buffer& packet, std::size_t quoted = 548) {
    return about(wire::Icmpv4::unreachable(wire::Icmpv4Unreachable::port), packet, quoted);
  }
};

TEST_F(NatIcmpTest, PassesPingsOutAndBack) {
  NARU_CHECKS("NAT-021");
  const auto out = send_icmp("10.0.0.5", "198.51.100.7", echo(wire::Icmpv4Type::echo_request, 7));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->source.addr, ip("192.0.2.1"));
  const std::uint16_t id = message_of(*out).id();
  const auto other = send_icmp("10.0.0.6", "198.51.100.7", echo(wire::Icmpv4Type::echo_request, 7));
  ASSERT_TRUE(other);
  EXPECT_NE(message_of(*other).id(), id);
  const auto back = send_icmp("198.51.100.7", "192.0.2.1", echo(wire::Icmpv4Type::echo_reply, id));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->destination.addr, ip("10.0.0.5"));
  EXPECT_EQ(message_of(*back).id(), 7);
  EXPECT_FALSE(send_icmp("203.0.113.9", "192.0.2.1", echo(wire::Icmpv4Type::echo_reply, id)));
  host.advance(59s);
  EXPECT_EQ(host.ip.nat_table().session_count(), 2U);
  host.advance(2s);
  EXPECT_EQ(host.ip.nat_table().session_count(), 0U);
}

TEST_F(NatIcmpTest, PassesAReplyOfNothingButZeros) {
  NARU_CHECKS("NAT-030");
  const auto out =
      send_icmp("10.0.0.5", "198.51.100.7", echo(wire::Icmpv4Type::echo_request, 0, {}));
  ASSERT_TRUE(out);
  const auto reply =
      icmp(wire::Icmpv4::echo(wire::Icmpv4Type::echo_reply, message_of(*out).id(), 0), Buffer(16));
  const auto back = send_icmp("198.51.100.7", "192.0.2.1", reply);
  ASSERT_TRUE(back);  // and its checksum is right
  EXPECT_EQ(message_of(*back).id(), 0);
}

TEST_F(NatIcmpTest, AnswersPingsOfItsOwn) {
  const auto reply =
      send_icmp("198.51.100.7", "192.0.2.1", echo(wire::Icmpv4Type::echo_request, 9));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->source.addr, ip("192.0.2.1"));
  EXPECT_EQ(message_of(*reply).type(), wire::Icmpv4Type::echo_reply);
}

TEST_F(NatIcmpTest, TranslatesAnErrorAndWhatItQuotes) {
  NARU_CHECKS("NAT-020", "NAT-013");
  for (const std::size_t quoted : {28U, 548U}) {
    const auto out = send_udp(a, dns);
    ASSERT_TRUE(out);
    const auto error = send_icmp("203.0.113.9", "192.0.2.1", port_unreachable(out->bytes, quoted));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->interface, kInside);
    EXPECT_EQ(error->destination.addr, a.addr);
    const Bytes inner = message_of(*error).payload();
    const auto quote = *wire::Ipv4View::parse_quote(inner);
    EXPECT_TRUE(quote.header_checksum_ok());
    EXPECT_EQ(quote.src(), a.addr);
    EXPECT_EQ(quote.dst(), dns.addr);
    EXPECT_EQ(load_be16(quote.payload().data()), a.port);
    if (quoted == 548) {
      const auto whole = *wire::UdpView::parse(quote.payload());
      EXPECT_TRUE(whole.checksum_ok(quote.src(), quote.dst()));
    }
  }
  EXPECT_EQ(host.ip.nat_table().session_count(), 1U);
}

TEST_F(NatIcmpTest, BringsNewsOfThePathMtuInside) {
  NARU_CHECKS("NAT-020", "MTU-020");
  const Endpoint seen = open_tcp(a, web);
  const auto data = send_tcp(a, web, ack(kOut, kIn), counting(1'400));
  ASSERT_TRUE(data);
  EXPECT_EQ(data->source, seen);
  const auto error = send_icmp(
      "192.0.2.254", "192.0.2.1",
      about(wire::Icmpv4::unreachable(wire::Icmpv4Unreachable::fragmentation_needed, 1'280),
            data->bytes));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->source.addr, ip("192.0.2.254"));
  EXPECT_EQ(message_of(*error).next_hop_mtu(), 1'280);
  const auto quote = *wire::Ipv4View::parse_quote(message_of(*error).payload());
  EXPECT_EQ(quote.src(), a.addr);
  EXPECT_EQ(load_be16(quote.payload().data()), a.port);
  EXPECT_EQ(load_be32(quote.payload().data() + 4), kOut);
}

TEST_F(NatIcmpTest, TakesTheInsideOutOfWhatItSays) {
  NARU_CHECKS("NAT-020");
  const auto out = send_udp(a, dns);
  ASSERT_TRUE(out);
  const auto in = send_udp(dns, out->source);
  ASSERT_TRUE(in);
  const auto error = send_icmp("10.0.0.5", "203.0.113.9", port_unreachable(in->bytes));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->interface, kOutside);
  EXPECT_EQ(error->source.addr, ip("192.0.2.1"));
  const auto quote = *wire::Ipv4View::parse_quote(message_of(*error).payload());
  EXPECT_EQ(quote.dst(), ip("192.0.2.1"));
  EXPECT_EQ(load_be16(quote.payload().data() + 2), out->source.port);
  EXPECT_TRUE(wire::UdpView::parse(quote.payload())->checksum_ok(quote.src(), quote.dst()));
}

TEST_F(NatIcmpTest, PassesErrorsBetweenInsideHosts) {
  NARU_CHECKS("NAT-024");
  open_udp(a, dns);
  const Endpoint seen_b = open_udp(b, dns);
  const auto there = send_udp(a, seen_b);
  ASSERT_TRUE(there);
  const auto error = send_icmp("10.0.0.6", "192.0.2.1", port_unreachable(there->bytes));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->destination.addr, a.addr);
  EXPECT_EQ(error->source.addr, ip("192.0.2.1"));
  const auto quote = *wire::Ipv4View::parse_quote(message_of(*error).payload());
  EXPECT_EQ(quote.src(), a.addr);
  EXPECT_EQ(quote.dst(), ip("192.0.2.1"));
  EXPECT_EQ(load_be16(quote.payload().data() + 2), seen_b.port);
}

TEST_F(NatIcmpTest, DropsErrorsAboutNothing) {
  NARU_CHECKS("NAT-023");
  const auto out = send_udp(a, dns);
  ASSERT_TRUE(out);
  Buffer other = out->bytes;
  other[22] ^= 1;  // another port of the remote
  EXPECT_FALSE(send_icmp("203.0.113.9", "192.0.2.1", port_unreachable(other)));
  EXPECT_EQ(host.count(Drop::icmp_no_match), 1U);
  const auto in = send_udp(dns, out->source);
  ASSERT_TRUE(in);
  other = in->bytes;
  other[22] ^= 1;  // another port of the inside
  EXPECT_FALSE(send_icmp("10.0.0.5", "203.0.113.9", port_unreachable(other)));
  EXPECT_EQ(host.count(Drop::icmp_no_match), 2U);
}

TEST_F(NatIcmpTest, DropsErrorsThatAreMalformed) {
  NARU_CHECKS("NAT-022");
  const auto out = send_udp(a, dns);
  ASSERT_TRUE(out);
  const Buffer good = port_unreachable(out->bytes);
  Buffer bad = good;
  bad[9] ^= 1;
  EXPECT_FALSE(send_icmp("203.0.113.9", "192.0.2.1", bad));
  EXPECT_EQ(host.count(Drop::icmp_bad_checksum), 1U);
  for (std::size_t size = 0; size < 28; ++size) {  // cut anywhere before the ports' end
    EXPECT_FALSE(send_icmp("203.0.113.9", "192.0.2.1", port_unreachable(out->bytes, size))) << size;
  }
  for (const std::uint8_t first : {0x40, 0x44, 0x4f, 0x65, 0x05}) {  // header lengths and versions
    Buffer quote = out->bytes;
    quote[0] = first;
    quote.resize(40);
    EXPECT_FALSE(send_icmp("203.0.113.9", "192.0.2.1", port_unreachable(quote))) << int(first);
  }
}

TEST_F(NatIcmpTest, TranslatesAQuoteWithOptions) {
  NARU_CHECKS("NAT-022");
  const Endpoint seen = open_udp(a, dns);
  const Buffer quoted =
      ipv4(header(seen, dns, Protocol::udp), datagram(seen, dns, counting(4)), {148, 4, 0, 0});
  const auto error = send_icmp("203.0.113.9", "192.0.2.1", port_unreachable(quoted));
  ASSERT_TRUE(error);
  const auto quote = *wire::Ipv4View::parse_quote(message_of(*error).payload());
  EXPECT_TRUE(quote.header_checksum_ok());
  EXPECT_EQ(load_be16(quote.payload().data()), a.port);
}

TEST_F(NatIcmpTest, PassesTheTypesThatItShould) {
  NARU_CHECKS("NAT-026");
  for (int type = 0; type < 256; ++type) {
    const wire::Icmpv4 m{static_cast<wire::Icmpv4Type>(type), 0, 0x00070001};
    const bool passes = type == 8 || type == 13;
    EXPECT_EQ(send_icmp("10.0.0.5", "198.51.100.7", icmp(m, counting(16))).has_value(), passes)
        << type;
  }
}

TEST_F(NatIcmpTest, NeverChangesASession) {
  NARU_CHECKS("NAT-013", "NAT-024");
  const auto out = send_udp(a, dns);
  ASSERT_TRUE(out);
  host.advance(200s);
  settle();
  for (const std::uint8_t code : {0, 1, 2, 3, 9, 13}) {
    wire::Icmpv4 m = wire::Icmpv4::unreachable(static_cast<wire::Icmpv4Unreachable>(code));
    EXPECT_TRUE(send_icmp("203.0.113.9", "192.0.2.1", about(m, out->bytes)));
  }
  EXPECT_TRUE(send_udp(dns, out->source));
  host.advance(101s);
  EXPECT_EQ(host.ip.nat_table().session_count(), 0U);  // nor did they keep it
}

TEST_F(NatIcmpTest, TracesTheWayThroughItself) {
  wire::Ipv4 h = header(a, dns, Protocol::udp);
  h.ttl = 1;
  inject(kInside, ipv4(h, datagram(a, dns, counting(8))));
  const auto own = passed();
  ASSERT_TRUE(own);
  EXPECT_EQ(own->source.addr, ip("10.0.0.1"));
  EXPECT_EQ(own->destination.addr, a.addr);
  const auto out = send_udp(a, dns);
  ASSERT_TRUE(out);
  const auto next =
      send_icmp("192.0.2.254", "192.0.2.1", about(wire::Icmpv4::time_exceeded(0), out->bytes, 28));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->source.addr, ip("192.0.2.254"));
  EXPECT_EQ(next->destination.addr, a.addr);
}

// The next hop is silent: the inside host hears of it in its own words.
TEST_F(NatIcmpTest, TellsTheInsideOfAGatewayThatIsGone) {
  host.advance(1'300s);  // nobody is known any more
  host.resolve("10.0.0.5", mac(5), kInside);
  host.take_sent();
  inject(kInside, ipv4(header(a, dns, Protocol::udp), datagram(a, dns, counting(8))));
  EXPECT_FALSE(passed());  // it waits for the gateway's answer
  host.advance(5s);
  const auto error = passed();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->destination.addr, a.addr);
  const auto quote = *wire::Ipv4View::parse_quote(message_of(*error).payload());
  EXPECT_EQ(quote.src(), a.addr);
  EXPECT_EQ(load_be16(quote.payload().data()), a.port);
}

}  // namespace
}  // namespace naru::ip::test
