// Ip: packets out.
#include <algorithm>
#include <cstring>
#include <optional>

#include "ip/identification.hpp"
#include "ip/ip.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::ip {
namespace {

using wire::Ethernet;
using wire::Ipv4;
using wire::Ipv6;

constexpr std::size_t kIp = Ethernet::kHeaderSize;  // where the IP header is in a frame
constexpr std::uint16_t kDontFragmentInMemory = 0x0040;

void store_word(std::uint8_t* p, std::uint32_t word) { std::memcpy(p, &word, sizeof word); }

std::size_t checksum_offset(Protocol protocol) {
  return protocol == Protocol::udp ? wire::Udp::kChecksumOffset : wire::Tcp::kChecksumOffset;
}

// All bytes of a frame one after the other.
void gather(const TxFrame& frame, std::uint8_t* to) {
  std::memcpy(to, frame.header.data(), frame.header_length);
  to += frame.header_length;
  for (std::size_t i = 0; i < frame.span_count; ++i) {
    std::memcpy(to, frame.spans[i].data(), frame.spans[i].size());
    to += frame.spans[i].size();
  }
}

// For a frame that will not pass through a link's edge as it is.
void fill_in_checksum(const TxFrame& frame, std::uint8_t* bytes) {
  std::uint8_t* transport = bytes + frame.transport_offset;
  const std::uint32_t length = frame.length() - frame.transport_offset;
  std::uint8_t* field = transport + checksum_offset(frame.protocol);
  wire::store_checksum(field, 0);
  const std::uint64_t pseudo = wire::add(frame.pseudo_sum, __builtin_bswap32(length));
  const std::uint16_t checksum = wire::finish(wire::sum_bytes(transport, length, pseudo));
  wire::store_checksum(field,
                       frame.protocol == Protocol::udp ? wire::Udp::nonzero(checksum) : checksum);
}

// The same for all packets of a flow, never 0, and not to be foretold from the flows to
// others (RFC 6437 3): the ports under a secret multiplier of the destination's own.
std::uint32_t flow_label(const TxFrame& frame, const Destination& d, Protocol protocol) {
  const bool has_ports = frame.header_length > Destination::kTemplateV6 &&
                         (protocol == Protocol::tcp || protocol == Protocol::udp);
  if (!has_ports) return 0;
  const std::uint64_t ports = wire::load_word32(frame.header.data() + Destination::kTemplateV6);
  const std::uint64_t label = ((ports + 1) * d.flow_key) >> 44U;
  return label == 0 ? 1 : static_cast<std::uint32_t>(label);
}

}  // namespace

inline std::uint8_t Ip::hop_limit(const Destination& d, const SendParams& params) const {
  if (params.ttl != 0) return params.ttl;
  return d.is_multicast ? std::uint8_t{1}
                        : static_cast<std::uint8_t>(context_.options->get(Option::ip_default_ttl));
}

// What differs between the packets to one destination; the sum of the rest is known.
// (Inlined into the path of every packet; the other use is rare.)
[[gnu::always_inline]] inline void Ip::fill_headers(TxFrame& frame, Destination& d,
                                                    const SendParams& params) {
  static_assert(Destination::kTemplateV4 == Ethernet::kHeaderSize + Ipv4::kHeaderSize);
  if (d.is_v6()) {
    fill_headers6(frame, d, params);
    return;
  }
  std::memcpy(frame.header.data(), d.header.data(), Destination::kTemplateV4);
  std::uint8_t* ip = frame.header.data() + kIp;
  const auto length = static_cast<std::uint16_t>(frame.length() - kIp);
  const bool dont_fragment = params.dont_fragment || params.fragment_here;
  const std::uint8_t ttl = hop_limit(d, params);

  // Packets that nobody may fragment need no identification (RFC 6864 4).
  const std::uint16_t id =
      dont_fragment ? 0 : identification(context_.key, d.id++, load_be64(ip + 12));
  // Words as they lie in memory: summed and stored from registers.
  const std::uint32_t version_tos_length =
      0x45U | (std::uint32_t{params.tos} << 8U) | (std::uint32_t{__builtin_bswap16(length)} << 16U);
  const std::uint32_t id_flags =
      __builtin_bswap16(id) | (dont_fragment ? std::uint32_t{kDontFragmentInMemory} << 16U : 0U);
  const std::uint32_t ttl_protocol =
      ttl | (std::uint32_t{static_cast<std::uint8_t>(params.protocol)} << 8U);
  const std::uint32_t checksum =
      wire::finish(d.address_sum + version_tos_length + id_flags + ttl_protocol);
  store_word(ip, version_tos_length);
  store_word(ip + 4, id_flags);
  store_word(ip + 8, ttl_protocol | (checksum << 16U));

  frame.network_offset = kIp;
  frame.transport_offset = Destination::kTemplateV4;
  frame.protocol = params.protocol;
  frame.pseudo_sum =
      d.address_sum + (std::uint64_t{static_cast<std::uint8_t>(params.protocol)} << 8U);
}

// The same for IPv6, which has nothing to sum up in its header.
[[gnu::noinline]] void Ip::fill_headers6(TxFrame& frame, const Destination& d,
                                         const SendParams& params) {
  static_assert(Destination::kTemplateV6 == Ethernet::kHeaderSize + Ipv6::kHeaderSize);
  constexpr std::size_t kAddresses = kIp + 8;
  std::memcpy(frame.header.data(), d.header.data(), kIp);
  std::memcpy(frame.header.data() + kAddresses, d.header.data() + kAddresses,
              Destination::kTemplateV6 - kAddresses);
  const std::uint8_t said = params.ttl == 0 ? d.header[kIp + Ipv6::kHopLimitOffset] : 0;
  const Ipv6 header{
      .src = {},
      .dst = {},
      .next_header = params.protocol,
      .hop_limit = said != 0 ? said : hop_limit(d, params),
      .traffic_class = params.tos,
      .flow_label = flow_label(frame, d, params.protocol),
      .payload_length = static_cast<std::uint16_t>(frame.length() - Destination::kTemplateV6)};
  wire::store_word64(frame.header.data() + kIp, header.first_word());

  frame.network_offset = kIp;
  frame.transport_offset = Destination::kTemplateV6;
  frame.protocol = params.protocol;
  frame.pseudo_sum =
      d.address_sum + (std::uint64_t{static_cast<std::uint8_t>(params.protocol)} << 8U);
}

// The destination MAC in the template is right, and need not be asked for again.
inline bool Ip::is_fresh(const Destination& d, Time now) {
  if (d.neighbour == kNoIndex) return true;
  const Neighbour* n = neighbours_.at(d.neighbour);
  return n->version == d.neighbour_version && now < n->fresh_until;
}

Verdict Ip::output(TxFrame& frame, std::uint32_t destination, const SendParams& params, Time now) {
  Destination& d = *destinations_.at(destination);
  d.referenced = true;
  const std::uint32_t largest =
      frame.gso_size == 0 ? frame.length() : std::uint32_t{frame.header_length} + frame.gso_size;
  const std::uint32_t mtu = params.mtu != 0 ? params.mtu : d.mtu;
  if (largest - kIp > mtu || frame.length() - kIp > Ipv4::kMaxPacket) [[unlikely]] {
    return output_long(frame, d, params, now);
  }
  fill_headers(frame, d, params);
  context_.counters->add(Counter::ip_out);
  if (context_.trace->on()) [[unlikely]]
    trace_output(frame, d, now);
  if (d.is_local) return {.action = Verdict::Action::loopback, .interface = kLoopback};
  if (!is_fresh(d, now) && !resolve(d, frame, now)) [[unlikely]]
    return hold(frame, d, now);
  return {.action = Verdict::Action::send, .interface = d.interface, .loop_copy = d.loops_back};
}

void Ip::trace_output(const TxFrame& frame, const Destination& d, Time now) {
  context_.trace->emit({.at = now,
                        .kind = trace::Kind::packet_out,
                        .protocol = frame.protocol,
                        .interface = d.interface,
                        .length = static_cast<std::uint32_t>(frame.length() - kIp),
                        .local = {.addr = d.next_hop, .port = 0},
                        .remote = {.addr = d.remote, .port = 0}});
}

// Whether the frame may leave now; then its destination MAC is right.
bool Ip::resolve(Destination& d, TxFrame& frame, Time now) {
  Neighbour* n = neighbour_of(d);
  if (n == nullptr) {  // evicted meanwhile
    n = neighbours_.find_or_add(d.interface, d.next_hop, now);
    if (n == nullptr) return false;
    d.neighbour = neighbours_.index_of(n);
  }
  if (!neighbours_.use(*n, now)) return false;
  d.neighbour_version = n->version;
  wire::store_mac(d.header.data(), n->mac);
  wire::store_mac(frame.header.data(), n->mac);
  return true;
}

// One buffer with the whole frame, its checksum filled in unless a link is to cut it.
Packet* Ip::copy_frame(const TxFrame& frame) {
  Packet* packet = context_.pool->take(frame.length());
  if (packet == nullptr) return nullptr;
  gather(frame, packet->data);
  packet->length = frame.length();
  packet->network_offset = static_cast<std::uint16_t>(packet->headroom() + kIp);
  packet->protocol = static_cast<std::uint8_t>(frame.protocol);
  packet->gso_size = frame.gso_size;
  if (frame.needs_checksum && frame.gso_size == 0) fill_in_checksum(frame, packet->data);
  return packet;
}

Verdict Ip::hold(const TxFrame& frame, Destination& d, Time now) {
  Neighbour* n = neighbour_of(d);
  Packet* packet = n == nullptr ? nullptr : copy_frame(frame);
  if (packet == nullptr) {
    const Drop reason = n == nullptr ? Drop::neighbour_table_full : Drop::no_buffer;
    return {.action = Verdict::Action::dropped, .reason = context_.counters->drop(reason)};
  }
  packet->interface = d.interface;
  neighbours_.hold(*n, packet, now);
  return {.action = Verdict::Action::held, .interface = d.interface};
}

// Longer than the MTU: the packet is cut by us, or not sent. (Rare, and not to weigh
// upon output() where that is inlined.)
[[gnu::noinline]] Verdict Ip::output_long(TxFrame& frame, Destination& d, const SendParams& params,
                                          Time now) {
  const std::uint16_t mtu = params.mtu != 0 ? params.mtu : d.mtu;
  const std::size_t longest = d.is_v6() ? Ipv6::kHeaderSize + Ipv6::kMaxPayload : Ipv4::kMaxPacket;
  if (params.dont_fragment || frame.gso_size != 0 || frame.length() - kIp > longest) {
    return {.action = Verdict::Action::too_big, .mtu = mtu};
  }
  SendParams to_be_cut = params;
  to_be_cut.fragment_here = false;
  fill_headers(frame, d, to_be_cut);
  context_.counters->add(Counter::ip_out);
  if (context_.trace->on()) trace_output(frame, d, now);
  Packet* packet = copy_frame(frame);
  if (packet == nullptr) {
    return {.action = Verdict::Action::dropped, .reason = context_.counters->drop(Drop::no_buffer)};
  }
  packet->interface = d.interface;
  packet->flags = kToBeCut;
  packet->seq = mtu;
  if (is_fresh(d, now) || resolve(d, frame, now)) {
    wire::store_mac(packet->data, wire::load_mac(frame.header.data()));
    context_.send(packet, now);
    return {.action = Verdict::Action::queued, .interface = d.interface, .loop_copy = d.loops_back};
  }
  Neighbour* n = neighbour_of(d);
  if (n == nullptr) {
    return {.action = Verdict::Action::dropped,
            .reason = context_.drop(packet, Drop::neighbour_table_full, now)};
  }
  neighbours_.hold(*n, packet, now);
  return {.action = Verdict::Action::held, .interface = d.interface};
}

// A message of ip's own, such as an ICMP error: `message` is the layer-4 unit, in front of
// which there is room for the headers. Takes it.
void Ip::send_own(Packet* message, std::uint32_t destination, const SendParams& params, Time now) {
  TxFrame frame;
  const std::uint16_t header_size = transport_offset(destination);
  frame.header_length = header_size;
  frame.spans[0] = message->bytes();
  frame.span_count = 1;
  frame.payload_length = message->length;
  const Verdict verdict = output(frame, destination, params, now);
  if (verdict.action != Verdict::Action::send && verdict.action != Verdict::Action::loopback) {
    context_.pool->give_back(message);  // copied, or dropped and counted
    return;
  }
  std::memcpy(message->push(header_size), frame.header.data(), header_size);
  message->interface = verdict.interface;
  message->flags = 0;
  message->gso_size = 0;
  message->checksum = ChecksumState::unchecked;
  if (verdict.action == Verdict::Action::loopback) message->pull(kIp);
  context_.send(message, now);
}

Packet* Ip::pop_output() {
  for (;;) {
    if (Packet* piece = fragmenter_.next(context_)) {
      if (piece->interface == kLoopback) piece->pull(kIp);  // the longest of IPv6 outgrow "lo"
      return piece;
    }
    Packet* packet = context_.output.pop_front();
    if (packet == nullptr || (packet->flags & kToBeCut) == 0) return packet;
    fragmenter_.start(context_, packet);
  }
}

namespace {

// A packet in a frame of ours, without options or extension headers of IPv6. Filled in where it
// stands: to move it would wait for each of its small fields to be stored.
struct Described {
  std::uint32_t header_size = 0;  // none: no packet was found
  Protocol protocol{};
  bool is_fragment = false;
  Bytes payload;
};

void find_packet(Bytes frame, Described& found) {
  if (frame.size() <= kIp) return;
  const std::uint16_t type = load_be16(frame.data() + 12);
  if (type == wire::kEtherTypeIpv4) {
    if (const auto ip = wire::Ipv4View::parse(frame.subspan(kIp))) {
      found.header_size = static_cast<std::uint32_t>(ip->header_size());
      found.protocol = ip->protocol();
      found.is_fragment = ip->is_fragment();
      found.payload = ip->payload();
    }
  } else if (type == wire::kEtherTypeIpv6) {
    if (const auto ip = wire::Ipv6View::parse(frame.subspan(kIp))) {
      found.header_size = Ipv6::kHeaderSize;
      found.protocol = ip->next_header();
      found.payload = ip->payload();
    }
  }
}

// Of the pseudo-header without a length (RFC 9293 3.1, RFC 8200 8.1).
std::uint64_t pseudo_sum(const std::uint8_t* ip, Protocol protocol) {
  if (ip[0] >> 4U == 6) {
    return wire::pseudo_header_sum(wire::load_ipv6(ip + 8), wire::load_ipv6(ip + 24), protocol, 0);
  }
  return wire::pseudo_header_sum(wire::load_ipv4(ip + 12), wire::load_ipv4(ip + 16), protocol, 0);
}

}  // namespace

void Ip::describe(const Packet& packet, TxFrame& frame) {
  frame.gso_size = 0;
  frame.needs_checksum = false;
  frame.network_offset = frame.transport_offset = 0;
  frame.header_length = static_cast<std::uint16_t>(std::min<std::uint32_t>(packet.length, kIp));
  const Bytes bytes = packet.bytes();
  Described ip;
  find_packet(bytes, ip);
  if (ip.header_size != 0) {
    frame.network_offset = kIp;
    frame.protocol = ip.protocol;
    frame.header_length = static_cast<std::uint16_t>(kIp + ip.header_size);
    // Segments that a link delivered as one leave as one; and what came without a checksum,
    // because its sender vouched for it, gets one now.
    const bool vouched = packet.checksum == ChecksumState::good && !ip.is_fragment;
    const auto tcp = ip.protocol == Protocol::tcp ? wire::TcpView::parse(ip.payload) : std::nullopt;
    const bool is_udp = ip.protocol == Protocol::udp && ip.payload.size() >= 8;
    if ((packet.gso_size != 0 || vouched) && (tcp || is_udp)) {
      frame.transport_offset = frame.header_length;
      frame.header_length = static_cast<std::uint16_t>(
          frame.transport_offset + (tcp ? tcp->header_size() : wire::Udp::kHeaderSize));
      frame.gso_size = tcp ? packet.gso_size : std::uint16_t{0};
      frame.needs_checksum = true;
      frame.pseudo_sum = pseudo_sum(bytes.data() + kIp, ip.protocol);
    }
  }
  std::memcpy(frame.header.data(), packet.data, frame.header_length);
  frame.payload_length = packet.length - frame.header_length;
  frame.span_count = frame.payload_length == 0 ? 0 : 1;
  frame.spans[0] = bytes.subspan(frame.header_length);
}

}  // namespace naru::ip
