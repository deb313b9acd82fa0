// MLD (RFC 2710, RFC 3810): what is heard of it, and what GroupReporter says by it.
#pragma once

#include <cstdint>

#include "ip/groups/group_reporter.hpp"
#include "wire/ipv6.hpp"
#include "wire/ipv6_extension.hpp"
#include "wire/mld.hpp"

namespace naru::ip {

// The message of a packet, its checksum right, and what its headers say.
Drop input_mld(const Packet& packet, GroupReporter& reporter, Time now);

struct MldWire {
  using Message = wire::Mld;

  static constexpr std::uint32_t kIpHeader = wire::Ipv6::kHeaderSize + wire::RouterAlert::kSize;
  static constexpr IpAddr kReports = wire::link_group(0x16);  // of version 2
  static constexpr IpAddr kRouters = wire::kAllRouters;
  static constexpr wire::Icmpv6Type kLeave = wire::Icmpv6Type::mld_done;

  static constexpr wire::Icmpv6Type report_type(Dialect) { return wire::Icmpv6Type::mld_report; }
  static bool is_spoken(InterfaceTable& interfaces, std::uint8_t interface) {
    return interfaces.link_local(interface) != nullptr;
  }
  // Sends a message that is whole but for its checksum and the headers in front.
  static void send(Context& context, InterfaceTable& interfaces, Packet* message, const IpAddr& to,
                   Time now);
};

}  // namespace naru::ip
