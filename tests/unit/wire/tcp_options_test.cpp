#include "wire/tcp_options.hpp"

#include <random>

#include <gtest/gtest.h>

#include "hex.hpp"
#include "wire/tcp.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::hex;

Buffer emit_syn(const TcpOptions& options) {
  Buffer out(Tcp::kMaxOptions, 0xee);
  const std::size_t size = emit_syn_options(out.data(), options);
  for (std::size_t i = size; i < out.size(); ++i) EXPECT_EQ(out[i], 0xee);
  out.resize(size);
  return out;
}

TEST(TcpOptions, NoneAreNone) {
  EXPECT_EQ(TcpOptions::parse({}), TcpOptions{});
  EXPECT_EQ(TcpOptions::parse(hex("00000000")), TcpOptions{});
  EXPECT_EQ(TcpOptions::parse(hex("01010101")), TcpOptions{});
}

TEST(TcpOptions, ReadsLinuxSyn) {
  const auto options =
      TcpOptions::parse(hex("020405b4 0402080a 11223344 55667788 01030307 2204 aabb"));
  EXPECT_FALSE(options.malformed);
  EXPECT_EQ(options.mss, 1460);
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.timestamps, (Timestamps{0x11223344, 0x55667788}));
  EXPECT_EQ(options.window_scale, 7);
  EXPECT_FALSE(options.fast_open);  // a cookie of 2 bytes is none
}

// The short way round and the long one say the same.
TEST(TcpOptions, TimestampsOfEverySegment) {
  const auto expected = TcpOptions{.timestamps = Timestamps{1, 2}};
  EXPECT_EQ(TcpOptions::parse(hex("0101 080a 00000001 00000002")), expected);
  EXPECT_EQ(TcpOptions::parse(hex("01 080a 00000001 00000002 01")), expected);
  EXPECT_EQ(TcpOptions::parse(hex("080a 00000001 00000002 0101")), expected);
  EXPECT_EQ(TcpOptions::parse(hex("080a 00000001 00000002 00ff")), expected);
  EXPECT_TRUE(TcpOptions::parse(hex("0101 080a 00000001 000000")).malformed);
  EXPECT_EQ(TcpOptions::parse(hex("0101 080a 00000001 00000002 01010101")), expected);
}

TEST(TcpOptions, ReadsSackBlocks) {
  for (std::size_t count = 1; count <= 4; ++count) {
    Buffer bytes = {kOptionSack, static_cast<std::uint8_t>(2 + 8 * count)};
    for (std::uint8_t i = 0; i < count * 8; ++i) bytes.push_back(i);
    const auto options = TcpOptions::parse(bytes);
    ASSERT_FALSE(options.malformed);
    ASSERT_EQ(options.sack().size(), count);
    EXPECT_EQ(options.sack()[0], (SackBlock{0x00010203, 0x04050607}));
    EXPECT_EQ(options.sack()[count - 1].right, load_be32(&bytes[2 + 8 * count - 4]));
  }
}

TEST(TcpOptions, ReadsFastOpenCookies) {
  EXPECT_EQ(TcpOptions::parse(hex("2202")).fast_open, FastOpenCookie{});
  const auto options = TcpOptions::parse(hex("220a 0102030405060708 0101"));
  ASSERT_TRUE(options.fast_open);
  EXPECT_EQ(options.fast_open->size, 8);
  EXPECT_EQ(options.fast_open->bytes()[7], 8);
  // RFC 7413 4.1.1: other sizes are ignored, the rest of the options is not.
  for (const std::size_t size : {1U, 2U, 3U, 5U, 7U, 15U, 17U, 18U, 30U}) {
    Buffer bytes = {kOptionFastOpen, static_cast<std::uint8_t>(2 + size)};
    bytes.resize(2 + size);
    bytes.insert(bytes.end(), {kOptionMss, 4, 5, 0xb4});
    const auto other = TcpOptions::parse(bytes);
    EXPECT_FALSE(other.fast_open) << size;
    EXPECT_FALSE(other.malformed) << size;
    EXPECT_EQ(other.mss, 1460);
  }
}

TEST(TcpOptions, GarbageAfterTheEndIsIgnored) {
  const auto options = TcpOptions::parse(hex("01 01 020405b4 00 02ff 0800 ffff"));
  EXPECT_FALSE(options.malformed);
  EXPECT_EQ(options.mss, 1460);
  EXPECT_FALSE(options.timestamps);
}

TEST(TcpOptions, TheLastOfEqualsCounts) {
  EXPECT_EQ(TcpOptions::parse(hex("020405b4 02040218")).mss, 536);
}

TEST(TcpOptions, UnknownKindsAreSkipped) {
  for (unsigned kind = 6; kind < 256; ++kind) {
    if (kind == kOptionTimestamps || kind == kOptionFastOpen) continue;
    for (std::size_t length = 2; length <= 36; ++length) {
      Buffer bytes(length, 0xff);
      bytes[0] = static_cast<std::uint8_t>(kind);
      bytes[1] = static_cast<std::uint8_t>(length);
      bytes.insert(bytes.end(), {kOptionMss, 4, 5, 0xb4});
      ASSERT_EQ(TcpOptions::parse(bytes), TcpOptions{.mss = 1460}) << kind << " " << length;
    }
  }
}

bool is_legal(unsigned kind, std::size_t length) {
  switch (kind) {
    case kOptionMss:
      return length == 4;
    case kOptionWindowScale:
      return length == 3;
    case kOptionSackPermitted:
      return length == 2;
    case kOptionSack:
      return length == 10 || length == 18 || length == 26 || length == 34;
    case kOptionTimestamps:
      return length == 10;
    default:
      return length >= 2;
  }
}

// RFC 9293 MUST-7: every kind, at every place (MUST-64), with every length.
TEST(TcpOptions, EveryIllegalLengthIsMalformed) {
  for (unsigned kind = 2; kind < 256; ++kind) {
    for (std::size_t at = 0; at < 40; ++at) {
      for (std::size_t length = 0; length < 256; ++length) {
        // The sanitized builds see a read past this buffer's end.
        Buffer bytes(40, kOptionNop);
        bytes[at] = static_cast<std::uint8_t>(kind);
        if (at + 1 < bytes.size()) bytes[at + 1] = static_cast<std::uint8_t>(length);
        const bool fits = at + 1 < bytes.size() && at + length <= bytes.size();
        const auto options = TcpOptions::parse(bytes);
        ASSERT_EQ(options.malformed, !fits || !is_legal(kind, length))
            << kind << " " << at << " " << length;
        if (options.malformed) {
          ASSERT_EQ(options, TcpOptions{.malformed = true});
        }
      }
    }
  }
}

TEST(TcpOptions, EveryTruncationIsSafe) {
  const Buffer all = hex("020405b4 0402080a 00000001 00000002 01030307 050a 00000001 00000002");
  for (std::size_t n = 0; n <= all.size(); ++n) {
    const auto options = TcpOptions::parse(test::cut(all, n));
    const bool at_border = n == 0 || n == 4 || n == 6 || n == 16 || n == 17 || n == 20 || n == 30;
    EXPECT_EQ(options.malformed, !at_border) << n;
  }
}

TEST(TcpOptions, EmitsASynAsLinuxDoes) {
  TcpOptions options{
      .timestamps = Timestamps{1, 2}, .mss = 1460, .window_scale = 7, .sack_permitted = true};
  EXPECT_EQ(emit_syn(options), hex("020405b4 0402080a 00000001 00000002 01030307"));
  options.sack_permitted = false;
  EXPECT_EQ(emit_syn(options), hex("020405b4 0101080a 00000001 00000002 01030307"));
  options.timestamps.reset();
  EXPECT_EQ(emit_syn(options), hex("020405b4 01030307"));
  options.sack_permitted = true;
  EXPECT_EQ(emit_syn(options), hex("020405b4 01010402 01030307"));
  EXPECT_EQ(emit_syn({.mss = 536}), hex("02040218"));
  EXPECT_EQ(emit_syn({}), Buffer{});
  EXPECT_EQ(emit_syn({.fast_open = FastOpenCookie{}}), hex("2202 0101"));
  EXPECT_EQ(emit_syn({.fast_open = FastOpenCookie{{1, 2, 3, 4, 5, 6}, 6}}),
            hex("2208 010203040506"));
}

// All that a SYN can carry goes in 40 bytes and comes out again.
TEST(TcpOptions, ReadsEverySynThatItEmits) {
  for (unsigned mask = 0; mask < 16; ++mask) {
    for (const std::size_t cookie : {0U, 2U, 4U, 6U, 8U, 10U, 12U, 14U, 16U}) {
      TcpOptions options;
      if ((mask & 1U) != 0) options.mss = 1440;
      if ((mask & 2U) != 0) options.window_scale = 14;
      if ((mask & 4U) != 0) options.timestamps = Timestamps{0xffffffff, 0x80000000};
      options.sack_permitted = (mask & 8U) != 0;
      if (cookie != 2) {
        options.fast_open.emplace().size = static_cast<std::uint8_t>(cookie);
        for (std::size_t i = 0; i < cookie; ++i) options.fast_open->data[i] = 0xc0;
      }
      const Buffer bytes = emit_syn(options);
      EXPECT_EQ(bytes.size() % 4, 0U);
      EXPECT_LE(bytes.size(), Tcp::kMaxOptions);
      EXPECT_EQ(TcpOptions::parse(bytes), options) << mask << " " << cookie;
    }
  }
}

TEST(TcpOptions, EmitsDataOptionsAsLinuxDoes) {
  Buffer out(12);
  emit_timestamps(out.data(), {0x01020304, 0x05060708});
  EXPECT_EQ(out, hex("0101080a 01020304 05060708"));
  const SackBlock blocks[] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
  for (std::size_t count = 1; count <= 4; ++count) {
    out.assign(sack_size(count), 0);
    emit_sack(out.data(), std::span(blocks).first(count));
    EXPECT_EQ(out[0], kOptionNop);
    EXPECT_EQ(out[1], kOptionNop);
    const auto options = TcpOptions::parse(out);
    ASSERT_EQ(options.sack().size(), count);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(options.sack()[i], blocks[i]);
  }
  EXPECT_EQ(sack_size(0), 0U);
  EXPECT_LE(TcpOptions::kTimestampsSize + sack_size(max_sack_blocks(true)), Tcp::kMaxOptions);
  EXPECT_LE(sack_size(max_sack_blocks(false)), Tcp::kMaxOptions);
}

TEST(TcpOptions, RubbishEnds) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    Buffer bytes(random() % 41);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % (i % 2 == 0 ? 256 : 11));
    const auto options = TcpOptions::parse(bytes);
    ASSERT_LE(options.sack_count, TcpOptions::kMaxSackBlocks);
    if (options.fast_open) {
      ASSERT_LE(options.fast_open->size, FastOpenCookie::kMaxSize);
    }
  }
}

}  // namespace
}  // namespace naru::wire
