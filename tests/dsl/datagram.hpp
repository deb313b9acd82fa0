// UDP datagrams, ICMP messages, ARP packets and bare IP packets in words.
//
//   udp().sport(5000).dport(53).data("query")
//   icmp(8).rest(id, seq).data("ping")
//   arp().who_has(host).tell(peer, peer_mac)
//   ip(132).data("sctp")
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dsl/frame.hpp"
#include "wire/arp.hpp"

namespace naru::test {

class Datagram : public OnIp<Datagram> {
 public:
  Datagram& sport(std::uint16_t port) { return set(sport_, port); }
  Datagram& dport(std::uint16_t port) { return set(dport_, port); }
  Datagram& data(std::string_view text) { return data(bytes(text)); }
  Datagram& data(Buffer payload) { return set(data_, std::move(payload)); }
  // The length field, right or wrong.
  Datagram& length(std::uint16_t v) { return set(length_, v); }
  Datagram& bad_checksum() { return set(bad_checksum_, true); }
  // A checksum field of zero: none.
  Datagram& no_checksum() { return set(no_checksum_, true); }

  Buffer render(const Path& path) const;
  // Header and payload without the IP header, to be cut into fragments.
  Buffer transport(const Path& path) const;
  std::string differences(const Frame& frame) const;
  std::string to_string() const;

 private:
  std::optional<std::uint16_t> sport_;
  std::optional<std::uint16_t> dport_;
  std::optional<std::uint16_t> length_;
  std::optional<Buffer> data_;
  bool bad_checksum_ = false;
  bool no_checksum_ = false;
};

class IcmpMessage : public OnIp<IcmpMessage> {
 public:
  IcmpMessage& type(std::uint8_t v) { return set(type_, v); }
  IcmpMessage& code(std::uint8_t v) { return set(code_, v); }
  // The four bytes after the checksum: as a number, or id and sequence number.
  IcmpMessage& rest(std::uint32_t v) { return set(rest_, v); }
  IcmpMessage& rest(std::uint16_t high, std::uint16_t low) {
    return rest(std::uint32_t{high} << 16U | low);
  }
  IcmpMessage& data(std::string_view text) { return data(bytes(text)); }
  IcmpMessage& data(Buffer payload) { return set(data_, std::move(payload)); }
  // An error about an IP packet: its header and `n` bytes more.
  IcmpMessage& about(Bytes ip_packet, std::size_t n = 8);
  // An error about a frame.
  IcmpMessage& about(const Frame& frame, std::size_t n = 8) {
    return about(frame.ethernet().payload(), n);
  }
  IcmpMessage& bad_checksum() { return set(bad_checksum_, true); }
  // Only the first n bytes of the message are sent.
  IcmpMessage& truncate(std::size_t n) { return set(truncate_, n); }

  Buffer render(const Path& path) const;
  std::string differences(const Frame& frame) const;
  std::string to_string() const;

 private:
  std::optional<std::uint8_t> type_;
  std::optional<std::uint8_t> code_;
  std::optional<std::uint32_t> rest_;
  std::optional<Buffer> data_;
  std::optional<std::size_t> truncate_;
  bool bad_checksum_ = false;
};

class ArpPacket {
 public:
  ArpPacket& op(std::uint16_t v) { return op_ = v, *this; }
  ArpPacket& sha(const MacAddr& v) { return sha_ = v, *this; }
  ArpPacket& spa(const IpAddr& v) { return spa_ = v, *this; }
  ArpPacket& tha(const MacAddr& v) { return tha_ = v, *this; }
  ArpPacket& tpa(const IpAddr& v) { return tpa_ = v, *this; }
  ArpPacket& mac_src(const MacAddr& v) { return mac_src_ = v, *this; }
  ArpPacket& mac_dst(const MacAddr& v) { return mac_dst_ = v, *this; }
  // A broadcast request for `target` and its usual sender fields.
  ArpPacket& who_has(const IpAddr& target) { return op(wire::Arp::kRequest).tpa(target); }
  ArpPacket& tell(const IpAddr& sender, const MacAddr& at) { return spa(sender).sha(at); }
  // A reply: `addr` is at `at`.
  ArpPacket& is_at(const IpAddr& addr, const MacAddr& at) {
    return op(wire::Arp::kReply).spa(addr).sha(at);
  }
  // Faults: the first four fields, or a shorter packet.
  ArpPacket& hrd(std::uint16_t v) { return hrd_ = v, *this; }
  ArpPacket& pro(std::uint16_t v) { return pro_ = v, *this; }
  ArpPacket& hln(std::uint8_t v) { return hln_ = v, *this; }
  ArpPacket& pln(std::uint8_t v) { return pln_ = v, *this; }
  ArpPacket& truncate(std::size_t n) { return truncate_ = n, *this; }

  Buffer render(const Path& path) const;
  std::string differences(const Frame& frame) const;
  std::string to_string() const;

 private:
  std::optional<std::uint16_t> op_;
  std::optional<MacAddr> sha_;
  std::optional<IpAddr> spa_;
  std::optional<MacAddr> tha_;
  std::optional<IpAddr> tpa_;
  std::optional<MacAddr> mac_src_;
  std::optional<MacAddr> mac_dst_;
  std::uint16_t hrd_ = 1;
  std::uint16_t pro_ = 0x0800;
  std::uint8_t hln_ = 6;
  std::uint8_t pln_ = 4;
  std::optional<std::size_t> truncate_;
};

// An IP packet with any payload: fragments, unknown protocols.
class IpPacket : public OnIp<IpPacket> {
 public:
  IpPacket& data(std::string_view text) { return data(bytes(text)); }
  IpPacket& data(Buffer payload) { return set(data_, std::move(payload)); }

  Buffer render(const Path& path) const;
  std::string differences(const Frame& frame) const;
  std::string to_string() const;

 private:
  std::optional<Buffer> data_;
};

inline Datagram udp() { return {}; }
inline IcmpMessage icmp() { return {}; }
inline IcmpMessage icmp(std::uint8_t type, std::uint8_t code = 0) {
  return IcmpMessage().type(type).code(code);
}
inline ArpPacket arp() { return {}; }
inline IpPacket ip(std::uint8_t protocol) { return IpPacket().protocol(protocol); }

}  // namespace naru::test
