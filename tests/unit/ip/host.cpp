#include "host.hpp"

#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/udp.hpp"

namespace naru::ip::test {

Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Buffer counting(std::size_t size, std::uint8_t first) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(first + i * 7);
  return bytes;
}

Buffer ethernet(const MacAddr& dst, const MacAddr& src, std::uint16_t type, const Buffer& payload) {
  Buffer frame(wire::Ethernet::kHeaderSize);
  wire::Ethernet{dst, src, type}.emit(frame.data());
  return frame + payload;
}

Buffer arp(const wire::Arp& arp, const MacAddr& dst) {
  Buffer packet(wire::Arp::kSize);
  arp.emit(packet.data());
  return ethernet(dst, arp.sha, wire::kEtherTypeArp, packet);
}

Buffer ipv4(wire::Ipv4 header, const Buffer& payload, const Buffer& options) {
  Buffer packet(wire::Ipv4::kMaxHeaderSize);
  const std::size_t padded = (options.size() + 3) / 4 * 4;
  if (header.total_length == 0) {
    header.total_length =
        static_cast<std::uint16_t>(wire::Ipv4::kHeaderSize + padded + payload.size());
  }
  packet.resize(header.emit_with_options(packet.data(), options));
  return packet + payload;
}

Buffer udp(const IpAddr& src, const IpAddr& dst, std::uint16_t src_port, std::uint16_t dst_port,
           const Buffer& payload) {
  Buffer header(wire::Udp::kHeaderSize);
  const wire::Udp udp{src_port, dst_port,
                      static_cast<std::uint16_t>(wire::Udp::kHeaderSize + payload.size())};
  udp.emit(header.data(), src, dst, wire::sum_bytes(payload));
  return header + payload;
}

Buffer icmp(const wire::Icmpv4& header, const Buffer& payload) {
  Buffer message(wire::Icmpv4::kHeaderSize);
  header.emit(message.data(), wire::sum_bytes(payload));
  return message + payload;
}

Buffer echo_request(std::uint16_t id, std::uint16_t seq, const Buffer& data) {
  return icmp(wire::Icmpv4::echo(wire::Icmpv4Type::echo_request, id, seq), data);
}

std::optional<wire::Arp> Sent::arp() const {
  if (ether_type() != wire::kEtherTypeArp) return std::nullopt;
  const auto view = wire::ArpView::parse(Bytes(bytes).subspan(wire::Ethernet::kHeaderSize));
  return view ? std::optional(view->value()) : std::nullopt;
}

std::optional<wire::Ipv4View> Sent::ipv4() const {
  if (ether_type() != wire::kEtherTypeIpv4) return std::nullopt;
  return wire::Ipv4View::parse(Bytes(bytes).subspan(wire::Ethernet::kHeaderSize));
}

std::optional<wire::Icmpv4View> Sent::icmp() const {
  const auto packet = ipv4();
  if (!packet || packet->protocol() != Protocol::icmp) return std::nullopt;
  return wire::Icmpv4View::parse(packet->payload());
}

Host::Host(const Setup& setup)
    : mapping(*ArenaMapping::map_private(std::size_t{256} << 20U)),
      ip(*mapping.arena().make<Ip>()) {
  for (const auto& [option, value] : setup.options) {
    EXPECT_TRUE(options.set(option, value).has_value());
  }
  Arena& arena = mapping.arena();
  EXPECT_TRUE(trace.init(arena, 1024));
  EXPECT_TRUE(pool.init(arena, options.u32(Option::max_small_packets),
                        options.u32(Option::max_large_packets)));
  EXPECT_TRUE(ip.init(arena, options, counters, trace, random, pool));
  if (!setup.with_interface) return;
  EXPECT_EQ(ip.add_interface("eth0", kOurMac, 1500, now), 1);
  EXPECT_TRUE(ip.add_address(1, prefix("10.0.0.1/24"), now).has_value());
  collect();
  sent.clear();
}

Input Host::take(Packet* packet) {
  Input result = ip.input(packet, now);
  for (;;) {
    if (result.action == Input::Action::deliver) {
      const Packet& p = *result.packet;
      delivered.push_back({.bytes = Buffer(p.data, p.data + p.length),
                           .source = p.source,
                           .destination = p.destination,
                           .protocol = p.protocol,
                           .ttl = p.ttl,
                           .tos = p.tos,
                           .group = result.group,
                           .checksum = p.checksum});
      pool.give_back(result.packet);
      result.packet = nullptr;
    }
    break;
  }
  collect();
  return result;
}

Input Host::receive(const Buffer& frame, std::uint8_t interface, ChecksumState checksum) {
  Packet* packet = pool.take(static_cast<std::uint32_t>(frame.size()));
  EXPECT_NE(packet, nullptr);
  // Bytes behind the frame are what an earlier one left: nobody may read them.
  std::copy(frame.begin(), frame.end(), packet->data);
  packet->length = static_cast<std::uint32_t>(frame.size());
  packet->interface = interface;
  packet->checksum = checksum;
  return take(packet);
}

Input Host::receive_ip(const Buffer& packet, std::uint8_t interface, const MacAddr& dst) {
  return receive(ethernet(dst, kPeerMac, wire::kEtherTypeIpv4, packet), interface);
}

Input Host::receive_chain(const std::vector<Buffer>& pieces) {
  Packet* head = nullptr;
  Packet** link = &head;
  for (const Buffer& piece : pieces) {
    Packet* p = pool.take(static_cast<std::uint32_t>(piece.size()));
    std::copy(piece.begin(), piece.end(), p->data);
    p->length = static_cast<std::uint32_t>(piece.size());
    p->interface = 1;
    *link = p;
    link = &p->more;
  }
  return take(head);
}

Verdict Host::send(std::string_view remote, const Buffer& transport, SendParams params) {
  const auto to = ip.destination(*IpAddr::parse(remote), IpAddr(), now);
  EXPECT_TRUE(to.has_value()) << remote;
  return send_to(*to, transport, params);
}

Verdict Host::send_to(std::uint32_t destination, const Buffer& transport, SendParams params) {
  if (params.protocol == Protocol{}) params.protocol = Protocol::udp;
  TxFrame frame;
  frame.header_length = ip.transport_offset(destination);
  frame.spans[0] = transport;
  frame.span_count = 1;
  frame.payload_length = static_cast<std::uint32_t>(transport.size());
  const Verdict verdict = ip.output(frame, destination, params, now);
  if (verdict.action == Verdict::Action::send) {
    const Buffer header(frame.header.begin(), frame.header.begin() + frame.header_length);
    sent.push_back({verdict.interface, header + transport});
  }
  collect();
  return verdict;
}

void Host::collect() {
  while (Packet* packet = ip.pop_output()) {
    if (packet->interface == kLoopback) {
      const Input result = ip.input_loopback(packet, now);
      if (result.action == Input::Action::deliver) {
        delivered.push_back(
            {.bytes = Buffer(result.packet->data, result.packet->data + result.packet->length),
             .source = result.packet->source,
             .destination = result.packet->destination,
             .protocol = result.packet->protocol});
        pool.give_back(result.packet);
      }
      continue;
    }
    TxFrame frame;
    Ip::describe(*packet, frame);
    Buffer bytes(frame.header.begin(), frame.header.begin() + frame.header_length);
    if (frame.span_count != 0)
      bytes.insert(bytes.end(), frame.spans[0].begin(), frame.spans[0].end());
    EXPECT_EQ(bytes, Buffer(packet->data, packet->data + packet->length));
    sent.push_back({packet->interface, std::move(bytes)});
    pool.give_back(packet);
  }
}

void Host::advance(Duration by) {
  const Time end = now + by;
  while (ip.next_deadline() <= end) {
    now = std::max(now, ip.next_deadline());
    ip.on_timer(now);
    collect();
  }
  now = end;
  ip.on_timer(now);
  collect();
}

void Host::resolve(std::string_view addr, const MacAddr& at, std::uint8_t interface) {
  const auto ours = ip.destination(*IpAddr::parse(addr), IpAddr(), now);
  receive(arp({.op = wire::Arp::kReply,
               .sha = at,
               .spa = *IpAddr::parse(addr),
               .tha = ip.interface_mac(interface),
               .tpa = ip.at(*ours).source},
              ip.interface_mac(interface)),
          interface);
  ip.confirm_neighbour(*ours, now);
}

std::vector<Sent> Host::take_sent() { return std::exchange(sent, {}); }
std::vector<Delivered> Host::take_delivered() { return std::exchange(delivered, {}); }

std::optional<ErrorReport> Host::error() {
  ErrorReport report;
  return ip.pop_error(report) ? std::optional(report) : std::nullopt;
}

std::optional<NeighbourInfo> Host::neighbour(std::string_view addr) {
  std::optional<NeighbourInfo> found;
  ip.for_each_neighbour([&](const NeighbourInfo& n) {
    if (n.addr == *IpAddr::parse(addr)) found = n;
  });
  return found;
}

}  // namespace naru::ip::test
