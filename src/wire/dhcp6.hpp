// Dynamic Host Configuration Protocol for IPv6 (RFC 9915).
//
//   type (1 byte) | transaction id (3 bytes) | options ...
//
// Options hold options: an IA_NA its addresses, an address its status. Each level is read
// within the bytes of the one above, and there are as many levels as there are kinds of
// holders, so no message says how deep its reader goes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

namespace naru::wire {

inline constexpr std::uint16_t kDhcp6ClientPort = 546;
inline constexpr std::uint16_t kDhcp6ServerPort = 547;
// All_DHCP_Relay_Agents_and_Servers
inline constexpr IpAddr kAllDhcp6Servers =
    IpAddr::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0, 0x02});

enum class Dhcp6Type : std::uint8_t {
  solicit = 1,
  advertise = 2,
  request = 3,
  confirm = 4,
  renew = 5,
  rebind = 6,
  reply = 7,
  release = 8,
  decline = 9,
  reconfigure = 10,
  information_request = 11,
};

// IANA, DHCPv6 option codes.
enum class Dhcp6Option : std::uint16_t {
  client_id = 1,
  server_id = 2,
  ia_na = 3,
  ia_address = 5,
  option_request = 6,
  preference = 7,
  elapsed_time = 8,
  status_code = 13,
  rapid_commit = 14,
  name_servers = 23,
  domain_search = 24,
  information_refresh_time = 32,
  sol_max_rt = 82,
  inf_max_rt = 83,
};

enum class Dhcp6Status : std::uint16_t {
  success = 0,
  unspec_fail = 1,
  no_addrs_avail = 2,
  no_binding = 3,
  not_on_link = 4,
  use_multicast = 5,
};

inline constexpr std::uint32_t kDhcp6ForEver = 0xffffffffU;

// Options that lie one behind the other and fill their bytes exactly.
class Dhcp6Options {
 public:
  static constexpr std::size_t kHeaderSize = 4;

  Dhcp6Options() = default;
  static std::optional<Dhcp6Options> parse(Bytes bytes);

  // f(code, data), in order, also of those that nobody knows.
  template <class F>
  void for_each(const F& f) const {
    for (Bytes rest = bytes_; !rest.empty();) {
      const std::size_t size = load_be16(rest.data() + 2);
      f(static_cast<Dhcp6Option>(load_be16(rest.data())), rest.subspan(kHeaderSize, size));
      rest = rest.subspan(kHeaderSize + size);
    }
  }
  // The first; none: it is not there.
  std::optional<Bytes> find(Dhcp6Option code) const;
  bool has(Dhcp6Option code) const { return find(code).has_value(); }
  // Those of a fixed form; none where the length is another.
  std::optional<std::uint8_t> number8(Dhcp6Option code) const;
  std::optional<std::uint32_t> number32(Dhcp6Option code) const;
  // At most `most` of them.
  std::vector<IpAddr> addresses(Dhcp6Option code, std::size_t most) const;
  // Success where there is none.
  Dhcp6Status status() const;

 private:
  explicit Dhcp6Options(Bytes bytes) : bytes_(bytes) {}

  Bytes bytes_;
};

struct Dhcp6Address {  // RFC 9915 21.6
  static constexpr std::size_t kFixedSize = 24;
  static std::optional<Dhcp6Address> parse(Bytes data);

  IpAddr address;
  std::uint32_t preferred = 0;  // seconds
  std::uint32_t valid = 0;
  Dhcp6Options options = {};
};

struct Dhcp6Ia {  // IA_NA: RFC 9915 21.4
  static constexpr std::size_t kFixedSize = 12;
  static std::optional<Dhcp6Ia> parse(Bytes data);

  std::uint32_t id = 0;
  std::uint32_t t1 = 0;  // seconds
  std::uint32_t t2 = 0;
  Dhcp6Options options = {};
};

// A message between client and server; those of relays are none.
class Dhcp6View {
 public:
  static constexpr std::size_t kHeaderSize = 4;

  static std::optional<Dhcp6View> parse(Bytes message);

  Dhcp6Type type() const { return type_; }
  std::uint32_t xid() const { return xid_; }
  const Dhcp6Options& options() const { return options_; }

 private:
  Dhcp6Type type_{};
  std::uint32_t xid_ = 0;
  Dhcp6Options options_;
};

// Writes a message from its beginning to its end. What is opened is closed again.
class Dhcp6Writer {
 public:
  Dhcp6Writer(Dhcp6Type type, std::uint32_t xid);

  void add(Dhcp6Option code, Bytes data = {});
  void add(Dhcp6Option code, std::span<const IpAddr> addresses);
  void add_codes(Dhcp6Option code, std::span<const Dhcp6Option> codes);
  void add8(Dhcp6Option code, std::uint8_t number);
  void add16(Dhcp6Option code, std::uint16_t number);
  void add32(Dhcp6Option code, std::uint32_t number);
  // Encoded names (RFC 1035 3.1); those that are none are left out.
  void add_names(Dhcp6Option code, std::span<const std::string> names);
  void add_status(Dhcp6Status status);
  // The options that follow, up to close(), are inside.
  void open_ia(std::uint32_t id, std::uint32_t t1, std::uint32_t t2);
  void open_address(const IpAddr& address, std::uint32_t preferred, std::uint32_t valid);
  void close();

  std::vector<std::uint8_t> finish() { return std::move(bytes_); }

 private:
  void open(Dhcp6Option code);
  void append32(std::uint32_t number);

  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> open_;  // where the lengths of those that are open stand
};

}  // namespace naru::wire
