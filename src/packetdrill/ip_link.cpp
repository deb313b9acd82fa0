#include "packetdrill/ip_link.hpp"

#include <algorithm>

#include "link/gso.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"

namespace naru::packetdrill {

void IpLink::send(Bytes packet) {
  std::vector<std::uint8_t> frame(wire::Ethernet::kHeaderSize);
  wire::Ethernet{kHostMac, kOthersMac, wire::kEtherTypeIpv4}.emit(frame.data());
  frame.insert(frame.end(), packet.begin(), packet.end());
  waiting_.push_back(std::move(frame));
}

std::size_t IpLink::transmit(std::span<const TxFrame> burst, Time now) {
  std::vector<std::uint8_t> frame;
  for (const TxFrame& large : burst) {
    for (link::Cutter cutter(large); !cutter.done();) {
      const std::size_t size = cutter.size();
      frame.resize(std::max(size, link::Cutter::kMinRoom));
      cutter.write(frame.data());
      take(Bytes(frame).first(size), now);
    }
  }
  return burst.size();
}

void IpLink::take(Bytes frame, Time now) {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet) return;
  const Bytes packet = ethernet->payload();
  if (ethernet->type() == wire::kEtherTypeArp) {
    answer_arp(packet);
  } else {
    sent_.push_back({now, {packet.begin(), packet.end()}});
  }
}

void IpLink::answer_arp(Bytes request) {
  const auto arp = wire::ArpView::parse(request);
  if (!arp || arp->op() != wire::Arp::kRequest || arp->tpa() == arp->spa()) return;
  std::vector<std::uint8_t> frame(wire::Ethernet::kHeaderSize + wire::Arp::kSize);
  wire::Ethernet{kHostMac, kOthersMac, wire::kEtherTypeArp}.emit(frame.data());
  const wire::Arp reply{wire::Arp::kReply, kOthersMac, arp->tpa(), arp->sha(), arp->spa()};
  reply.emit(frame.data() + wire::Ethernet::kHeaderSize);
  waiting_.push_back(std::move(frame));
}

std::size_t IpLink::receive(std::span<Packet*> burst, Time /*now*/) {
  std::size_t n = 0;
  for (; n < burst.size() && !waiting_.empty(); ++n) {
    const std::vector<std::uint8_t>& frame = waiting_.front();
    Packet* packet = pool_->take(static_cast<std::uint32_t>(frame.size()));
    if (packet == nullptr) break;
    std::ranges::copy(frame, packet->data);
    packet->length = static_cast<std::uint32_t>(frame.size());
    burst[n] = packet;
    waiting_.pop_front();
  }
  return n;
}

}  // namespace naru::packetdrill
