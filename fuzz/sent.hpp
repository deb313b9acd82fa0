// What a stack sends is right, whatever it has received.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <naru/buf/tx_frame.hpp>

#include "base/check.hpp"
#include "link/gso.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv4.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"
#include "wire/udp.hpp"

namespace naru::fuzz {

using Frame = std::vector<std::uint8_t>;

inline std::optional<wire::Ipv4View> ipv4_of(Bytes frame) {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet || ethernet->type() != wire::kEtherTypeIpv4) return std::nullopt;
  return wire::Ipv4View::parse(ethernet->payload());
}

// The segment in a frame, if it is one.
inline std::optional<wire::TcpView> tcp_of(Bytes frame) {
  const auto ip = ipv4_of(frame);
  if (!ip || ip->protocol() != Protocol::tcp || ip->is_fragment()) return std::nullopt;
  return wire::TcpView::parse(ip->payload());
}

inline void check_sent_transport(const wire::Ipv4View& ip) {
  if (ip.protocol() == Protocol::tcp) {
    const auto tcp = wire::TcpView::parse(ip.payload());
    NARU_CHECK(tcp && tcp->checksum_ok(ip.src(), ip.dst()));
    NARU_CHECK(!wire::TcpOptions::parse(tcp->options()).malformed);
    NARU_CHECK(tcp->src_port() != 0 && tcp->dst_port() != 0);
    // SYN, FIN and RST exclude each other.
    const int kinds = tcp->has(wire::kSyn) + tcp->has(wire::kFin) + tcp->has(wire::kRst);
    NARU_CHECK(kinds <= 1);
    NARU_CHECK(tcp->has(wire::kSyn) || tcp->has(wire::kRst) || tcp->has(wire::kAck));
  } else if (ip.protocol() == Protocol::udp) {
    const auto udp = wire::UdpView::parse(ip.payload());
    NARU_CHECK(udp && udp->length() == ip.payload().size());
  } else if (ip.protocol() == Protocol::icmp) {
    const auto icmp = wire::Icmpv4View::parse(ip.payload());
    NARU_CHECK(icmp && icmp->checksum_ok());
  } else {
    NARU_CHECK(false);
  }
}

inline void check_sent(Bytes frame, std::uint32_t mtu) {
  NARU_CHECK(frame.size() <= mtu + wire::Ethernet::kHeaderSize);
  const auto ethernet = wire::EthernetView::parse(frame);
  NARU_CHECK(ethernet);
  if (ethernet->type() == wire::kEtherTypeArp) {
    NARU_CHECK(wire::ArpView::parse(ethernet->payload()));
    return;
  }
  const auto ip = ipv4_of(frame);
  NARU_CHECK(ip && ip->header_checksum_ok() && ip->ttl() != 0);
  NARU_CHECK(ip->total_length() == ethernet->payload().size());
  if (!ip->is_fragment()) check_sent_transport(*ip);
}

// The frames that a TxFrame becomes on a wire.
template <class Take>
void for_each_frame(const TxFrame& frame, Take take) {
  for (link::Cutter cutter(frame); !cutter.done();) {
    const std::size_t size = cutter.size();
    Frame bytes(std::max(size, link::Cutter::kMinRoom));
    cutter.write(bytes.data());
    bytes.resize(size);
    take(std::move(bytes));
  }
}

}  // namespace naru::fuzz
