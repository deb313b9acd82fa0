// Frames: made from fields, and as the stack sent them.
#pragma once

#include <optional>
#include <string>

#include <naru/time/time.hpp>

#include "dsl/bytes.hpp"
#include "dsl/ip_fields.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"

namespace naru::test {

// From whom to whom a frame goes where its builder does not say.
struct Path {
  MacAddr mac_src;
  MacAddr mac_dst;
  IpAddr src;
  IpAddr dst;
};

// The Ethernet frame of an IPv4 packet, with what is not set taken from `path`.
Buffer make_frame(const IpFields& ip, const Path& path, std::uint8_t protocol, Bytes payload);

// The addresses that make_frame() will use, for checksums of the layer above.
inline IpAddr source_of(const IpFields& ip, const Path& path) { return ip.src.value_or(path.src); }
inline IpAddr destination_of(const IpFields& ip, const Path& path) {
  return ip.dst.value_or(path.dst);
}

// A frame that the stack sent.
struct Frame {
  Time at{};
  Buffer bytes;

  wire::EthernetView ethernet() const { return *wire::EthernetView::parse(bytes); }
  bool is_arp() const { return ethernet().type() == wire::kEtherTypeArp; }
  bool is_ipv4(std::uint8_t protocol) const;
  // Only for an IPv4 packet.
  wire::Ipv4View ipv4() const { return *wire::Ipv4View::parse(ethernet().payload()); }
  // "0.200 IP 10.0.0.1.80 > ...": the time since `start` in seconds and the frame.
  std::string to_string(Time start) const;
};

// Compares what the builder set with the frame's Ethernet and IPv4 fields.
void compare(const IpFields& expected, const Frame& frame, Differences& differences);

// What is wrong with a frame that a stack must never send: lengths that disagree
// or a wrong checksum. Empty for a right one.
std::string flaw(const Frame& frame);

}  // namespace naru::test
