// IPv6 packets for tests of the ip room.
#pragma once

#include "host.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv6.hpp"
#include "wire/ndp.hpp"

namespace naru::ip::test {

inline const IpAddr kOur6 = ip("2001:db8::1");
inline const IpAddr kPeer6 = ip("2001:db8::2");

// An IPv6 packet with a right length, unless header.payload_length is set.
inline Buffer ipv6(wire::Ipv6 header, const Buffer& payload) {
  if (header.payload_length == 0) {
    header.payload_length = static_cast<std::uint16_t>(payload.size());
  }
  Buffer packet(wire::Ipv6::kHeaderSize);
  header.emit(packet.data());
  return packet + payload;
}

inline wire::Ipv6 header6(Protocol next = Protocol::udp, const IpAddr& src = kPeer6,
                          const IpAddr& dst = kOur6) {
  wire::Ipv6 header;
  header.src = src;
  header.dst = dst;
  header.next_header = next;
  return header;
}

// A message with a right checksum in a packet.
inline Buffer icmpv6(const wire::Ipv6& header, Buffer message) {
  wire::fill_icmpv6_checksum(message, header.src, header.dst);
  return ipv6(header, message);
}

inline Buffer echo6(std::uint16_t id, std::uint16_t seq, const Buffer& data) {
  Buffer message(wire::Icmpv6::kHeaderSize);
  wire::Icmpv6::echo(wire::Icmpv6Type::echo_request, id, seq).emit(message.data());
  return message + data;
}

// A neighbour discovery message as neighbours send it.
template <class Message>
Buffer ndp(const IpAddr& src, const IpAddr& dst, const Message& message) {
  wire::Ipv6 header = header6(Protocol::icmpv6, src, dst);
  header.hop_limit = wire::kNdpHopLimit;
  Buffer bytes(Message::kMaxSize);
  bytes.resize(message.emit(bytes.data()));
  return icmpv6(header, bytes);
}

// What the host sent, where it is IPv6. The views point into the frame.
inline std::optional<wire::Ipv6View> ipv6_of(const Sent& sent) {
  if (sent.ether_type() != wire::kEtherTypeIpv6) return std::nullopt;
  return wire::Ipv6View::parse(Bytes(sent.bytes).subspan(wire::Ethernet::kHeaderSize));
}
inline std::optional<wire::Icmpv6View> icmpv6_of(const Sent& sent) {
  const auto packet = ipv6_of(sent);
  if (!packet || packet->next_header() != Protocol::icmpv6) return std::nullopt;
  const auto icmp = wire::Icmpv6View::parse(packet->payload());
  EXPECT_TRUE(icmp && icmp->checksum_ok(packet->src(), packet->dst()));
  return icmp;
}

class Host6 : public Host {
 public:
  explicit Host6(const Setup& setup = {}) : Host(setup) {
    EXPECT_TRUE(ip.add_address(1, prefix("2001:db8::1/64"), now).has_value());
    collect();
    sent.clear();
  }

  Input receive6(const Buffer& packet, const MacAddr& dst = kOurMac) {
    return receive(ethernet(dst, kPeerMac, wire::kEtherTypeIpv6, packet));
  }
  Input solicit(const IpAddr& src, const IpAddr& dst, const IpAddr& target,
                std::optional<MacAddr> mac = kPeerMac) {
    return receive6(ndp(src, dst, wire::NeighbourSolicitation{target, mac}));
  }
  Input advertise(const wire::NeighbourAdvertisement& advertisement, const IpAddr& src = kPeer6,
                  const IpAddr& dst = kOur6) {
    return receive6(ndp(src, dst, advertisement));
  }
  // The peer is known, and reachable.
  void know_peer() {
    send("2001:db8::2", counting(20));
    advertise({.target = kPeer6, .solicited = true, .target_link_layer = kPeerMac});
    EXPECT_EQ(neighbour("2001:db8::2")->state, NeighbourState::reachable);
    sent.clear();
  }
  IpAddr link_local() {
    IpAddr found;
    ip.for_each_address([&](const AddressInfo& a) {
      if (a.prefix.addr.is_v6() && a.prefix.addr.is_link_local()) found = a.prefix.addr;
    });
    return found;
  }
};

}  // namespace naru::ip::test
