#include "wire/ipv4.hpp"

#include <random>

#include <gtest/gtest.h>

#include "hex.hpp"
#include "wire/ipv4_options.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;
using test::lies_within;

// The example of many textbooks, with a payload of 4 bytes.
const Buffer kPacket = hex("4500 0018 0000 4000 4011 b8bc c0a8 0001 c0a8 00c7 0102 0304");

Buffer with_byte(Buffer packet, std::size_t at, unsigned value) {
  packet[at] = static_cast<std::uint8_t>(value);
  return packet;
}

TEST(Ipv4, ReadsAHeader) {
  const auto ip = Ipv4View::parse(kPacket);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->header_size(), 20U);
  EXPECT_EQ(ip->total_length(), 24);
  EXPECT_EQ(ip->tos(), 0);
  EXPECT_EQ(ip->id(), 0);
  EXPECT_TRUE(ip->dont_fragment());
  EXPECT_FALSE(ip->more_fragments());
  EXPECT_FALSE(ip->is_fragment());
  EXPECT_EQ(ip->fragment_offset(), 0);
  EXPECT_EQ(ip->ttl(), 64);
  EXPECT_EQ(ip->protocol(), Protocol::udp);
  EXPECT_EQ(ip->checksum(), 0xb8bc);
  EXPECT_EQ(ip->src(), IpAddr::v4(192, 168, 0, 1));
  EXPECT_EQ(ip->dst(), IpAddr::v4(192, 168, 0, 199));
  EXPECT_TRUE(ip->header_checksum_ok());
  EXPECT_FALSE(ip->has_options());
  EXPECT_EQ(ip->payload().size(), 4U);
}

TEST(Ipv4, ReadsFragmentsAndTheTrafficClass) {
  const Buffer packet = hex("45ba 0014 1234 2155 ff06 0000 0a000001 0a000002");
  const auto ip = Ipv4View::parse(packet);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->dscp(), 46);
  EXPECT_EQ(ip->ecn(), 2);
  EXPECT_EQ(ip->id(), 0x1234);
  EXPECT_FALSE(ip->dont_fragment());
  EXPECT_TRUE(ip->more_fragments());
  EXPECT_TRUE(ip->is_fragment());
  EXPECT_EQ(ip->fragment_offset(), 0x155 * 8);
  EXPECT_EQ(ip->ttl(), 255);
  const Buffer first = hex("4500 0014 1234 2000 ff06 0000 0a000001 0a000002");
  EXPECT_TRUE(Ipv4View::parse(first)->is_fragment());
  EXPECT_EQ(Ipv4View::parse(first)->fragment_offset(), 0);
  const Buffer last = hex("4500 0014 1234 1fff ff06 0000 0a000001 0a000002");
  EXPECT_TRUE(Ipv4View::parse(last)->is_fragment());
  EXPECT_EQ(Ipv4View::parse(last)->fragment_offset(), 65528);
}

TEST(Ipv4, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kPacket.size(); ++n) {
    EXPECT_FALSE(Ipv4View::parse(cut(kPacket, n))) << n;
  }
}

TEST(Ipv4, RefusesOtherVersions) {
  for (unsigned version = 0; version < 16; ++version) {
    EXPECT_EQ(Ipv4View::parse(with_byte(kPacket, 0, version << 4U | 5U)).has_value(), version == 4);
  }
}

TEST(Ipv4, ChecksTheHeaderLength) {
  for (unsigned ihl = 0; ihl < 16; ++ihl) {
    const auto ip = Ipv4View::parse(with_byte(kPacket, 0, 0x40U | ihl));
    EXPECT_EQ(ip.has_value(), ihl == 5 || ihl == 6) << ihl;
  }
  // The whole packet is header and options.
  const Buffer all = with_byte(kPacket, 0, 0x46);
  EXPECT_EQ(Ipv4View::parse(all)->options().size(), 4U);
  EXPECT_TRUE(Ipv4View::parse(all)->payload().empty());
}

TEST(Ipv4, ChecksTheTotalLength) {
  for (unsigned total = 0; total < 65536; ++total) {
    Buffer packet = kPacket;
    store_be16(&packet[2], static_cast<std::uint16_t>(total));
    const auto ip = Ipv4View::parse(packet);
    ASSERT_EQ(ip.has_value(), total >= 20 && total <= 24) << total;
    if (ip) {
      EXPECT_EQ(ip->payload().size(), total - 20);
      EXPECT_TRUE(lies_within(ip->payload(), packet));
    }
  }
}

TEST(Ipv4, LeavesPaddingOut) {
  Buffer padded = kPacket;
  padded.resize(46, 0xee);
  const auto ip = Ipv4View::parse(padded);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->payload().size(), 4U);
  EXPECT_EQ(ip->bytes().size(), 24U);
}

// Shared memory: what was checked is what counts.
TEST(Ipv4, ReadsItsLengthsOnce) {
  Buffer packet = kPacket;
  const auto ip = Ipv4View::parse(packet);
  packet[0] = 0x4f;
  packet[2] = packet[3] = 0xff;
  EXPECT_EQ(ip->header_size(), 20U);
  EXPECT_EQ(ip->payload().size(), 4U);
}

TEST(Ipv4, SeesEveryFlippedBit) {
  for (const char* text : {"4500 0018 0000 4000 4011 b8bc c0a8 0001 c0a8 00c7 0102 0304",
                           "4600 0018 0000 4000 4011 b3b6 c0a8 0001 c0a8 00c7 0102 0304"}) {
    const Buffer packet = hex(text);
    const auto ip = Ipv4View::parse(packet);
    ASSERT_TRUE(ip && ip->header_checksum_ok()) << text;
    for (std::size_t bit = 0; bit < ip->header_size() * 8; ++bit) {
      Buffer bad = packet;
      bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << bit % 8));
      const auto view = Ipv4View::parse(bad);
      EXPECT_FALSE(view && view->header_checksum_ok()) << bit;
    }
  }
}

TEST(Ipv4, EmitsWhatItReads) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const Ipv4 value{.src = IpAddr::v4(static_cast<std::uint32_t>(random())),
                     .dst = IpAddr::v4(static_cast<std::uint32_t>(random())),
                     .protocol = static_cast<Protocol>(random() % 256),
                     .ttl = static_cast<std::uint8_t>(random()),
                     .tos = static_cast<std::uint8_t>(random()),
                     .dont_fragment = random() % 2 == 0,
                     .more_fragments = random() % 2 == 0,
                     .id = static_cast<std::uint16_t>(random()),
                     .fragment_offset = static_cast<std::uint16_t>(random() % 8192 * 8),
                     .total_length = 100};
    Buffer packet(100);
    value.emit(packet.data());
    const auto ip = Ipv4View::parse(packet);
    ASSERT_TRUE(ip);
    EXPECT_TRUE(ip->header_checksum_ok());
    EXPECT_EQ(ip->src(), value.src);
    EXPECT_EQ(ip->dst(), value.dst);
    EXPECT_EQ(ip->protocol(), value.protocol);
    EXPECT_EQ(ip->ttl(), value.ttl);
    EXPECT_EQ(ip->tos(), value.tos);
    EXPECT_EQ(ip->dont_fragment(), value.dont_fragment);
    EXPECT_EQ(ip->more_fragments(), value.more_fragments);
    EXPECT_EQ(ip->id(), value.id);
    EXPECT_EQ(ip->fragment_offset(), value.fragment_offset);
  }
  Buffer packet(20);
  Ipv4{.src = IpAddr::v4(192, 168, 0, 1),
       .dst = IpAddr::v4(192, 168, 0, 199),
       .protocol = Protocol::udp,
       .dont_fragment = true,
       .total_length = 24}
      .emit(packet.data());
  EXPECT_EQ(packet, cut(kPacket, 20));
}

TEST(Ipv4, EmitsOptionsPaddedWithZeros) {
  for (std::size_t n = 0; n <= Ipv4::kMaxOptions; ++n) {
    Buffer options(n, Ipv4Option::kNop);
    Buffer packet(60, 0xee);
    Ipv4 value{.src = IpAddr::v4(1), .dst = IpAddr::v4(2), .total_length = 60};
    const std::size_t size = value.emit_with_options(packet.data(), options);
    EXPECT_EQ(size, 20 + (n + 3) / 4 * 4);
    const auto ip = Ipv4View::parse(packet);
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->header_size(), size);
    EXPECT_TRUE(ip->header_checksum_ok());
    for (std::size_t i = 0; i < ip->options().size(); ++i) {
      EXPECT_EQ(ip->options()[i], i < n ? Ipv4Option::kNop : 0);
    }
  }
}

TEST(Ipv4, ReadsTheQuoteOfALongerPacket) {
  const Buffer quote = hex("4500 05dc 0000 4000 4011 b8bc c0a8 0001 c0a8 00c7 0102030405060708");
  EXPECT_FALSE(Ipv4View::parse(quote));
  const auto ip = Ipv4View::parse_quote(quote);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->payload().size(), 8U);
  EXPECT_EQ(ip->total_length(), 28);
  for (std::size_t n = 0; n < quote.size(); ++n) {
    const Buffer shorter = cut(quote, n);
    const auto view = Ipv4View::parse_quote(shorter);
    ASSERT_EQ(view.has_value(), n >= 20) << n;
    if (view) {
      EXPECT_TRUE(lies_within(view->payload(), shorter));
    }
  }
  EXPECT_FALSE(Ipv4View::parse_quote(with_byte(quote, 0, 0x65)));
  EXPECT_FALSE(Ipv4View::parse_quote(with_byte(quote, 0, 0x44)));
  EXPECT_FALSE(Ipv4View::parse_quote(with_byte(quote, 0, 0x48)));
  // Longer than 64 KiB: the length still fits.
  Buffer huge(70000, 0);
  std::copy(quote.begin(), quote.end(), huge.begin());
  huge[2] = huge[3] = 0xff;
  EXPECT_EQ(Ipv4View::parse_quote(huge)->total_length(), 65535);
}

TEST(Ipv4Options, WalksThem) {
  const Buffer options = hex("01 94040000 01 83 07 04 0a000001 07 03 04 00 99");
  Ipv4OptionWalker walker(options);
  Ipv4Option option;
  ASSERT_TRUE(walker.next(option));
  EXPECT_EQ(option.type, Ipv4Option::kRouterAlert);
  EXPECT_EQ(option.bytes.size(), 4U);
  EXPECT_TRUE(option.is_copied());
  ASSERT_TRUE(walker.next(option));
  EXPECT_EQ(option.type, Ipv4Option::kLooseSourceRoute);
  EXPECT_EQ(option.bytes.size(), 7U);
  ASSERT_TRUE(walker.next(option));
  EXPECT_EQ(option.type, Ipv4Option::kRecordRoute);
  EXPECT_FALSE(option.is_copied());
  EXPECT_FALSE(walker.next(option));
  EXPECT_FALSE(walker.malformed());
  EXPECT_FALSE(walker.next(option));
}

TEST(Ipv4Options, SummarizesThem) {
  EXPECT_TRUE(Ipv4OptionSummary::of(hex("83 03 04 00")).loose_source_route);
  EXPECT_TRUE(Ipv4OptionSummary::of(hex("89 03 04 00")).strict_source_route);
  EXPECT_TRUE(Ipv4OptionSummary::of(hex("89 03 04 00")).source_route());
  EXPECT_TRUE(Ipv4OptionSummary::of(hex("07 03 04 00")).record_route);
  EXPECT_TRUE(Ipv4OptionSummary::of(hex("44 04 05 00")).timestamp);
  EXPECT_TRUE(Ipv4OptionSummary::of(hex("94 04 00 00")).router_alert);
  const auto none = Ipv4OptionSummary::of(hex("01 01 aa 04 bb bb 00 83"));
  EXPECT_FALSE(none.malformed || none.source_route() || none.record_route || none.timestamp ||
               none.router_alert);
}

// Every type at every place with every length: the walk ends, stays inside, and
// tells the offset of the option whose length is wrong.
TEST(Ipv4Options, EveryBadLengthIsMalformed) {
  for (unsigned type = 2; type < 256; ++type) {
    for (std::size_t at = 0; at < 12; ++at) {
      for (unsigned length = 0; length < 256; ++length) {
        Buffer options(12, Ipv4Option::kNop);
        options[at] = static_cast<std::uint8_t>(type);
        if (at + 1 < 12) options[at + 1] = static_cast<std::uint8_t>(length);
        const bool legal = at + 1 < 12 && length >= 2 && at + length <= 12;
        const auto summary = Ipv4OptionSummary::of(options);
        ASSERT_EQ(summary.malformed, !legal) << type << " " << at << " " << length;
        if (!legal) {
          ASSERT_EQ(summary.error_offset, at);
        }
      }
    }
  }
}

TEST(Ipv4Options, RubbishEnds) {
  std::mt19937 random(2);
  for (int i = 0; i < 100000; ++i) {
    Buffer options(random() % 41);
    for (auto& byte : options) byte = static_cast<std::uint8_t>(random() % (i % 2 == 0 ? 256 : 6));
    Ipv4OptionWalker walker(options);
    Ipv4Option option;
    std::size_t steps = 0;
    while (walker.next(option)) {
      ASSERT_TRUE(lies_within(option.bytes, options));
      ASSERT_GE(option.bytes.size(), 2U);
      ASSERT_LE(++steps, 20U);
    }
    ASSERT_LE(walker.offset(), options.size());
  }
}

}  // namespace
}  // namespace naru::wire
