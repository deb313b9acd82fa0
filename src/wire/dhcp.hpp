// Dynamic Host Configuration Protocol (RFC 2131), over Ethernet.
//
//   fixed part (236 bytes) | cookie | options ... end
//
// Options may continue in the fields `file` and `sname` (RFC 2132 9.3), and one that is
// longer than 255 bytes comes in parts (RFC 3396).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

namespace naru::wire {

inline constexpr std::uint16_t kDhcpServerPort = 67;
inline constexpr std::uint16_t kDhcpClientPort = 68;

// Option 53.
enum class DhcpType : std::uint8_t {
  discover = 1,
  offer = 2,
  request = 3,
  decline = 4,
  ack = 5,
  nak = 6,
  release = 7,
  inform = 8,
};

// IANA, BOOTP vendor extensions and DHCP options.
enum class DhcpOption : std::uint8_t {
  pad = 0,
  subnet_mask = 1,
  routers = 3,
  name_servers = 6,
  host_name = 12,
  domain_name = 15,
  interface_mtu = 26,
  broadcast_address = 28,
  time_servers = 42,  // NTP
  requested_address = 50,
  lease_time = 51,
  overload = 52,
  message_type = 53,
  server_id = 54,
  parameter_list = 55,
  message = 56,
  max_message_size = 57,
  renewal_time = 58,
  rebinding_time = 59,
  client_id = 61,
  domain_search = 119,
  classless_routes = 121,
  end = 255,
};

// The fixed part.
struct Dhcp {
  static constexpr std::size_t kFixedSize = 236;
  static constexpr std::size_t kOptionsOffset = 240;
  // What every host can take (RFC 2131 2), without IP and UDP headers; shorter messages are
  // filled up to what BOOTP relays expect.
  static constexpr std::size_t kMaxSize = 576 - 28;
  static constexpr std::size_t kMinSize = 300;
  static constexpr std::uint8_t kRequest = 1;
  static constexpr std::uint8_t kReply = 2;

  std::uint8_t op = kRequest;
  std::uint32_t xid = 0;
  std::uint16_t secs = 0;
  bool wants_broadcast = false;  // replies by broadcast, please
  IpAddr ciaddr = IpAddr::any_v4();
  IpAddr yiaddr = IpAddr::any_v4();
  IpAddr siaddr = IpAddr::any_v4();
  IpAddr giaddr = IpAddr::any_v4();
  MacAddr chaddr = {};
};

// A message of which the fixed part is right and every option lies inside.
class DhcpView {
 public:
  static std::optional<DhcpView> parse(Bytes message);

  const Dhcp& fixed() const { return fixed_; }
  // All parts of an option put together; none: it is not there.
  std::optional<Bytes> option(DhcpOption code) const;
  // Those of a fixed form; none where the length is another.
  std::optional<DhcpType> type() const;
  std::optional<IpAddr> address(DhcpOption code) const;
  std::optional<std::uint32_t> number32(DhcpOption code) const;
  std::optional<std::uint16_t> number16(DhcpOption code) const;
  // At most `most` of them.
  std::vector<IpAddr> addresses(DhcpOption code, std::size_t most) const;

 private:
  // Which other fields hold options (option 52).
  static constexpr std::uint8_t kInFile = 1;
  static constexpr std::uint8_t kInSname = 2;

  bool take(Bytes area);

  Dhcp fixed_;
  struct Option {
    DhcpOption code{};
    std::vector<std::uint8_t> data;
  };
  std::vector<Option> options_;
};

// A message of at most kMaxSize bytes.
class DhcpWriter {
 public:
  explicit DhcpWriter(const Dhcp& fixed, DhcpType type);

  // Options that do not fit any more are left out, as a whole.
  void add(DhcpOption code, Bytes data);
  void add(DhcpOption code, const IpAddr& address);
  void add(DhcpOption code, std::span<const IpAddr> addresses);
  void add32(DhcpOption code, std::uint32_t number);
  void add16(DhcpOption code, std::uint16_t number);
  std::vector<std::uint8_t> finish();

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace naru::wire
