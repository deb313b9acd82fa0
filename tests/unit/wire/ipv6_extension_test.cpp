#include "wire/ipv6_extension.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "hex.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;
using Fault = Ipv6Chain::Fault;

// A packet with these bytes behind the base header.
Buffer packet(std::uint8_t next_header, const Buffer& payload) {
  Buffer bytes(Ipv6::kHeaderSize);
  Ipv6 header;
  header.next_header = static_cast<Protocol>(next_header);
  header.payload_length = static_cast<std::uint16_t>(payload.size());
  header.emit(bytes.data());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

Ipv6Chain walk(std::uint8_t next_header, const Buffer& payload, bool to_group = false,
               bool is_whole = false) {
  const Buffer bytes = packet(next_header, payload);
  return Ipv6Chain::of(*Ipv6View::parse(bytes), to_group, is_whole);
}
Ipv6Chain walk(std::uint8_t next_header, std::string_view payload) {
  return walk(next_header, hex(payload));
}

TEST(Ipv6Chain, LeadsToTheUpperLayer) {
  NARU_CHECKS("IP6-007");
  const auto none = walk(6, "");
  EXPECT_EQ(none.fault, Fault::none);
  EXPECT_EQ(none.upper, 6);
  EXPECT_EQ(none.upper_at, 40U);
  EXPECT_EQ(none.next_header_offset, 6U);
  // Hop-by-hop, destination options of 16 bytes, routing without a way to go, UDP.
  const auto all = walk(0,
                        "3c00 010400000000 2b01 010c000000000000000000000000"
                        "1100 0400 00000000 aabb");
  EXPECT_EQ(all.fault, Fault::malformed) << "12 bytes of padding in a row";
  const auto three = walk(0, "3c00 010400000000 2b00 010400000000 1100 0400 00000000 aabb");
  EXPECT_EQ(three.fault, Fault::none);
  EXPECT_EQ(three.upper, 17);
  EXPECT_EQ(three.upper_at, 64U);
  EXPECT_EQ(three.next_header_offset, 56U);
}

TEST(Ipv6Chain, HopByHopComesFirstOrNotAtAll) {
  NARU_CHECKS("IP6-007");
  const auto late = walk(60, "0000 010400000000 3b00 010400000000");
  EXPECT_EQ(late.fault, Fault::next_header);
  EXPECT_EQ(late.pointer, 40U) << "the field that names it";
}

TEST(Ipv6Chain, TellsWhatRoutersAreToLookAtItFor) {
  Buffer alert(RouterAlert::kSize);
  RouterAlert::emit(alert.data(), Protocol::icmpv6, RouterAlert::kMld);
  EXPECT_EQ(alert, hex("3a00 05020000 0100"));
  EXPECT_EQ(walk(0, alert).router_alert, RouterAlert::kMld);
  EXPECT_EQ(walk(0, "3b00 05020001 0100").router_alert, 1);
  EXPECT_FALSE(walk(0, "3b00 010400000000").router_alert);
  EXPECT_FALSE(walk(60, "3b00 05020000 0100").router_alert) << "not hop by hop";
  EXPECT_FALSE(walk(0, "3b00 05010000 0000").router_alert) << "too short";
  EXPECT_FALSE(walk(0, "3b00 050300000000").router_alert) << "too long";
}

TEST(Ipv6Chain, UnknownOptionsSayWhatIsToBeDone) {
  NARU_CHECKS("IP6-010", "IP6-030");
  struct Row {
    std::uint8_t option;
    bool to_group;
    Fault fault;
  };
  for (const std::uint8_t header : {0, 60}) {
    for (const Row& row : {Row{0x1e, false, Fault::none}, Row{0x1e, true, Fault::none},
                           Row{0x5e, false, Fault::option}, Row{0x5e, true, Fault::option},
                           Row{0x9e, false, Fault::bad_option}, Row{0x9e, true, Fault::bad_option},
                           Row{0xde, false, Fault::bad_option}, Row{0xde, true, Fault::option},
                           Row{0xc2, false, Fault::bad_option}}) {
      const Buffer payload{59, 0, 0, 0, row.option, 2, 0, 0};
      const auto chain = walk(header, payload, row.to_group);
      EXPECT_EQ(chain.fault, row.fault) << int{row.option};
      if (row.fault != Fault::none) {
        EXPECT_EQ(chain.pointer, 44U);
      }
    }
  }
}

TEST(Ipv6Chain, OptionsLieInTheirHeader) {
  NARU_CHECKS("IP6-011");
  EXPECT_EQ(walk(60, "3b00 000000000000").fault, Fault::none) << "Pad1";
  EXPECT_EQ(walk(60, "3b00 010400000000").fault, Fault::none) << "PadN";
  EXPECT_EQ(walk(60, "3b00 1e0400000000").fault, Fault::none);
  EXPECT_EQ(walk(60, "3b00 1e0500000000").fault, Fault::malformed);
  EXPECT_EQ(walk(60, "3b00 1eff00000000").fault, Fault::malformed);
  EXPECT_EQ(walk(60, "3b00 0103000000 1e").fault, Fault::malformed) << "no room for a length";
  EXPECT_EQ(walk(60, "3b01 010400000000").fault, Fault::malformed) << "the header does not";
}

TEST(Ipv6Chain, EveryTruncationIsNoticed) {
  NARU_CHECKS("IP6-011");
  const Buffer whole = hex("3c00 010400000000 2b00 010400000000 1100 0400 00000000");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const Buffer part = cut(whole, n);
    EXPECT_EQ(walk(0, part).fault, Fault::malformed) << n;
  }
}

TEST(Ipv6Chain, IsBounded) {
  NARU_CHECKS("IP6-012", "IP6-039");
  const auto chain_of = [](std::size_t headers) {
    Buffer bytes;
    for (std::size_t i = 0; i < headers; ++i) {
      const Buffer one = hex(i + 1 < headers ? "3c00 010400000000" : "3b00 010400000000");
      bytes.insert(bytes.end(), one.begin(), one.end());
    }
    return walk(60, bytes).fault;
  };
  EXPECT_EQ(chain_of(Ipv6Chain::kMaxHeaders), Fault::none);
  EXPECT_EQ(chain_of(Ipv6Chain::kMaxHeaders + 1), Fault::malformed);
  EXPECT_EQ(chain_of(65'528 / 8), Fault::malformed);
  const auto options = [](std::size_t count) {
    Buffer bytes(count * 2 <= 14 ? 16 : 24);
    bytes[0] = 59;
    bytes[1] = static_cast<std::uint8_t>(bytes.size() / 8 - 1);
    for (std::size_t i = 0; i < count; ++i) bytes[2 + 2 * i] = 0x1e;
    return walk(60, bytes).fault;
  };
  EXPECT_EQ(options(Ipv6Chain::kMaxOptions), Fault::none);
  EXPECT_EQ(options(Ipv6Chain::kMaxOptions + 1), Fault::malformed);
}

TEST(Ipv6Chain, NobodyIsRoutedThroughUs) {
  NARU_CHECKS("IP6-013", "IP6-014");
  for (const std::uint8_t type : {0, 2, 4, 100}) {
    EXPECT_EQ(walk(43, Buffer{59, 0, type, 0, 0, 0, 0, 0}).fault, Fault::none);
    const auto chain = walk(43, Buffer{59, 0, type, 1, 0, 0, 0, 0});
    EXPECT_EQ(chain.fault, Fault::header_field);
    EXPECT_EQ(chain.pointer, 42U) << "the type";
  }
}

TEST(Ipv6Chain, ReadsAFragment) {
  const auto first = walk(60, "2c00 010400000000 1100 0001 deadbeef aabb");
  ASSERT_TRUE(first.fragment);
  EXPECT_EQ(first.fault, Fault::none);
  EXPECT_EQ(first.fragment->at, 48U);
  EXPECT_EQ(first.fragment->next_header_offset, 40U);
  EXPECT_EQ(first.fragment->next_header, 17);
  EXPECT_EQ(first.fragment->offset, 0);
  EXPECT_TRUE(first.fragment->more);
  EXPECT_EQ(first.fragment->id, 0xdeadbeefU);
  EXPECT_EQ(first.upper, 17);
  EXPECT_EQ(first.upper_at, 56U);
  Buffer written(8);
  Ipv6Fragment{.next_header = 17, .more = true, .id = 0xdeadbeef}.emit(written.data());
  EXPECT_EQ(written, hex("1100 0001 deadbeef"));
}

TEST(Ipv6Chain, OnlyTheFirstFragmentHasHeaders) {
  NARU_CHECKS("IP6-019", "IP6-021");
  EXPECT_EQ(walk(44, "3c00 0008 00000001 ffff").fault, Fault::none) << "any bytes";
  EXPECT_EQ(walk(44, "3c00 0001 00000001 ffff").fault, Fault::malformed);
  EXPECT_EQ(walk(44, "3c00 0001 00000001 1100010400000000").upper, 17);
}

TEST(Ipv6Chain, NoFragmentLiesInAnother) {
  NARU_CHECKS("IP6-038");
  EXPECT_EQ(walk(44, "2c00 0000 00000001 1100 0000 00000002").fault, Fault::malformed);
  EXPECT_EQ(walk(44, hex("1100 0001 00000001"), false, true).fault, Fault::malformed);
}

}  // namespace
}  // namespace naru::wire
