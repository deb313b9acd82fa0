// A router between 10.1.0.0/24 (eth0), with the host .5, and 10.2.0.0/24 (eth1).
#pragma once

#include "host.hpp"

namespace naru::ip::test {

inline constexpr MacAddr kInMac = mac(0x11);
inline constexpr MacAddr kOutMac = mac(0x12);

class TwoNetworks : public ::testing::Test {
 protected:
  TwoNetworks() : host({.options = {{Option::ip_forwarding, 1}}, .with_interface = false}) {
    EXPECT_EQ(host.ip.add_interface("eth0", kInMac, 1500, host.now), 1);
    EXPECT_EQ(host.ip.add_interface("eth1", kOutMac, 1500, host.now), 2);
    EXPECT_TRUE(host.ip.add_address(1, prefix("10.1.0.1/24"), host.now));
    EXPECT_TRUE(host.ip.add_address(2, prefix("10.2.0.1/24"), host.now));
    host.advance(5s);
    host.resolve("10.1.0.5", kPeerMac, 1);
  }

  Host host;
};

}  // namespace naru::ip::test
