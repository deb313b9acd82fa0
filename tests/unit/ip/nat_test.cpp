// Mappings, filters and ports of the NAT (RFC 4787, RFC 6888).
#include <functional>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "nat_net.hpp"

namespace naru::ip::test {
namespace {

class NatTest : public NatNet {};

TEST_F(NatTest, TranslatesOutAndBack) {
  const auto out = send_udp(a, dns, counting(33));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->interface, kOutside);
  EXPECT_EQ(out->source.addr, ip("192.0.2.1"));
  EXPECT_NE(out->source.port, 0);
  EXPECT_EQ(out->destination, dns);
  EXPECT_EQ(out->ttl, 63);
  EXPECT_EQ(out->payload().size(), 8U + 33);
  const auto back = send_udp(dns, out->source, counting(44));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->interface, kInside);
  EXPECT_EQ(back->source, dns);
  EXPECT_EQ(back->destination, a);
  EXPECT_EQ(back->ttl, 63);
  EXPECT_EQ(host.counters.get(Counter::nat_translated), 2U);
  EXPECT_EQ(host.counters.get(Counter::nat_sessions), 1U);
}

TEST_F(NatTest, MapsAnEndpointWhoeverItTalksTo) {
  NARU_CHECKS("NAT-001");
  EXPECT_EQ(open_udp(a, dns), open_udp(a, web));
  EXPECT_EQ(open_udp(a, at("203.0.113.9", 54)), open_udp(a, web));
  EXPECT_EQ(open_tcp(a, web), open_tcp(a, dns));
}

TEST_F(NatTest, NeverGivesAPortTwice) {
  NARU_CHECKS("NAT-002", "NAT-012");
  std::set<std::uint16_t> ports;
  for (std::uint16_t i = 0; i < 400; ++i) {
    for (const char* from : {"10.0.0.5", "10.0.0.6"}) {
      const Endpoint seen = open_udp(at(from, static_cast<std::uint16_t>(2'000 + i)), dns);
      EXPECT_TRUE(ports.insert(seen.port).second) << seen.port;
    }
  }
}

TEST_F(NatTest, StaysWithItsFirstAddress) {
  NARU_CHECKS("NAT-003");
  const Endpoint seen = open_udp(a, dns);
  ASSERT_TRUE(host.ip.add_address(kOutside, prefix("192.0.2.2/24"), host.now));
  host.advance(5s);
  settle();
  EXPECT_EQ(open_udp(a, web), seen);
  for (std::uint16_t port = 5'000; port < 5'100; ++port) {
    EXPECT_EQ(open_udp(at("10.0.0.5", port), dns).addr, ip("192.0.2.1"));
  }
}

TEST_F(NatTest, KeepsItsSessionsWhenItIsConfigured) {
  NARU_CHECKS("NAT-040");
  const Endpoint datagrams = open_udp(a, dns);
  const Endpoint stream = open_tcp(b, web);
  const Route more{.prefix = prefix("198.51.100.0/24"),
                   .gateway = ip("192.0.2.254"),
                   .source = {},
                   .interface = kOutside};
  const std::function<bool()> changes[] = {
      [&] { return host.options.set(Option::nat_filtering, 2).has_value(); },
      [&] { return host.ip.set_nat(kOutside).has_value(); },
      [&] { return host.ip.add_route(more).has_value(); },
      [&] {
        return host.ip.add_port_forward(Protocol::tcp, 8'080, at("10.0.0.6", 80), host.now)
            .has_value();
      },
      [&] { return host.ip.add_address(kInside, prefix("10.0.9.1/24"), host.now).has_value(); },
      [&] { return host.ip.remove_address(kInside, ip("10.0.9.1")).has_value(); },
      [&] { return host.ip.remove_route(more).has_value(); }};
  for (const auto& change : changes) {
    EXPECT_TRUE(change());
    host.advance(1s);
    settle();
    const auto back = send_udp(dns, datagrams);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->destination, a);
    const auto segment = send_tcp(web, stream, ack(kIn, kOut));
    ASSERT_TRUE(segment);
    EXPECT_EQ(segment->destination, b);
  }
  EXPECT_EQ(host.counters.get(Counter::nat_sessions), 2U);
}

TEST_F(NatTest, KeepsRangeAndParityOfPorts) {
  NARU_CHECKS("NAT-004", "NAT-005");
  for (std::uint16_t i = 0; i < 100; ++i) {
    const Endpoint low = open_udp(at("10.0.0.5", static_cast<std::uint16_t>(500 + i)), dns);
    EXPECT_LT(low.port, 1'024);
    EXPECT_EQ(low.port % 2, i % 2);
    const Endpoint high = open_udp(at("10.0.0.5", static_cast<std::uint16_t>(5'000 + i)), dns);
    EXPECT_GE(high.port, 1'024);
    EXPECT_EQ(high.port % 2, i % 2);
  }
}

TEST_F(NatTest, ChoosesPortsByChance) {
  NARU_CHECKS("NAT-029");
  std::vector<std::uint16_t> ports;
  for (std::uint16_t i = 0; i < 500; ++i) {
    ports.push_back(open_udp(at("10.0.0.5", static_cast<std::uint16_t>(5'000 + i)), dns).port);
  }
  std::set<int> steps;
  for (std::size_t i = 1; i < ports.size(); ++i) steps.insert(ports[i] - ports[i - 1]);
  EXPECT_GT(steps.size(), 450U);  // nobody foretells the next from the last
  // Spread over all that there is: 1024 to 32767 and 61000 to 65535.
  const auto below = [&](std::uint16_t limit) {
    return std::ranges::count_if(ports, [&](std::uint16_t p) { return p < limit; });
  };
  EXPECT_NEAR(static_cast<double>(below(16'896)), 500.0 * 15'872 / 36'280, 60);
  EXPECT_NEAR(static_cast<double>(below(32'768)), 500.0 * 31'744 / 36'280, 40);
}

TEST_F(NatTest, LeavesTheRoutersOwnPortsAlone) {
  NARU_CHECKS("NAT-033");
  EXPECT_TRUE(host.ip.reserve_port(Protocol::udp, 53));
  for (std::uint16_t port = 1; port < 1'024; ++port) {
    const auto out = send_udp(at("10.0.0.5", port), dns);
    if (out) {
      EXPECT_NE(out->source.port, 53);
    }
  }
  EXPECT_FALSE(host.ip.reserve_port(Protocol::udp, 54));  // an inside host has it by now
  // What comes for it is the router's.
  const Endpoint own = at("192.0.2.1", 53);
  const Input in = inject(kOutside, ipv4(header(dns, own, Protocol::udp), datagram(dns, own, {})));
  EXPECT_EQ(in.action, Input::Action::deliver);
  host.take_delivered();
}

TEST_F(NatTest, LetsInWhoWasSpokenTo) {
  NARU_CHECKS("NAT-009");
  const Endpoint seen = open_udp(a, dns);
  const Endpoint other_port = at("203.0.113.9", 999);
  for (const std::int64_t filtering : {0, 1, 2}) {
    ASSERT_TRUE(host.options.set(Option::nat_filtering, filtering));
    EXPECT_TRUE(send_udp(dns, seen));
    EXPECT_EQ(send_udp(other_port, seen).has_value(), filtering < 2) << filtering;
    EXPECT_EQ(send_udp(web, seen).has_value(), filtering < 1) << filtering;
  }
  EXPECT_EQ(host.count(Drop::nat_filtered), 3U);
  EXPECT_EQ(host.counters.get(Counter::nat_sessions), 1U);  // none of them made any
}

TEST_F(NatTest, ForgetsWhatTheInsideDoesNotUse) {
  NARU_CHECKS("NAT-006", "NAT-007");
  const Endpoint seen = open_udp(a, dns);
  host.advance(299s);
  settle();
  EXPECT_TRUE(send_udp(dns, seen));
  EXPECT_EQ(open_udp(a, dns), seen);  // from here on
  host.advance(200s);
  settle();
  EXPECT_TRUE(send_udp(dns, seen));  // which keeps nothing alive
  host.advance(101s);
  settle();
  EXPECT_FALSE(send_udp(dns, seen));
  EXPECT_EQ(host.ip.nat_table().session_count(), 0U);
}

// The way that a session's packets take is kept, but not longer than the session, whose memory
// is the next one's.
TEST_F(NatTest, BeginsAnewWhatWasDrivenOut) {
  ASSERT_TRUE(host.options.set(Option::nat_sessions_per_host, 1));
  ASSERT_TRUE(host.options.set(Option::nat_filtering, 2));
  const Endpoint seen = open_udp(a, dns);
  EXPECT_EQ(open_udp(a, dns), seen);
  EXPECT_EQ(open_udp(a, web), seen);
  EXPECT_FALSE(send_udp(dns, seen));
  EXPECT_EQ(open_udp(a, dns), seen);
  EXPECT_TRUE(send_udp(dns, seen));
  EXPECT_EQ(host.counters.get(Counter::nat_sessions), 3U);
}

TEST_F(NatTest, KeepsAPortForItsOwnerForAWhile) {
  NARU_CHECKS("NAT-028");
  const Endpoint seen = open_udp(a, dns);
  host.advance(301s);
  EXPECT_EQ(host.ip.nat_table().session_count(), 0U);
  EXPECT_EQ(host.ip.nat_table().mapping_count(), 1U);
  settle();
  EXPECT_EQ(open_udp(a, web), seen);
  host.advance(301s);
  host.advance(121s);
  EXPECT_EQ(host.ip.nat_table().mapping_count(), 0U);
  EXPECT_EQ(host.ip.nat_table().host_count(), 0U);
}

TEST_F(NatTest, LeadsInsideHostsToEachOther) {
  NARU_CHECKS("NAT-010");
  const Endpoint seen_a = open_udp(a, dns);
  const Endpoint seen_b = open_udp(b, dns);
  const auto there = send_udp(a, seen_b);
  ASSERT_TRUE(there);
  EXPECT_EQ(there->interface, kInside);
  EXPECT_EQ(there->source, seen_a);
  EXPECT_EQ(there->destination, b);
  const auto back = send_udp(b, seen_a);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->source, seen_b);
  EXPECT_EQ(back->destination, a);
}

TEST_F(NatTest, PassesNothingInByItself) {
  NARU_CHECKS("NAT-035");
  const Endpoint inner = at("10.0.0.5", 80);
  EXPECT_FALSE(send_udp(web, inner));  // an inside address, from outside
  EXPECT_EQ(host.count(Drop::nat_filtered), 1U);
  // A source that is not of the inside makes no mapping.
  const Endpoint spoofed = at("172.16.0.9", 80);
  inject(kInside, ipv4(header(spoofed, web, Protocol::udp), datagram(spoofed, web, {})));
  EXPECT_FALSE(passed());
  EXPECT_EQ(host.count(Drop::ip_reverse_path), 1U);
  EXPECT_EQ(host.ip.nat_table().mapping_count(), 0U);
}

TEST_F(NatTest, LeavesPayloadAlone) {
  NARU_CHECKS("NAT-011");
  const std::string invite =
      "INVITE sip:x@y SIP/2.0\r\nContact: <sip:a@10.0.0.5:5060>\r\n\r\nc=IN IP4 10.0.0.5\r\n";
  const Buffer payload(invite.begin(), invite.end());
  const auto out = send_udp(at("10.0.0.5", 5'060), at("198.51.100.7", 5'060), payload);
  ASSERT_TRUE(out);
  EXPECT_EQ(Buffer(out->bytes.begin() + 28, out->bytes.end()), payload);
  EXPECT_EQ(host.ip.nat_table().mapping_count(), 1U);
}

TEST_F(NatTest, KeepsChecksumsRightForWhateverComes) {
  NARU_CHECKS("NAT-030");
  Random random = Random::seeded(4);
  for (int i = 0; i < 5'000; ++i) {
    Buffer payload(random.below(64));
    random.fill(payload);
    // passed() computes all of them anew.
    const Endpoint from = at("10.0.0.5", static_cast<std::uint16_t>(1'024 + random.below(200)));
    const auto out = send_udp(from, dns, payload);
    ASSERT_TRUE(out);
    ASSERT_TRUE(send_udp(dns, out->source, payload));
    ASSERT_TRUE(send_tcp(from, web, ack(random.next_u32(), random.next_u32()), payload));
  }
}

TEST_F(NatTest, MakesNoChecksumWhereThereIsNone) {
  NARU_CHECKS("NAT-030");
  Buffer unit = datagram(a, dns, counting(9));
  unit[6] = unit[7] = 0;
  inject(kInside, ipv4(header(a, dns, Protocol::udp), unit));
  const auto out = passed();
  ASSERT_TRUE(out);
  EXPECT_EQ(load_be16(out->bytes.data() + 26), 0);
}

TEST_F(NatTest, TranslatesFragmentsInAnyOrder) {
  NARU_CHECKS("NAT-015");
  const Buffer payload = counting(1'000);
  const Buffer unit = datagram(a, dns, payload);
  const auto piece = [&](std::size_t from, std::size_t to) {
    wire::Ipv4 h = header(a, dns, Protocol::udp);
    h.id = 77;
    h.fragment_offset = static_cast<std::uint16_t>(from);
    h.more_fragments = to != unit.size();
    return ipv4(
        h, Buffer(unit.begin() + static_cast<long>(from), unit.begin() + static_cast<long>(to)));
  };
  inject(kInside, piece(800, unit.size()));
  inject(kInside, piece(400, 800));
  EXPECT_FALSE(passed());
  inject(kInside, piece(0, 400));
  const auto out = passed();
  ASSERT_TRUE(out);
  EXPECT_EQ(out->source.addr, ip("192.0.2.1"));
  EXPECT_EQ(Buffer(out->bytes.begin() + 28, out->bytes.end()), payload);
}

// The ports of a first fragment hold for the whole, and there is only one of them.
TEST_F(NatTest, IsNotMisledByFragmentsThatOverlap) {
  NARU_CHECKS("NAT-015");
  const Endpoint seen = open_udp(a, dns);
  open_udp(b, dns);
  const Buffer good = datagram(dns, seen, counting(24));
  const Buffer other = datagram(dns, at("192.0.2.1", 9), counting(24));
  const auto piece = [&](const Buffer& unit, std::size_t from, std::size_t to) {
    wire::Ipv4 h = header(dns, seen, Protocol::udp);
    h.id = 5;
    h.fragment_offset = static_cast<std::uint16_t>(from);
    h.more_fragments = to != unit.size();
    return ipv4(
        h, Buffer(unit.begin() + static_cast<long>(from), unit.begin() + static_cast<long>(to)));
  };
  inject(kOutside, piece(good, 0, 16));
  inject(kOutside, piece(other, 0, 16));
  inject(kOutside, piece(good, 16, good.size()));
  EXPECT_FALSE(passed());
  EXPECT_GE(host.count(Drop::fragment_overlap), 1U);
  EXPECT_TRUE(host.take_delivered().empty());
  host.advance(61s);  // what is left of it is given up
  host.take_sent();
}

TEST_F(NatTest, LeadsNobodyInCircles) {
  ASSERT_TRUE(host.ip.add_port_forward(Protocol::udp, 80, at("192.0.2.1", 81), host.now));
  send_udp(a, at("192.0.2.1", 80));  // the sender is told that it leads nowhere
  EXPECT_EQ(host.counters.get(Counter::ip_forwarded), 0U);
  const Endpoint seen = open_udp(a, dns);
  const auto own = send_udp(a, seen);  // by its own outside endpoint to itself
  ASSERT_TRUE(own);
  EXPECT_EQ(own->destination, a);
  EXPECT_EQ(own->source, seen);
}

TEST_F(NatTest, CutsWhatItPutTogether) {
  NARU_CHECKS("NAT-015");
  ASSERT_TRUE(host.ip.set_mtu(kOutside, 576));
  const Buffer unit = datagram(a, dns, counting(1'200));
  inject(kInside, ipv4(header(a, dns, Protocol::udp), unit));
  Buffer whole;
  for (const Sent& s : host.take_sent()) {
    const Passed p = read(s);
    EXPECT_EQ(p.source.addr, ip("192.0.2.1"));
    EXPECT_EQ(p.ip().fragment_offset(), whole.size());
    whole = whole + p.payload();
  }
  EXPECT_EQ(whole.size(), unit.size());
}

TEST_F(NatTest, TellsTheInsideWhatIsTooBig) {
  NARU_CHECKS("NAT-014");
  ASSERT_TRUE(host.ip.set_mtu(kOutside, 1'400));
  wire::Ipv4 h = header(a, dns, Protocol::udp);
  h.dont_fragment = true;
  inject(kInside, ipv4(h, datagram(a, dns, counting(1'450))));
  const auto error = passed();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->destination.addr, a.addr);
  const auto message = *wire::Icmpv4View::parse(error->ip().payload());
  EXPECT_EQ(message.next_hop_mtu(), 1'400);
  const auto quote = *wire::Ipv4View::parse_quote(message.payload());
  EXPECT_EQ(quote.src(), a.addr);  // its own words
  EXPECT_EQ(load_be16(quote.payload().data()), a.port);
}

TEST_F(NatTest, LeadsAPortToAnInsideHost) {
  NARU_CHECKS("NAT-036");
  const Endpoint server = at("10.0.0.6", 8'080);
  const Endpoint seen = at("192.0.2.1", 80);
  ASSERT_TRUE(host.ip.add_port_forward(Protocol::tcp, 80, server, host.now));
  EXPECT_EQ(host.ip.add_port_forward(Protocol::tcp, 80, a, host.now).error(),
            Error::address_in_use);
  EXPECT_FALSE(host.ip.reserve_port(Protocol::tcp, 80));
  const Endpoint client = at("198.51.100.7", 5'555);
  const auto syn = send_tcp(client, seen, {.seq = 1, .flags = wire::kSyn, .window = 1'000});
  ASSERT_TRUE(syn);
  EXPECT_EQ(syn->destination, server);
  EXPECT_EQ(syn->source, client);
  const auto answer = send_tcp(server, client, ack(9, 2, wire::kSyn));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->source, seen);
  // From inside it is the same.
  const auto hairpin = send_tcp(a, seen, {.seq = 1, .flags = wire::kSyn, .window = 1'000});
  ASSERT_TRUE(hairpin);
  EXPECT_EQ(hairpin->destination, server);
  EXPECT_EQ(hairpin->source.addr, seen.addr);
  ASSERT_TRUE(host.ip.remove_port_forward(Protocol::tcp, 80));
  EXPECT_EQ(host.ip.remove_port_forward(Protocol::tcp, 80).error(), Error::not_found);
  EXPECT_FALSE(send_tcp(client, seen, ack(2, 10)));
  host.take_delivered();
}

TEST_F(NatTest, IsNothingWithoutAnAddress) {
  const Endpoint seen = open_udp(a, dns);
  ASSERT_TRUE(host.ip.remove_address(kOutside, ip("192.0.2.1")));
  EXPECT_EQ(host.ip.nat_table().session_count(), 0U);
  EXPECT_FALSE(send_udp(dns, seen));
  ASSERT_TRUE(host.ip.add_address(kOutside, prefix("192.0.2.7/24"), host.now));
  host.resolve("192.0.2.254", kGatewayMac, kOutside);
  host.take_sent();
  EXPECT_EQ(open_udp(a, dns).addr, ip("192.0.2.7"));
}

// Against tables that are looked through from the beginning: any order of packets between few
// endpoints, so that each meets others' mappings and sessions at all ages.
TEST_F(NatTest, AgreesWithAReference) {
  std::map<std::pair<IpAddr, std::uint16_t>, std::uint16_t> outside_ports;
  std::set<std::tuple<IpAddr, std::uint16_t, IpAddr>> spoken;
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint16_t>(random() % n); };
  std::size_t admitted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Endpoint inside = at(below(2) == 0 ? "10.0.0.5" : "10.0.0.6", 4'000 + below(8));
    const Endpoint remote = at("198.51.100." + std::to_string(1 + below(5)), 53 + below(4));
    auto known = outside_ports.find({inside.addr, inside.port});
    if (below(2) == 0) {
      const auto out = send_udp(inside, remote);
      ASSERT_TRUE(out);
      if (known == outside_ports.end()) {
        for (const auto& [who, port] : outside_ports) EXPECT_NE(port, out->source.port);
        known = outside_ports.emplace(std::pair(inside.addr, inside.port), out->source.port).first;
      }
      EXPECT_EQ(out->source.port, known->second);
      EXPECT_EQ(out->destination, remote);
      spoken.emplace(inside.addr, inside.port, remote.addr);
    } else if (known != outside_ports.end()) {
      const auto in = send_udp(remote, at("192.0.2.1", known->second));
      EXPECT_EQ(in.has_value(), spoken.contains({inside.addr, inside.port, remote.addr}));
      if (!in) continue;
      EXPECT_EQ(in->destination, inside);
      EXPECT_EQ(in->source, remote);
      ++admitted;
    }
  }
  EXPECT_EQ(outside_ports.size(), 16U);
  EXPECT_GT(admitted, 5'000U);
  EXPECT_EQ(host.ip.nat_table().mapping_count(), 16U);
}

TEST(NatOptionsTest, AreChecked) {
  Host host;
  EXPECT_EQ(host.ip.set_nat(9).error(), Error::invalid);
  EXPECT_EQ(host.ip.set_nat(0).error(), Error::invalid);
  EXPECT_EQ(host.ip.set_nat(1).error(), Error::no_memory);  // there is no table
  EXPECT_EQ(host.ip.add_port_forward(Protocol::tcp, 80, at("10.0.0.5", 80), host.now).error(),
            Error::invalid);
}

}  // namespace
}  // namespace naru::ip::test
