// What packets for others have in common, of whichever family.
#pragma once

#include <algorithm>
#include <cstdint>

#include <naru/base/bytes.hpp>
#include <naru/buf/packet.hpp>
#include <naru/wire/address.hpp>

#include "wire/tcp.hpp"

namespace naru::ip {

// Of the largest packet on the wire that this one stands for. `transport` is what follows
// `header_size` bytes of the IP header.
inline std::uint32_t size_on_wire(const Packet& packet, std::size_t header_size, Bytes transport) {
  const auto tcp = wire::TcpView::parse(transport);
  if (packet.gso_size == 0 || !tcp) return packet.length;
  const auto headers = static_cast<std::uint32_t>(header_size + tcp->header_size());
  return std::min(packet.length, headers + packet.gso_size);
}

// Both ports, where the protocol has some and the packet has them.
inline std::uint32_t ports_word(Protocol protocol, Bytes transport) {
  const bool has_ports = protocol == Protocol::tcp || protocol == Protocol::udp;
  return has_ports && transport.size() >= 4 ? load_be32(transport.data()) : 0;
}

}  // namespace naru::ip
