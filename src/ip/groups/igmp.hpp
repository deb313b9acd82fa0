// IGMP (RFC 1112, RFC 2236, RFC 3376): what is heard of it, and what GroupReporter says by it.
#pragma once

#include <cstdint>

#include "ip/groups/group_reporter.hpp"
#include "wire/igmp.hpp"
#include "wire/ipv4.hpp"

namespace naru::ip {

// The message of a packet, and what its header says.
Drop input_igmp(const Packet& packet, GroupReporter& reporter, Time now);

struct IgmpWire {
  using Message = wire::Igmp;

  static constexpr std::uint32_t kIpHeader = wire::Ipv4::kHeaderSize + 4;  // with Router Alert
  static constexpr IpAddr kReports = IpAddr::v4(224, 0, 0, 22);            // of version 3
  static constexpr IpAddr kRouters = IpAddr::v4(224, 0, 0, 2);
  static constexpr wire::IgmpType kLeave = wire::IgmpType::leave;

  static constexpr wire::IgmpType report_type(Dialect dialect) {
    return dialect == Dialect::joins ? wire::IgmpType::report_v1 : wire::IgmpType::report_v2;
  }
  static bool is_spoken(InterfaceTable&, std::uint8_t) { return true; }
  // Sends a message that is whole but for its checksum and the headers in front.
  static void send(Context& context, InterfaceTable& interfaces, Packet* message, const IpAddr& to,
                   Time now);
};

}  // namespace naru::ip
