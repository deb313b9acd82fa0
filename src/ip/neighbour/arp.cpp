#include "ip/neighbour/arp.hpp"

#include "wire/ethernet.hpp"

namespace naru::ip {

void send_arp(Context& context, const Interface& interface, std::uint8_t index,
              const MacAddr& destination, const wire::Arp& arp, Time now) {
  constexpr std::uint32_t kSize = wire::Ethernet::kHeaderSize + wire::Arp::kSize;
  Packet* frame = context.pool->take(kSize);
  if (frame == nullptr) {
    context.counters->drop(Drop::no_buffer);
    return;
  }
  wire::Ethernet{destination, interface.mac, wire::kEtherTypeArp}.emit(frame->data);
  arp.emit(frame->data + wire::Ethernet::kHeaderSize);
  frame->length = kSize;
  frame->interface = index;
  const bool is_reply = arp.op == wire::Arp::kReply;
  context.counters->add(is_reply ? Counter::arp_replies_out : Counter::arp_requests_out);
  context.trace->emit(
      {.at = now,
       .kind = is_reply ? trace::Kind::neighbour_reply : trace::Kind::neighbour_asked,
       .interface = index,
       .mac = is_reply ? arp.tha : interface.mac,
       .local = {.addr = arp.spa, .port = 0},
       .remote = {.addr = arp.tpa, .port = 0}});
  context.send(frame, now);
}

}  // namespace naru::ip
