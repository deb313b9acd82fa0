// What routers and hosts say to each other in neighbour discovery: solicitations,
// advertisements with their options, redirects (RFC 4861 4.1, 4.2, 4.5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>
#include <naru/wire/dns_name.hpp>
#include <naru/wire/router_preference.hpp>

#include "wire/ndp.hpp"

namespace naru::wire {

// Seconds that do not end (RFC 4861 4.6.2).
inline constexpr std::uint32_t kInfiniteLifetime = 0xffff'ffffU;

// Which routers are there?
struct RouterSolicitation {
  static constexpr std::size_t kSize = 8;
  static constexpr std::size_t kMaxSize = kSize + NdpOption::kLinkLayerSize;

  std::optional<MacAddr> source_link_layer = {};

  // Gives the size written; without a checksum, as all here.
  std::size_t emit(std::uint8_t* p) const;
};

// A prefix of the link (RFC 4861 4.6.2).
struct PrefixInformation {
  static constexpr std::size_t kSize = 32;

  Prefix prefix;
  bool is_on_link = false;
  bool is_autonomous = false;  // hosts make addresses of it
  std::uint32_t valid_lifetime = 0;
  std::uint32_t preferred_lifetime = 0;

  // None where the option is not one.
  static std::optional<PrefixInformation> parse(const NdpOption& option);
  void emit(std::uint8_t* p) const;
};

// The fields of an advertisement (RFC 4861 4.2, RFC 4191 2.2); 0 leaves a value unsaid.
struct RouterFields {
  static constexpr std::size_t kSize = 16;

  std::uint8_t hop_limit = 0;
  bool is_managed = false;        // addresses are to be had by DHCPv6
  bool has_other_config = false;  // and other things
  RouterPreference preference = RouterPreference::medium;
  std::uint16_t lifetime = 0;         // seconds as a default router; 0: it is none
  std::uint32_t reachable_time = 0;   // milliseconds
  std::uint32_t retransmit_time = 0;  // milliseconds

  // Of a message that NdpView has taken.
  static RouterFields of(const NdpView& view);
  void emit(std::uint8_t* p) const;
};

// The MTU option (RFC 4861 4.6.4), of any value.
std::optional<std::uint32_t> parse_mtu(const NdpOption& option);

// Name servers (RFC 8106 5.1).
class RecursiveServers {
 public:
  // None where its length is not that of one server or more.
  static std::optional<RecursiveServers> parse(const NdpOption& option);

  std::uint32_t lifetime() const { return load_be32(bytes_.data() + 4); }
  std::size_t count() const { return (bytes_.size() - kHeader) / 16; }
  IpAddr at(std::size_t i) const { return load_ipv6(bytes_.data() + kHeader + 16 * i); }

 private:
  static constexpr std::size_t kHeader = 8;

  explicit RecursiveServers(Bytes bytes) : bytes_(bytes) {}

  Bytes bytes_;
};

// Domains to search names in (RFC 8106 5.2).
class SearchDomains {
 public:
  // None where one of the names is not one: then nothing is believed of the option.
  static std::optional<SearchDomains> parse(const NdpOption& option);

  std::uint32_t lifetime() const { return load_be32(bytes_.data() + 4); }
  // The next name; none at the end.
  std::optional<DnsName> next();

 private:
  static constexpr std::size_t kHeader = 8;

  explicit SearchDomains(Bytes bytes) : bytes_(bytes) {}

  Bytes bytes_;
  std::size_t at_ = kHeader;
};

// An advertisement to be sent.
struct RouterAdvertisement {
  static constexpr std::size_t kMaxPrefixes = 4;
  static constexpr std::size_t kMaxServers = 3;
  static constexpr std::size_t kMaxSize = RouterFields::kSize + NdpOption::kLinkLayerSize + 8 +
                                          kMaxPrefixes * PrefixInformation::kSize + 8 +
                                          kMaxServers * 16;

  RouterFields fields;
  std::optional<MacAddr> source_link_layer = {};
  std::uint32_t mtu = 0;  // 0: unsaid
  std::array<PrefixInformation, kMaxPrefixes> prefixes{};
  std::size_t prefix_count = 0;
  std::array<IpAddr, kMaxServers> name_servers{};
  std::size_t name_server_count = 0;
  std::uint32_t name_server_lifetime = 0;

  std::size_t emit(std::uint8_t* p) const;
};

// There is a better first hop to `destination`: the target, or itself where both are the same.
struct Redirect {
  static constexpr std::size_t kSize = 40;
  // With as much of the packet as fits in the least MTU (RFC 4861 8.2).
  static constexpr std::size_t kMaxSize = 1280 - 40;

  IpAddr target;
  IpAddr destination;
  std::optional<MacAddr> target_link_layer = {};
  Bytes packet = {};  // that caused it

  std::size_t emit(std::uint8_t* p) const;
};

}  // namespace naru::wire
