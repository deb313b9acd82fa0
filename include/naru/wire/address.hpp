// Addresses of every layer. IPv4 addresses are kept v4-mapped (::ffff:a.b.c.d,
// RFC 4291 2.5.5.2), so every signature between rooms carries both families.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace naru {

// An Ethernet (IEEE 802) address, bytes in transmission order.
struct MacAddr {
  std::array<std::uint8_t, 6> bytes{};

  // By words: gcc makes a call of memcmp of the default.
  constexpr bool operator==(const MacAddr& other) const {
    const auto a = std::bit_cast<std::array<std::uint16_t, 3>>(bytes);
    const auto b = std::bit_cast<std::array<std::uint16_t, 3>>(other.bytes);
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2])) == 0;
  }
  constexpr auto operator<=>(const MacAddr&) const = default;
  // Group bit: multicast, and broadcast as its special case.
  constexpr bool is_multicast() const { return (bytes[0] & 1U) != 0; }
  constexpr bool is_broadcast() const { return *this == broadcast(); }
  constexpr bool is_zero() const { return *this == MacAddr{}; }
  static constexpr MacAddr broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  // "02:00:00:00:00:01"
  static std::optional<MacAddr> parse(std::string_view text);
  std::string to_string() const;
};

// An IPv4 or IPv6 address, 16 bytes in network order.
class IpAddr {
 public:
  // The unspecified address of no family yet: "::".
  constexpr IpAddr() = default;

  // From an IPv4 address as a host-order number: 0x0a000001 is 10.0.0.1.
  static constexpr IpAddr v4(std::uint32_t host_order) {
    const std::uint64_t low = std::uint64_t{__builtin_bswap32(host_order)} << 32U;
    return from_words({0, low | kMappedPrefix});
  }
  static constexpr IpAddr v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return v4((std::uint32_t{a} << 24U) | (std::uint32_t{b} << 16U) | (std::uint32_t{c} << 8U) | d);
  }
  static constexpr IpAddr v6(const std::array<std::uint8_t, 16>& network_order) {
    IpAddr a;
    a.bytes_ = network_order;
    return a;
  }
  static constexpr IpAddr any_v4() { return v4(0); }
  static constexpr IpAddr any_v6() { return {}; }
  static constexpr IpAddr loopback_v4() { return v4(0x7f000001); }
  static constexpr IpAddr loopback_v6() { return from_words({0, std::uint64_t{1} << 56U}); }
  static constexpr IpAddr broadcast_v4() { return v4(0xffffffffU); }

  constexpr bool is_v4() const {
    const Words w = words();
    return w[0] == 0 && static_cast<std::uint32_t>(w[1]) == kMappedPrefix;
  }
  constexpr bool is_v6() const { return !is_v4(); }
  // Host order; only for is_v4().
  constexpr std::uint32_t to_v4() const {
    return __builtin_bswap32(static_cast<std::uint32_t>(words()[1] >> 32U));
  }
  constexpr const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

  // 0.0.0.0 or ::
  bool is_any() const;
  // 127/8 or ::1
  bool is_loopback() const;
  // 224/4 or ff00::/8
  bool is_multicast() const;
  // 255.255.255.255
  bool is_limited_broadcast() const { return *this == broadcast_v4(); }
  // 169.254/16 or fe80::/10
  bool is_link_local() const;

  // The zone of a link-local IPv6 address (RFC 4007): the interface on whose link it is; 0
  // where that is not said. It travels in bits that are zero on a wire (RFC 4291 2.5.6), so
  // that the same address on two links is two addresses to every table; as a word and its
  // complement, so that no checksum over the address changes.
  std::uint8_t zone() const;
  // Addresses of another scope stay as they are.
  IpAddr with_zone(std::uint8_t zone) const;
  // As it is on a wire.
  IpAddr without_zone() const { return with_zone(0); }

  // Dotted quad or RFC 4291 text, with the number of a zone where it is link-local; nothing
  // else (no names).
  static std::optional<IpAddr> parse(std::string_view text);
  // RFC 5952 for IPv6, and RFC 4007 11.2 where there is a zone.
  std::string to_string() const;

  // By words: gcc makes a call of memcmp of the defaults.
  constexpr bool operator==(const IpAddr& other) const {
    const Words a = words();
    const Words b = other.words();
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
  }
  constexpr std::strong_ordering operator<=>(const IpAddr& other) const {
    const Words a = words();
    const Words b = other.words();
    if (a[0] != b[0]) return __builtin_bswap64(a[0]) <=> __builtin_bswap64(b[0]);
    return __builtin_bswap64(a[1]) <=> __builtin_bswap64(b[1]);
  }

 private:
  // The bytes as two little-endian words.
  using Words = std::array<std::uint64_t, 2>;
  static constexpr std::uint32_t kMappedPrefix = 0xffff0000U;  // bytes 8 to 11: 0, 0, ff, ff

  constexpr Words words() const { return std::bit_cast<Words>(bytes_); }
  static constexpr IpAddr from_words(const Words& words) {
    IpAddr a;
    a.bytes_ = std::bit_cast<std::array<std::uint8_t, 16>>(words);
    return a;
  }

  std::array<std::uint8_t, 16> bytes_{};
};

// A transport address: where a socket is bound or connected.
struct Endpoint {
  IpAddr addr;
  std::uint16_t port = 0;  // host order

  constexpr bool operator==(const Endpoint&) const = default;
  // "10.0.0.1:80", "[fe80::1]:80"
  std::string to_string() const;
};

// A network: address and length. For IPv4 the length counts from the 32-bit
// address: 10.0.0.0/8 has length 8.
struct Prefix {
  IpAddr addr;
  std::uint8_t length = 0;

  constexpr bool operator==(const Prefix&) const = default;
  bool contains(const IpAddr& a) const;
  // Directed broadcast address of an IPv4 prefix (all host bits one); none for /31, /32 and IPv6.
  std::optional<IpAddr> broadcast() const;
  // The address with its host bits cleared.
  IpAddr network() const;
  // "10.0.0.1/24"; a bare address means /32 or /128. Host bits are kept.
  static std::optional<Prefix> parse(std::string_view text);
  std::string to_string() const;
};

// IP protocol numbers (IANA).
enum class Protocol : std::uint8_t { icmp = 1, igmp = 2, tcp = 6, udp = 17, icmpv6 = 58 };

}  // namespace naru
