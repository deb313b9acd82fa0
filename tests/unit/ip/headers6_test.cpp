// Extension headers and fragments of IPv6 (RFC 8200 4).
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host6.hpp"
#include "wire/ipv6_extension.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6Type;
using wire::Ipv6Fragment;

constexpr auto kFragmentHeader = static_cast<Protocol>(wire::ipv6_header::kFragment);
constexpr auto kHopByHop = static_cast<Protocol>(wire::ipv6_header::kHopByHop);
constexpr auto kOptions = static_cast<Protocol>(wire::ipv6_header::kDestinationOptions);

// Padding only, in front of `next`.
Buffer no_options(Protocol next) { return {static_cast<std::uint8_t>(next), 0, 1, 4, 0, 0, 0, 0}; }

class Headers6Test : public ::testing::Test {
 protected:
  Headers6Test() { host.know_peer(); }

  Buffer unit(std::size_t size = 30) const { return udp(kPeer6, kOur6, 1, 2, counting(size)); }
  Buffer fragment(const Buffer& whole, std::size_t begin, std::size_t end, std::uint32_t id = 7,
                  Protocol next = Protocol::udp) const {
    Buffer header(Ipv6Fragment::kSize);
    Ipv6Fragment{.next_header = static_cast<std::uint8_t>(next),
                 .offset = static_cast<std::uint16_t>(begin),
                 .more = end < whole.size(),
                 .id = id}
        .emit(header.data());
    return ipv6(header6(kFragmentHeader), header + Buffer(whole.begin() + static_cast<long>(begin),
                                                          whole.begin() + static_cast<long>(end)));
  }
  // The error that was sent, if any: type, code and what it points to.
  struct Told {
    Icmpv6Type type;
    int code;
    std::uint32_t pointer;
    bool operator==(const Told&) const = default;
  };
  std::optional<Told> told() {
    std::optional<Told> found;
    for (const Sent& s : host.take_sent()) {
      const auto icmp = icmpv6_of(s);
      if (icmp && icmp->is_error()) found = Told{icmp->type(), icmp->code(), icmp->rest()};
    }
    return found;
  }
  static Told problem(int code, std::uint32_t pointer) {
    return {Icmpv6Type::parameter_problem, code, pointer};
  }
  std::size_t delivered() { return host.take_delivered().size(); }

  Host6 host;
};

// --- extension headers -----------------------------------------------------------------------

TEST_F(Headers6Test, DeliversWhatIsBehindThem) {
  NARU_CHECKS("IP6-007");
  host.receive6(
      ipv6(header6(kHopByHop), no_options(kOptions) + no_options(Protocol::udp) + unit()));
  const auto got = host.take_delivered();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, unit());
  EXPECT_EQ(got[0].protocol, static_cast<std::uint8_t>(Protocol::udp));
}

TEST_F(Headers6Test, TellsWhatItDoesNotKnowAndWhere) {
  NARU_CHECKS("IP6-007", "IP6-008", "IP6-010", "IP6-013");
  host.receive6(
      ipv6(header6(kOptions), no_options(kHopByHop) + no_options(Protocol::udp) + unit()));
  EXPECT_EQ(told(), problem(1, 40));
  host.receive6(ipv6(header6(kOptions), no_options(static_cast<Protocol>(253)) + counting(20)));
  EXPECT_EQ(told(), problem(1, 40));
  const Buffer option{17, 0, 0x9e, 0, 1, 2, 0, 0};
  host.receive6(ipv6(header6(kOptions), option + unit()));
  EXPECT_EQ(told(), problem(2, 42));
  const Buffer routing{17, 0, 0, 1, 0, 0, 0, 0};
  host.receive6(ipv6(header6(static_cast<Protocol>(43)), routing + unit()));
  EXPECT_EQ(told(), problem(0, 42));
  EXPECT_EQ(delivered(), 0U);
}

// RFC 6564 4: also one that has the form of all new ones, and could be stepped over.
TEST_F(Headers6Test, AnUnknownExtensionHeaderIsAnUnknownNextHeader) {
  NARU_CHECKS("IP6-037");
  const Buffer uniform{17, 0, 1, 4, 0, 0, 0, 0};
  host.receive6(ipv6(header6(static_cast<Protocol>(253)), uniform + unit()));
  EXPECT_EQ(told(), problem(1, 6));
  EXPECT_EQ(delivered(), 0U);
}

TEST_F(Headers6Test, GroupsAnswerOnlyOptionsThatAskForIt) {
  NARU_CHECKS("IP6-010", "IC6-004");
  const auto to_all = [&](std::uint8_t option) {
    const Buffer header{17, 0, option, 0, 1, 2, 0, 0};
    const auto to = header6(kOptions, kPeer6, wire::kAllNodes);
    host.receive6(ipv6(to, header + unit()), wire::group_mac_v6(wire::kAllNodes));
    return told();
  };
  EXPECT_EQ(to_all(0x9e), problem(2, 42));
  EXPECT_FALSE(to_all(0xde));
  EXPECT_FALSE(to_all(0x5e));
}

TEST_F(Headers6Test, ErrorsBehindHeadersAreNotAnsweredEither) {
  NARU_CHECKS("IC6-004");
  Buffer error(wire::Icmpv6::kHeaderSize);
  wire::Icmpv6::time_exceeded(0).emit(error.data());
  const Buffer header{58, 0, 1, 4, 0, 0, 0, 0};
  host.receive6(ipv6(header6(kOptions), header + error));
  EXPECT_FALSE(told());
}

TEST_F(Headers6Test, NobodySpeaksWithoutAnAddressBehindThem) {
  NARU_CHECKS("IP6-005");
  const auto result =
      host.receive6(ipv6(header6(kOptions, IpAddr::any_v6()), no_options(Protocol::udp) + unit()));
  EXPECT_EQ(result.reason, Drop::ip_bad_source);
}

// --- fragments in ----------------------------------------------------------------------------

TEST_F(Headers6Test, PutsFragmentsOfAnyOrderTogether) {
  NARU_CHECKS("IP6-015");
  const Buffer whole = unit(92);
  std::vector<Buffer> pieces;
  for (std::size_t at = 0; at < whole.size(); at += 24) {
    pieces.push_back(fragment(whole, at, std::min(at + 24, whole.size())));
  }
  std::vector<std::size_t> order{0, 1, 2, 3, 4};
  ASSERT_EQ(pieces.size(), 5U);
  do {
    for (const std::size_t i : order) host.receive6(pieces[i]);
    host.receive6(pieces[order[4]]);  // once more: the beginning of another
    const auto got = host.take_delivered();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].bytes, whole);
    EXPECT_EQ(got[0].source, kPeer6);
    host.advance(61s);
    host.know_peer();
  } while (std::next_permutation(order.begin(), order.end()) && order[0] == 0);
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(Headers6Test, PutsHeadersAroundThemTogetherToo) {
  NARU_CHECKS("IP6-015", "IP6-021");
  const Buffer whole = no_options(Protocol::udp) + unit(64);
  const auto piece = [&](std::size_t begin, std::size_t end, Protocol next) {
    const Buffer packet = fragment(whole, begin, end, 9, next);
    return ipv6(header6(kHopByHop),
                no_options(kFragmentHeader) + Buffer(packet.begin() + 40, packet.end()));
  };
  host.receive6(piece(40, whole.size(), Protocol::tcp));  // what later ones say is not heard
  host.receive6(piece(0, 40, kOptions));
  const auto got = host.take_delivered();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, unit(64));
}

TEST_F(Headers6Test, AnOverlapEndsThePacketForGood) {
  NARU_CHECKS("IP6-016");
  const Buffer whole = unit(92);
  const std::pair<std::size_t, std::size_t> overlaps[] = {{24, 56}, {40, 80}, {40, 48}, {24, 80},
                                                          {32, 40}, {40, 72}, {56, 64}};
  for (const auto& [begin, end] : overlaps) {
    const std::uint32_t id = static_cast<std::uint32_t>(begin * 1000 + end);
    host.receive6(fragment(whole, 32, 64, id));
    EXPECT_EQ(host.receive6(fragment(whole, begin, end, id)).reason, Drop::fragment_overlap);
    for (const std::size_t at : {0U, 32U, 64U}) {
      host.receive6(fragment(whole, at, std::min<std::size_t>(at + 32, whole.size()), id));
    }
    EXPECT_EQ(delivered(), 0U) << begin << " to " << end;
  }
  host.advance(61s);
  EXPECT_FALSE(told()) << "without a word";
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(Headers6Test, TellsOfFragmentsThatFitNowhere) {
  NARU_CHECKS("IP6-017", "IP6-018");
  const Buffer whole = unit(92);
  Buffer odd = fragment(whole, 0, 48);
  odd.pop_back();
  store_be16(odd.data() + 4, static_cast<std::uint16_t>(odd.size() - 40));
  host.receive6(odd);
  EXPECT_EQ(told(), problem(0, 4));
  Buffer far = fragment(whole, 0, 16);
  store_be16(far.data() + 42, 65'528);
  host.receive6(far);
  EXPECT_EQ(told(), problem(0, 42));
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(Headers6Test, WantsAllHeadersInTheFirstFragment) {
  NARU_CHECKS("IP6-019");
  const Buffer segment(40, 0x50);
  EXPECT_EQ(host.receive6(fragment(segment, 0, 16, 1, Protocol::tcp)).reason,
            Drop::fragment_malformed);
  const Buffer options = no_options(Protocol::udp) + unit();
  EXPECT_EQ(host.receive6(fragment(options, 0, 8, 2, kOptions)).reason, Drop::fragment_malformed);
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(Headers6Test, GivesUpAfterAMinute) {
  NARU_CHECKS("IP6-020");
  const Buffer whole = unit(92);
  host.receive6(fragment(whole, 0, 48, 1));
  host.advance(30s);
  host.receive6(fragment(whole, 48, 96, 1));
  host.advance(29900ms);
  EXPECT_FALSE(told());
  host.advance(200ms);
  EXPECT_EQ(told(), (Told{Icmpv6Type::time_exceeded, 1, 0}));
  host.receive6(fragment(whole, 48, whole.size(), 2));
  host.advance(61s);
  EXPECT_FALSE(told()) << "the first did not come";
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(Headers6Test, AnAtomicFragmentIsAWholePacket) {
  NARU_CHECKS("IP6-022");
  const Buffer whole = unit(92);
  host.receive6(fragment(whole, 0, 48));
  host.receive6(fragment(unit(30), 0, unit(30).size()));
  ASSERT_EQ(host.delivered.size(), 1U);
  EXPECT_EQ(host.take_delivered()[0].bytes, unit(30));
  host.receive6(fragment(whole, 48, whole.size()));
  ASSERT_EQ(host.delivered.size(), 1U);
  EXPECT_EQ(host.take_delivered()[0].bytes, whole);
}

TEST_F(Headers6Test, AFragmentInAFragmentIsRefused) {
  NARU_CHECKS("IP6-038");
  const Buffer inner = fragment(unit(92), 0, 48, 5);
  const Buffer whole = Buffer(inner.begin() + 40, inner.end());
  EXPECT_EQ(host.receive6(fragment(whole, 0, 32, 6, kFragmentHeader)).reason, Drop::ip_bad_header);
  host.receive6(fragment(whole, 32, whole.size(), 6, kFragmentHeader));
  EXPECT_EQ(delivered(), 0U);
  host.advance(61s);
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(Headers6Test, NeighbourDiscoveryComesInOnePiece) {
  NARU_CHECKS("IC6-010");
  const Buffer packet = ndp(kPeer6, kOur6, wire::NeighbourSolicitation{kOur6, kPeerMac});
  const Buffer message(packet.begin() + 40, packet.end());
  Buffer fragments = fragment(message, 0, message.size(), 3, Protocol::icmpv6);  // atomic
  fragments[7] = 255;
  EXPECT_EQ(host.receive6(fragments).reason, Drop::ndp_malformed);
  for (const std::size_t at : {0U, 16U}) {
    Buffer piece = fragment(message, at, at + 16, 4, Protocol::icmpv6);
    piece[7] = 255;
    host.receive6(piece);
  }
  EXPECT_EQ(host.count(Drop::ndp_malformed), 2U);
  EXPECT_FALSE(told());
}

TEST_F(Headers6Test, AFloodOfFragmentsIsBounded) {
  NARU_CHECKS("IP6-040");
  const Buffer whole = unit(1'400);
  for (std::uint32_t id = 0; id < 20'000; ++id) host.receive6(fragment(whole, 0, 1'200, id));
  const std::uint64_t most =
      static_cast<std::uint64_t>(host.options.get(Option::ip_reassembly_memory));
  EXPECT_LE(std::uint64_t{host.pool.in_use()} * PacketPool::kSmallCapacity, most);
  EXPECT_GT(host.count(Drop::fragment_memory), 10'000U);
}

// --- fragments out ---------------------------------------------------------------------------

TEST_F(Headers6Test, CutsWhatTheLinkDoesNotCarry) {
  NARU_CHECKS("IP6-025", "IP6-026");
  for (const std::size_t size : {1'461U, 3'000U, 65'487U, 65'535U}) {
    const Buffer data = counting(size);
    host.send("2001:db8::2", data);
    Buffer got(size);
    std::optional<std::uint32_t> id;
    std::size_t total = 0;
    for (const Sent& s : host.take_sent()) {
      const auto packet = ipv6_of(s);
      ASSERT_TRUE(packet);
      EXPECT_LE(packet->total_length(), 1'500U);
      const auto chain = wire::Ipv6Chain::of(*packet, false, false);
      ASSERT_TRUE(chain.fragment);
      EXPECT_EQ(chain.fragment->next_header, static_cast<std::uint8_t>(Protocol::udp));
      if (id) {
        EXPECT_EQ(chain.fragment->id, *id);
      }
      id = chain.fragment->id;
      const Bytes piece = packet->payload().subspan(8);
      EXPECT_EQ(chain.fragment->more, chain.fragment->offset + piece.size() < size);
      std::copy(piece.begin(), piece.end(), got.begin() + chain.fragment->offset);
      total += piece.size();
    }
    EXPECT_EQ(total, size);
    EXPECT_EQ(got, data);
  }
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(Headers6Test, IdentificationsAreNotToBeForetold) {
  NARU_CHECKS("IP6-026");
  std::vector<std::uint32_t> ids;
  unsigned near = 0;
  for (int i = 0; i < 10'000; ++i) {
    host.send("2001:db8::2", counting(1'500));
    const auto sent = host.take_sent();
    const auto id = wire::Ipv6Chain::of(*ipv6_of(sent[0]), false, false).fragment->id;
    if (!ids.empty() && id - ids.back() < 65'536) ++near;
    ids.push_back(id);
  }
  EXPECT_LE(near, 3U) << "of 10 000, where chance gives 0.15";
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

TEST_F(Headers6Test, WhatMayNotBeCutIsTooBig) {
  const auto verdict =
      host.send("2001:db8::2", counting(1'461), {.protocol = Protocol::udp, .dont_fragment = true});
  EXPECT_EQ(verdict.action, Verdict::Action::too_big);
  EXPECT_EQ(verdict.mtu, 1'500U);
}

TEST_F(Headers6Test, ASmallerPathGetsSmallerFragmentsAndNoAtomicOnes) {
  NARU_CHECKS("IP6-023");
  host.send("2001:db8::2", counting(20));
  host.take_sent();
  host.ip.confirm_path_mtu(kPeer6, 1'000, host.now);
  host.send("2001:db8::2", counting(1'240));
  auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(ipv6_of(sent[0])->next_header(), Protocol::udp) << "fits into 1280, no header";
  host.send("2001:db8::2", counting(1'400));
  for (const Sent& s : host.take_sent()) EXPECT_LE(ipv6_of(s)->total_length(), 1'280U);
}

TEST_F(Headers6Test, TheLongestDatagramReachesOurselves) {
  const Buffer data = counting(65'535);
  host.send("2001:db8::1", data);
  ASSERT_EQ(host.delivered.size(), 1U);
  EXPECT_EQ(host.take_delivered()[0].bytes, data);
  EXPECT_EQ(host.pool.in_use(), 0U);
}

}  // namespace
}  // namespace naru::ip::test
