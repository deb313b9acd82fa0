#include "ip/neighbour/ndp.hpp"

#include "wire/ethernet.hpp"
#include "wire/ipv6.hpp"

namespace naru::ip {
namespace {

struct Envelope {
  MacAddr to_mac;
  IpAddr source;
  IpAddr to;
};

// A frame with the message behind its headers, or nullptr.
template <class Message>
Packet* make_frame(Context& context, const Interface& interface, std::uint8_t index,
                   const Envelope& envelope, const Message& message) {
  constexpr std::uint32_t kHeaders = wire::Ethernet::kHeaderSize + wire::Ipv6::kHeaderSize;
  Packet* frame = context.pool->take(kHeaders + Message::kMaxSize);
  if (frame == nullptr) {
    context.counters->drop(Drop::no_buffer);
    return nullptr;
  }
  std::uint8_t* p = frame->data + kHeaders;
  const std::size_t size = message.emit(p);
  wire::fill_icmpv6_checksum({p, size}, envelope.source, envelope.to);
  wire::Ethernet{envelope.to_mac, interface.mac, wire::kEtherTypeIpv6}.emit(frame->data);
  wire::Ipv6{.src = envelope.source,
             .dst = envelope.to,
             .next_header = Protocol::icmpv6,
             .hop_limit = wire::kNdpHopLimit,
             .payload_length = static_cast<std::uint16_t>(size)}
      .emit(frame->data + wire::Ethernet::kHeaderSize);
  frame->length = kHeaders + static_cast<std::uint32_t>(size);
  frame->interface = index;
  return frame;
}

}  // namespace

namespace {

void send_question(Context& context, const Interface& interface, std::uint8_t index,
                   const Envelope& envelope, const wire::NeighbourSolicitation& question,
                   Time now) {
  Packet* frame = make_frame(context, interface, index, envelope, question);
  if (frame == nullptr) return;
  context.counters->add(Counter::ndp_solicitations_out);
  context.trace->emit({.at = now,
                       .kind = trace::Kind::neighbour_asked,
                       .interface = index,
                       .mac = interface.mac,
                       .local = {.addr = envelope.source, .port = 0},
                       .remote = {.addr = question.target, .port = 0}});
  context.send(frame, now);
}

}  // namespace

void send_probe(Context& context, const Interface& interface, std::uint8_t index,
                const IpAddr& target, const wire::NdpNonce& nonce, Time now) {
  const IpAddr to = wire::solicited_node(target);
  send_question(context, interface, index, {wire::group_mac_v6(to), IpAddr::any_v6(), to},
                {.target = target, .nonce = nonce}, now);
}

void send_solicitation(Context& context, const Interface& interface, std::uint8_t index,
                       const IpAddr& source, const IpAddr& target,
                       const std::optional<MacAddr>& known, Time now) {
  const IpAddr to = known ? target : wire::solicited_node(target);
  send_question(context, interface, index, {known ? *known : wire::group_mac_v6(to), source, to},
                {.target = target, .source_link_layer = interface.mac}, now);
}

void send_router_solicitation(Context& context, const Interface& interface, std::uint8_t index,
                              const IpAddr& source, Time now) {
  wire::RouterSolicitation question;
  if (!source.is_any()) question.source_link_layer = interface.mac;
  const Envelope envelope{wire::group_mac_v6(wire::kAllRouters), source, wire::kAllRouters};
  Packet* frame = make_frame(context, interface, index, envelope, question);
  if (frame == nullptr) return;
  context.counters->add(Counter::ndp_router_solicitations_out);
  context.send(frame, now);
}

void send_router_advertisement(Context& context, const Interface& interface, std::uint8_t index,
                               const IpAddr& source, const wire::RouterAdvertisement& message,
                               Time now) {
  const Envelope envelope{wire::group_mac_v6(wire::kAllNodes), source, wire::kAllNodes};
  Packet* frame = make_frame(context, interface, index, envelope, message);
  if (frame == nullptr) return;
  context.counters->add(Counter::ndp_router_advertisements_out);
  context.send(frame, now);
}

Packet* make_redirect(Context& context, const Interface& interface, std::uint8_t index,
                      const IpAddr& source, const IpAddr& to, const MacAddr& at,
                      const wire::Redirect& redirect) {
  return make_frame(context, interface, index, {at, source, to}, redirect);
}

Packet* make_advertisement(Context& context, const Interface& interface, std::uint8_t index,
                           const IpAddr& to, const MacAddr& at,
                           const wire::NeighbourAdvertisement& advertisement, Time now) {
  Packet* frame =
      make_frame(context, interface, index, {at, advertisement.target, to}, advertisement);
  if (frame == nullptr) return nullptr;
  context.counters->add(Counter::ndp_advertisements_out);
  context.trace->emit({.at = now,
                       .kind = trace::Kind::neighbour_reply,
                       .interface = index,
                       .mac = at,
                       .local = {.addr = advertisement.target, .port = 0},
                       .remote = {.addr = to, .port = 0}});
  return frame;
}

}  // namespace naru::ip
