#include "tcp/syn_cookie.hpp"

#include <algorithm>
#include <array>

#include "tcp/tuple_hash.hpp"

namespace naru::tcp {
namespace {

// What hosts announce: the least that we send (Option::tcp_min_send_mss), the
// defaults of both families, tunnels, Ethernet, jumbo frames.
constexpr std::array<std::uint16_t, 8> kMssTable{216,   536,   1'220, 1'360,
                                                 1'400, 1'440, 1'460, 8'960};

constexpr unsigned kMacBits = 29;
constexpr std::uint32_t kMacMask = (1U << kMacBits) - 1;

constexpr std::uint32_t kOptionBits = 0x3f;
constexpr std::uint32_t kWindowScaleBits = 0x0f;
constexpr std::uint32_t kNoWindowScale = 15;  // no shift is above 14 (RFC 7323 2.3)
constexpr std::uint32_t kMaxWindowScale = 14;
constexpr std::uint32_t kSackBit = 0x10;
constexpr std::uint32_t kEcnBit = 0x20;

std::uint32_t mss_index(std::uint16_t mss) {
  const auto above = std::upper_bound(kMssTable.begin(), kMssTable.end(), mss);
  return above == kMssTable.begin() ? 0 : static_cast<std::uint32_t>(above - kMssTable.begin() - 1);
}

}  // namespace

std::uint32_t cookie_timestamp(std::uint32_t tsval, const CookieOptions& options) {
  std::uint32_t bits = options.window_scale
                           ? std::min<std::uint32_t>(*options.window_scale, kMaxWindowScale)
                           : kNoWindowScale;
  if (options.sack_permitted) bits |= kSackBit;
  if (options.ecn) bits |= kEcnBit;
  const std::uint32_t stamped = (tsval & ~kOptionBits) | bits;
  return bits > (tsval & kOptionBits) ? stamped - (kOptionBits + 1) : stamped;
}

CookieOptions cookie_options(std::uint32_t tsecr) {
  CookieOptions options;
  const std::uint32_t scale = tsecr & kWindowScaleBits;
  if (scale != kNoWindowScale) options.window_scale = static_cast<std::uint8_t>(scale);
  options.sack_permitted = (tsecr & kSackBit) != 0;
  options.ecn = (tsecr & kEcnBit) != 0;
  return options;
}

void SynCookies::start(const SipKey& secret) {
  *this = SynCookies{};
  current_ = previous_ = secret;
}

std::uint32_t SynCookies::cookie(const Endpoint& local, const Endpoint& remote,
                                 std::uint32_t client_isn, std::uint32_t index,
                                 std::uint64_t step) const {
  const SipKey& key = step >= since_ ? current_ : previous_;
  const std::uint64_t extra = step << 35U | std::uint64_t{index} << 32U | client_isn;
  const auto mac = static_cast<std::uint32_t>(tuple_hash(key, local, remote, extra));
  return index << kMacBits | (mac & kMacMask);
}

std::uint32_t SynCookies::make(const Endpoint& local, const Endpoint& remote,
                               std::uint32_t client_isn, std::uint16_t mss, Time now) {
  last_made_ = step(now);
  return cookie(local, remote, client_isn, mss_index(mss), last_made_);
}

std::optional<std::uint16_t> SynCookies::check(const Endpoint& local, const Endpoint& remote,
                                               std::uint32_t client_isn, std::uint32_t given,
                                               Time now) const {
  if (last_made_ == kNever) return std::nullopt;
  const std::uint64_t today = step(now);
  const std::uint32_t index = given >> kMacBits;
  for (const std::uint64_t age : {0U, 1U}) {
    if (age > today || today - age > last_made_) continue;
    if (cookie(local, remote, client_isn, index, today - age) == given) return kMssTable[index];
  }
  return std::nullopt;
}

void SynCookies::rotate(const SipKey& secret, Time now) {
  const std::uint64_t today = step(now);
  if (since_ != 0 && today <= since_) return;
  previous_ = current_;
  current_ = secret;
  since_ = today + 1;
}

}  // namespace naru::tcp
