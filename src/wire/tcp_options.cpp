#include "wire/tcp_options.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace naru::wire {
namespace {

constexpr std::size_t kSackBlockSize = 8;

bool take_sack(Bytes data, TcpOptions& options) {
  const std::size_t count = data.size() / kSackBlockSize;
  if (data.size() % kSackBlockSize != 0) return false;
  if (count == 0 || count > TcpOptions::kMaxSackBlocks) return false;
  options.sack_count = static_cast<std::uint8_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* p = data.data() + i * kSackBlockSize;
    options.sack_blocks[i] = {load_be32(p), load_be32(p + 4)};
  }
  return true;
}

void take_fast_open(Bytes data, TcpOptions& options) {
  // Empty, or 4 to 16 bytes and even (RFC 7413 4.1.1).
  const bool is_cookie =
      data.size() >= 4 && data.size() <= FastOpenCookie::kMaxSize && data.size() % 2 == 0;
  if (!data.empty() && !is_cookie) return;
  FastOpenCookie& cookie = options.fast_open.emplace();
  cookie.size = static_cast<std::uint8_t>(data.size());
  std::copy(data.begin(), data.end(), cookie.data.begin());
}

// False where the data have the wrong length for their kind.
bool take(std::uint8_t kind, Bytes data, TcpOptions& options) {
  switch (kind) {
    case kOptionMss:
      if (data.size() != 2) return false;
      options.mss = load_be16(data.data());
      return true;
    case kOptionWindowScale:
      if (data.size() != 1) return false;
      options.window_scale = data[0];
      return true;
    case kOptionSackPermitted:
      if (!data.empty()) return false;
      options.sack_permitted = true;
      return true;
    case kOptionSack:
      return take_sack(data, options);
    case kOptionTimestamps:
      if (data.size() != 8) return false;
      options.timestamps = {load_be32(data.data()), load_be32(data.data() + 4)};
      return true;
    case kOptionFastOpen:
      take_fast_open(data, options);
      return true;
    default:
      return true;
  }
}

std::uint8_t* put_be32(std::uint8_t* p, std::uint32_t value) {
  store_be32(p, value);
  return p + 4;
}

// NOP, NOP, kind, length.
constexpr std::uint32_t nop_nop(std::uint8_t kind, std::size_t length) {
  return 0x01010000U | std::uint32_t{kind} << 8U | static_cast<std::uint32_t>(length);
}

std::uint8_t* put_fast_open(std::uint8_t* p, const FastOpenCookie& cookie) {
  NARU_CHECK(cookie.size <= FastOpenCookie::kMaxSize);
  *p++ = kOptionFastOpen;
  *p++ = static_cast<std::uint8_t>(2 + cookie.size);
  p = std::copy_n(cookie.data.begin(), cookie.size, p);
  for (std::size_t size = 2U + cookie.size; size % 4 != 0; ++size) *p++ = kOptionNop;
  return p;
}

}  // namespace

TcpOptions TcpOptions::parse_list(Bytes options) {
  TcpOptions result;
  std::size_t at = 0;
  while (at < options.size() && options[at] != kOptionEnd) {
    if (options[at] == kOptionNop) {
      ++at;
      continue;
    }
    const Bytes rest = options.subspan(at);
    if (rest.size() < 2 || rest[1] < 2 || rest[1] > rest.size() ||
        !take(rest[0], rest.subspan(2, rest[1] - 2U), result)) {
      result.malformed = true;
      break;
    }
    at += rest[1];
  }
  return result;
}

std::size_t emit_syn_options(std::uint8_t* p, const TcpOptions& options) {
  const std::uint8_t* start = p;
  if (options.mss) p = put_be32(p, 0x02040000U | *options.mss);
  if (options.timestamps) {
    // SACK permitted stands where the two NOPs would.
    const std::uint32_t first = options.sack_permitted ? 0x0402080aU : kNopNopTimestamps;
    p = put_be32(p, first);
    p = put_be32(p, options.timestamps->value);
    p = put_be32(p, options.timestamps->echo);
  } else if (options.sack_permitted) {
    p = put_be32(p, nop_nop(kOptionSackPermitted, 2));
  }
  if (options.window_scale) p = put_be32(p, 0x01030300U | *options.window_scale);
  if (options.fast_open) p = put_fast_open(p, *options.fast_open);
  return static_cast<std::size_t>(p - start);
}

void emit_sack(std::uint8_t* p, std::span<const SackBlock> blocks) {
  NARU_CHECK(!blocks.empty() && blocks.size() <= TcpOptions::kMaxSackBlocks);
  p = put_be32(p, nop_nop(kOptionSack, 2 + kSackBlockSize * blocks.size()));
  for (const SackBlock& block : blocks) {
    p = put_be32(p, block.left);
    p = put_be32(p, block.right);
  }
}

}  // namespace naru::wire
