// Which of our IPv6 addresses packets get (RFC 6724 5).
#pragma once

#include "ip/interface.hpp"

namespace naru::ip {

// For packets that leave for `destination` by `interface`; nullptr where no address will do.
const Address* select_source6(InterfaceTable& interfaces, std::uint8_t interface,
                              const IpAddr& destination);

}  // namespace naru::ip
