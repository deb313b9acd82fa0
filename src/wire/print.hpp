// One line of text for a frame or packet, in the manner of tcpdump:
//
//   IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], cksum ok, seq 123, win 65535, options [mss
//   1460,sackOK,TS val 1 ecr 0,nop,wscale 8], length 0 ARP, Request who-has 10.0.0.2 tell 10.0.0.1,
//   length 28
//
// Any bytes can be printed: what is truncated or contradicts itself is said so.
#pragma once

#include <string>

#include <naru/base/bytes.hpp>

namespace naru::wire {

// An Ethernet frame without its FCS.
std::string print_frame(Bytes frame);

// An IP packet.
std::string print_packet(Bytes packet);

}  // namespace naru::wire
