// The options of a TCP header: RFC 9293 3.2, RFC 7323 (window scale,
// timestamps), RFC 2018 (SACK), RFC 7413 (fast open).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <naru/base/bytes.hpp>

#include "wire/checksum.hpp"
#include "wire/fields.hpp"

namespace naru::wire {

// Option kinds (IANA).
inline constexpr std::uint8_t kOptionEnd = 0;
inline constexpr std::uint8_t kOptionNop = 1;
inline constexpr std::uint8_t kOptionMss = 2;
inline constexpr std::uint8_t kOptionWindowScale = 3;
inline constexpr std::uint8_t kOptionSackPermitted = 4;
inline constexpr std::uint8_t kOptionSack = 5;
inline constexpr std::uint8_t kOptionTimestamps = 8;
inline constexpr std::uint8_t kOptionFastOpen = 34;

// TSval and TSecr (RFC 7323 3.2).
struct Timestamps {
  std::uint32_t value = 0;
  std::uint32_t echo = 0;

  constexpr bool operator==(const Timestamps&) const = default;
};

// Bytes [left, right) have arrived (RFC 2018 3).
struct SackBlock {
  std::uint32_t left = 0;
  std::uint32_t right = 0;

  constexpr bool operator==(const SackBlock&) const = default;
};

// A fast open cookie; of length 0 it asks for one (RFC 7413 4.1.1).
struct FastOpenCookie {
  static constexpr std::size_t kMaxSize = 16;

  std::array<std::uint8_t, kMaxSize> data{};
  std::uint8_t size = 0;

  constexpr bool operator==(const FastOpenCookie&) const = default;
  Bytes bytes() const { return {data.data(), size}; }
};

struct TcpOptions {
  static constexpr std::size_t kMaxSackBlocks = 4;
  static constexpr std::size_t kTimestampsSize = 12;  // with the two NOPs before

  std::optional<Timestamps> timestamps = std::nullopt;
  std::optional<std::uint16_t> mss = std::nullopt;
  std::optional<std::uint8_t> window_scale =
      std::nullopt;  // as sent: may be above 14 (RFC 7323 2.3)
  bool sack_permitted = false;
  bool malformed = false;
  std::uint8_t sack_count = 0;
  std::array<SackBlock, kMaxSackBlocks> sack_blocks{};
  std::optional<FastOpenCookie> fast_open = std::nullopt;

  constexpr bool operator==(const TcpOptions&) const = default;
  std::span<const SackBlock> sack() const { return {sack_blocks.data(), sack_count}; }

  // Reads the options of any segment, at any alignment. Unknown kinds are
  // skipped by their length and what follows an end of list is ignored. Of an
  // option that comes twice the last one counts.
  //
  // An illegal length (RFC 9293 MUST-7) makes the whole list malformed, and
  // parsing stops there; what was read before stays. Illegal is a length of 0,
  // 1 or past the end, or one that is wrong for its kind (2, 3, 4, 5, 8). The
  // one exception is a fast open cookie, which RFC 7413 4.1.1 wants ignored.
  static TcpOptions parse(Bytes options);

 private:
  static TcpOptions parse_list(Bytes options);
};

// What every segment of a connection with timestamps carries: NOP, NOP, TS.
inline constexpr std::uint32_t kNopNopTimestamps = 0x0101080aU;

inline TcpOptions TcpOptions::parse(Bytes options) {
  if (options.size() == kTimestampsSize && load_be32(options.data()) == kNopNopTimestamps) {
    TcpOptions result;
    result.timestamps = {load_be32(options.data() + 4), load_be32(options.data() + 8)};
    return result;
  }
  return options.empty() ? TcpOptions{} : parse_list(options);
}

// The options of a SYN or SYN-ACK in Linux's order and alignment: MSS, SACK
// permitted and timestamps, NOP and window scale, fast open. Writes a multiple
// of 4 and at most 40 bytes; gives the size. SACK blocks are not written.
std::size_t emit_syn_options(std::uint8_t* p, const TcpOptions& options);

// NOP, NOP, TS: writes TcpOptions::kTimestampsSize bytes and gives their sum.
inline std::uint64_t emit_timestamps(std::uint8_t* p, const Timestamps& timestamps) {
  const std::uint64_t first = be32(kNopNopTimestamps) | be32(timestamps.value) << 32U;
  const std::uint64_t second = be32(timestamps.echo);
  store_word64(p, first);
  store_word32(p + 8, static_cast<std::uint32_t>(second));
  return add(first, second);
}

// NOP, NOP, SACK with 1 to 4 blocks: writes sack_size(blocks.size()) bytes.
void emit_sack(std::uint8_t* p, std::span<const SackBlock> blocks);

constexpr std::size_t sack_size(std::size_t blocks) { return blocks == 0 ? 0 : 4 + 8 * blocks; }
// How many blocks fit beside timestamps.
constexpr std::size_t max_sack_blocks(bool with_timestamps) { return with_timestamps ? 3 : 4; }

}  // namespace naru::wire
