#include "dsl/frame.hpp"

#include <cstdio>

#include "wire/arp.hpp"
#include "wire/print.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::test {
namespace {

Buffer make_ipv4(const IpFields& ip, const Path& path, std::uint8_t protocol, Bytes payload) {
  Buffer options = ip.options;
  options.resize((options.size() + 3) / 4 * 4);
  const std::size_t header_size = 20 + options.size();
  const std::size_t total = header_size + payload.size();
  const auto words = ip.header_words.value_or(static_cast<std::uint8_t>(header_size / 4));
  const unsigned fragment =
      (ip.reserved_flag ? 0x8000U : 0U) | (ip.dont_fragment.value_or(false) ? 0x4000U : 0U) |
      (ip.more_fragments.value_or(false) ? 0x2000U : 0U) | (ip.fragment_offset.value_or(0) / 8U);

  Buffer out;
  out.push_back(static_cast<std::uint8_t>(ip.version.value_or(4) << 4U | (words & 0xfU)));
  out.push_back(ip.tos.value_or(0));
  append16(out, ip.total_length.value_or(static_cast<std::uint16_t>(total)));
  append16(out, ip.id.value_or(0));
  append16(out, static_cast<std::uint16_t>(fragment));
  out.push_back(ip.ttl.value_or(64));
  out.push_back(ip.protocol.value_or(protocol));
  append16(out, 0);
  append32(out, source_of(ip, path).to_v4());
  append32(out, destination_of(ip, path).to_v4());
  append(out, options);
  const std::uint16_t checksum = slow_checksum(out);
  store_be16(out.data() + 10, ip.bad_ip_checksum ? checksum ^ 0x0101U : checksum);
  append(out, payload);
  return out;
}

std::string flaw_of_transport(const wire::Ipv4View& ip) {
  const Bytes payload = ip.payload();
  const auto protocol = static_cast<std::uint8_t>(ip.protocol());
  const std::uint32_t pseudo = slow_pseudo_sum(ip.src(), ip.dst(), protocol, payload.size());
  switch (ip.protocol()) {
    case Protocol::tcp:
      if (!wire::TcpView::parse(payload)) return "malformed TCP header";
      return slow_checksum(payload, pseudo) == 0 ? "" : "wrong TCP checksum";
    case Protocol::udp: {
      const auto udp = wire::UdpView::parse(payload);
      if (!udp || udp->length() != payload.size()) return "wrong UDP length";
      return slow_checksum(payload, pseudo) == 0 ? "" : "wrong UDP checksum";
    }
    case Protocol::icmp:
      if (payload.size() < 8) return "short ICMP message";
      return slow_checksum(payload) == 0 ? "" : "wrong ICMP checksum";
    default:
      return "";
  }
}

}  // namespace

Buffer make_frame(const IpFields& ip, const Path& path, std::uint8_t protocol, Bytes payload) {
  Buffer out;
  append(out, ip.mac_dst.value_or(path.mac_dst).bytes);
  append(out, ip.mac_src.value_or(path.mac_src).bytes);
  for (const std::uint32_t tag : ip.vlan_tags) append32(out, tag);
  append16(out, ip.ether_type.value_or(wire::kEtherTypeIpv4));
  append(out, make_ipv4(ip, path, protocol, payload));
  out.resize(out.size() + ip.padding, 0xee);
  return out;
}

bool Frame::is_ipv4(std::uint8_t protocol) const {
  if (ethernet().type() != wire::kEtherTypeIpv4) return false;
  const auto ip = wire::Ipv4View::parse(ethernet().payload());
  return ip && static_cast<std::uint8_t>(ip->protocol()) == protocol;
}

std::string Frame::to_string(Time start) const {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.6f ",
                std::chrono::duration<double>(at - start).count());
  return seconds + wire::print_frame(bytes);
}

void compare(const IpFields& expected, const Frame& frame, Differences& differences) {
  differences.check("source MAC", expected.mac_src, frame.ethernet().src());
  differences.check("destination MAC", expected.mac_dst, frame.ethernet().dst());
  const wire::Ipv4View ip = frame.ipv4();
  differences.check("source", expected.src, ip.src());
  differences.check("destination", expected.dst, ip.dst());
  differences.check("protocol", expected.protocol, static_cast<std::uint8_t>(ip.protocol()));
  differences.check("ttl", expected.ttl, ip.ttl());
  differences.check("tos", expected.tos, ip.tos());
  differences.check("id", expected.id, ip.id());
  differences.check("DF", expected.dont_fragment, ip.dont_fragment());
  differences.check("MF", expected.more_fragments, ip.more_fragments());
  differences.check("fragment offset", expected.fragment_offset, ip.fragment_offset());
  differences.check("total length", expected.total_length, ip.total_length());
}

std::string flaw(const Frame& frame) {
  const auto ethernet = wire::EthernetView::parse(frame.bytes);
  if (!ethernet) return "frame shorter than its header";
  if (ethernet->type() == wire::kEtherTypeArp) {
    return wire::ArpView::parse(ethernet->payload()) ? "" : "malformed ARP packet";
  }
  if (ethernet->type() != wire::kEtherTypeIpv4) return "unknown ether type";
  const auto ip = wire::Ipv4View::parse(ethernet->payload());
  if (!ip) return "malformed IPv4 header";
  const Bytes header = ethernet->payload().first(ip->header_size());
  if (slow_checksum(header) != 0) return "wrong IPv4 header checksum";
  if (ip->ttl() == 0) return "TTL 0";
  return ip->is_fragment() ? "" : flaw_of_transport(*ip);
}

}  // namespace naru::test
