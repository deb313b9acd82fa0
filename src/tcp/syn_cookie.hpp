// SYN cookies (RFC 4987 3.6): a listener under a flood keeps nothing per SYN. All
// that it must know comes back in the client's ACK.
//
//   ISN of the SYN-ACK: | MSS index: 3 bits | MAC: 29 bits                     |
//   TSval, if offered:  | clock: 26 bits    | ECN | SACK | window scale: 4 bits |
//
// The MAC covers the 4-tuple, the client's ISN, the MSS index and a counter of
// 64-second steps.
#pragma once

#include <cstdint>
#include <optional>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

#include "base/siphash.hpp"

namespace naru::tcp {

// What of a SYN's options survives in a timestamp.
struct CookieOptions {
  std::optional<std::uint8_t> window_scale;  // the client's shift, 0 to 14
  bool sack_permitted = false;
  bool ecn = false;

  constexpr bool operator==(const CookieOptions&) const = default;
};

// `tsval` with the options in its low six bits, and not later than it was, so
// that the connection's timestamps still rise. A round trip measured by its echo
// is up to 64 ms too long.
std::uint32_t cookie_timestamp(std::uint32_t tsval, const CookieOptions& options);
// The options in the TSecr of the client's ACK.
CookieOptions cookie_options(std::uint32_t tsecr);

class SynCookies {
 public:
  void start(const SipKey& secret);

  // The ISN of a SYN-ACK. The MSS is rounded down to one of eight sizes.
  std::uint32_t make(const Endpoint& local, const Endpoint& remote, std::uint32_t client_isn,
                     std::uint16_t mss, Time now);

  // The client's MSS, if `cookie` (SEG.ACK - 1) was made for this client with
  // `client_isn` (SEG.SEQ - 1) in this step of 64 s or the one before. A guess
  // passes with probability 2^-28, and none is looked at when no cookie that
  // could still be valid was made.
  std::optional<std::uint16_t> check(const Endpoint& local, const Endpoint& remote,
                                     std::uint32_t client_isn, std::uint32_t cookie,
                                     Time now) const;

  // The secret changes with the next step; cookies of the old one stay valid for
  // their time. Calls are ignored while that time lasts.
  void rotate(const SipKey& secret, Time now);
  bool rotation_due(Time now) const { return step(now) >= since_ + kRotationSteps; }

 private:
  static constexpr std::uint64_t kRotationSteps = 64;  // a little over an hour
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  static std::uint64_t step(Time now) {
    return static_cast<std::uint64_t>(nanoseconds(now)) / 64'000'000'000U;
  }
  std::uint32_t cookie(const Endpoint& local, const Endpoint& remote, std::uint32_t client_isn,
                       std::uint32_t mss_index, std::uint64_t step) const;

  SipKey current_;
  SipKey previous_;
  std::uint64_t since_ = 0;           // the first step of the current secret
  std::uint64_t last_made_ = kNever;  // the step of the newest cookie
};

}  // namespace naru::tcp
