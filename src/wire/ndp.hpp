// Neighbour discovery (RFC 4861): five messages of ICMPv6 and their options.
//
//   | ICMPv6 header, the message's own fields (kSize) | option | option | ...
//   option: | type | length in units of 8 bytes | body ... |
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/fields.hpp"
#include "wire/icmpv6.hpp"

namespace naru::wire {

// The hop limit of every message: no router has passed it on (RFC 4861 3.1).
inline constexpr std::uint8_t kNdpHopLimit = 255;

struct NdpOption {
  static constexpr std::uint8_t kSourceLinkLayer = 1;
  static constexpr std::uint8_t kTargetLinkLayer = 2;
  static constexpr std::uint8_t kPrefixInformation = 3;
  static constexpr std::uint8_t kRedirectedHeader = 4;
  static constexpr std::uint8_t kMtu = 5;
  static constexpr std::uint8_t kNonce = 14;             // RFC 3971 5.3.2, RFC 7527
  static constexpr std::uint8_t kRecursiveServers = 25;  // RFC 8106 5.1
  static constexpr std::uint8_t kSearchDomains = 31;     // RFC 8106 5.2

  static constexpr std::size_t kLinkLayerSize = 8;
  static constexpr std::size_t kNonceSize = 8;

  std::uint8_t type = 0;
  Bytes bytes;  // with type and length

  static void emit_link_layer(std::uint8_t* p, std::uint8_t type, const MacAddr& mac) {
    p[0] = type;
    p[1] = 1;
    store_mac(p + 2, mac);
  }
};

// Walks over options, each of which lies in the message.
class NdpOptionWalker {
 public:
  // Nobody needs more: behind them lies somebody's attempt to keep us busy.
  static constexpr unsigned kMaxOptions = 64;

  explicit NdpOptionWalker(Bytes options) : rest_(options) {}

  // False at the end, and at an option that is not one: then malformed().
  bool next(NdpOption& option);
  bool malformed() const { return malformed_; }

 private:
  Bytes rest_;
  unsigned count_ = 0;
  bool malformed_ = false;
};

// By it a node knows its own question when it comes back (RFC 7527).
using NdpNonce = std::array<std::uint8_t, NdpOption::kNonceSize - 2>;

// The options of neighbour messages, read once.
struct NdpOptions {
  bool malformed = false;
  std::optional<MacAddr> source_link_layer = {};
  std::optional<MacAddr> target_link_layer = {};
  std::optional<NdpNonce> nonce;

  static NdpOptions of(Bytes options);
};

// Who has `target`?
struct NeighbourSolicitation {
  static constexpr std::size_t kSize = 24;
  static constexpr std::size_t kMaxSize = kSize + NdpOption::kLinkLayerSize + NdpOption::kNonceSize;

  IpAddr target;
  std::optional<MacAddr> source_link_layer = {};
  std::optional<NdpNonce> nonce = {};

  // Gives the size written; without a checksum.
  std::size_t emit(std::uint8_t* p) const;
};

// I have `target`.
struct NeighbourAdvertisement {
  static constexpr std::size_t kSize = 24;
  static constexpr std::size_t kMaxSize = kSize + NdpOption::kLinkLayerSize;
  static constexpr std::uint32_t kRouter = 0x8000'0000U;
  static constexpr std::uint32_t kSolicited = 0x4000'0000U;
  static constexpr std::uint32_t kOverride = 0x2000'0000U;

  IpAddr target;
  bool is_router = false;
  bool solicited = false;     // in answer to somebody
  bool does_override = true;  // what was known of the target before
  std::optional<MacAddr> target_link_layer = {};

  std::size_t emit(std::uint8_t* p) const;
};

// A message of a type of neighbour discovery, code 0, not shorter than its fields.
class NdpView {
 public:
  static std::optional<NdpView> parse(Bytes message);

  Icmpv6Type type() const { return static_cast<Icmpv6Type>(message_[0]); }
  // Solicitation, advertisement, redirect.
  IpAddr target() const { return load_ipv6(message_.data() + 8); }
  // Redirect.
  IpAddr destination() const { return load_ipv6(message_.data() + 24); }
  // Advertisement.
  std::uint32_t flags() const { return load_be32(message_.data() + 4); }
  // The ICMPv6 header and the message's own fields.
  Bytes fields() const { return message_.first(fields_); }
  Bytes options() const { return message_.subspan(fields_); }

 private:
  NdpView(Bytes message, std::size_t fields) : message_(message), fields_(fields) {}

  Bytes message_;
  std::size_t fields_;
};

}  // namespace naru::wire
