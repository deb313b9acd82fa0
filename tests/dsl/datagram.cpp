#include "dsl/datagram.hpp"

#include <algorithm>
#include <sstream>

#include "wire/icmpv4.hpp"
#include "wire/udp.hpp"

namespace naru::test {
namespace {

template <class T>
void print(std::ostream& out, std::string_view name, const std::optional<T>& value) {
  if (!value) return;
  out << ' ' << name << ' ';
  if constexpr (std::is_arithmetic_v<T>) {
    out << +*value;
  } else {
    out << value->to_string();
  }
}

void compare_data(const std::optional<Buffer>& expected, Bytes actual, Differences& d) {
  if (!expected) return;
  d.check("length", std::optional(expected->size()), actual.size());
  if (d.none() && !std::ranges::equal(*expected, actual)) d.add("payload", "different", "equal");
}

}  // namespace

// --- UDP ---------------------------------------------------------------------

Buffer Datagram::transport(const Path& path) const {
  const Buffer payload = data_.value_or(Buffer{});
  Buffer out;
  append16(out, sport_.value_or(40'000));
  append16(out, dport_.value_or(9));
  append16(out, length_.value_or(static_cast<std::uint16_t>(8 + payload.size())));
  append16(out, 0);
  append(out, payload);
  if (no_checksum_) return out;
  const std::uint16_t sum = slow_checksum(
      out, slow_pseudo_sum(source_of(ip(), path), destination_of(ip(), path), 17, out.size()));
  const std::uint16_t right = sum == 0 ? 0xffff : sum;
  store_be16(out.data() + 6, bad_checksum_ ? right ^ 0x0101U : right);
  return out;
}

Buffer Datagram::render(const Path& path) const {
  return make_frame(ip(), path, 17, transport(path));
}

std::string Datagram::differences(const Frame& frame) const {
  if (!frame.is_ipv4(17)) return "not a UDP datagram";
  Differences d;
  compare(ip(), frame, d);
  const auto udp = wire::UdpView::parse(frame.ipv4().payload());
  if (!udp) return "malformed";
  d.check("source port", sport_, udp->src_port());
  d.check("destination port", dport_, udp->dst_port());
  d.check("length field", length_, udp->length());
  if (no_checksum_ && udp->has_checksum()) d.add("checksum", "present", "absent");
  compare_data(data_, udp->payload(), d);
  return d.text();
}

std::string Datagram::to_string() const {
  std::ostringstream out;
  out << "UDP";
  print(out, "from", ip().src);
  print(out, "to", ip().dst);
  print(out, "sport", sport_);
  print(out, "dport", dport_);
  if (data_) out << " length " << data_->size();
  return out.str();
}

// --- ICMP --------------------------------------------------------------------

IcmpMessage& IcmpMessage::about(Bytes ip_packet, std::size_t n) {
  const std::size_t header = std::size_t{ip_packet[0] & 0xfU} * 4;
  const Bytes quote = ip_packet.first(std::min(ip_packet.size(), header + n));
  return data(Buffer(quote.begin(), quote.end()));
}

Buffer IcmpMessage::render(const Path& path) const {
  Buffer out;
  out.push_back(type_.value_or(8));
  out.push_back(code_.value_or(0));
  append16(out, 0);
  append32(out, rest_.value_or(0));
  append(out, data_.value_or(Buffer{}));
  const std::uint16_t sum = slow_checksum(out);
  store_be16(out.data() + 2, bad_checksum_ ? sum ^ 0x0101U : sum);
  if (truncate_) out.resize(*truncate_);
  return make_frame(ip(), path, 1, out);
}

std::string IcmpMessage::differences(const Frame& frame) const {
  if (!frame.is_ipv4(1)) return "not an ICMP message";
  Differences d;
  compare(ip(), frame, d);
  const Bytes message = frame.ipv4().payload();
  if (message.size() < 8) return "truncated";
  d.check("type", type_, message[0]);
  d.check("code", code_, message[1]);
  d.check("rest", rest_, load_be32(message.data() + 4));
  compare_data(data_, message.subspan(8), d);
  return d.text();
}

std::string IcmpMessage::to_string() const {
  std::ostringstream out;
  out << "ICMP";
  print(out, "type", type_);
  print(out, "code", code_);
  print(out, "rest", rest_);
  print(out, "to", ip().dst);
  if (data_) out << " length " << data_->size();
  return out.str();
}

// --- ARP ---------------------------------------------------------------------

Buffer ArpPacket::render(const Path& path) const {
  const std::uint16_t op = op_.value_or(wire::Arp::kRequest);
  const bool request = op == wire::Arp::kRequest;
  const MacAddr sha = sha_.value_or(path.mac_src);
  Buffer out;
  append(out, mac_dst_.value_or(request ? MacAddr::broadcast() : path.mac_dst).bytes);
  append(out, mac_src_.value_or(sha).bytes);
  append16(out, wire::kEtherTypeArp);
  append16(out, hrd_);
  append16(out, pro_);
  out.push_back(hln_);
  out.push_back(pln_);
  append16(out, op);
  append(out, sha.bytes);
  append32(out, spa_.value_or(path.src).to_v4());
  append(out, tha_.value_or(request ? MacAddr{} : path.mac_dst).bytes);
  append32(out, tpa_.value_or(path.dst).to_v4());
  if (truncate_) out.resize(14 + *truncate_);
  return out;
}

std::string ArpPacket::differences(const Frame& frame) const {
  if (!frame.is_arp()) return "not an ARP packet";
  const auto arp = wire::ArpView::parse(frame.ethernet().payload());
  if (!arp) return "malformed";
  Differences d;
  d.check("source MAC", mac_src_, frame.ethernet().src());
  d.check("destination MAC", mac_dst_, frame.ethernet().dst());
  d.check("op", op_, arp->op());
  d.check("sha", sha_, arp->sha());
  d.check("spa", spa_, arp->spa());
  d.check("tha", tha_, arp->tha());
  d.check("tpa", tpa_, arp->tpa());
  return d.text();
}

std::string ArpPacket::to_string() const {
  std::ostringstream out;
  out << "ARP";
  print(out, "op", op_);
  print(out, "sha", sha_);
  print(out, "spa", spa_);
  print(out, "tha", tha_);
  print(out, "tpa", tpa_);
  return out.str();
}

// --- IP ----------------------------------------------------------------------

Buffer IpPacket::render(const Path& path) const {
  return make_frame(ip(), path, 0, data_.value_or(Buffer{}));
}

std::string IpPacket::differences(const Frame& frame) const {
  if (frame.ethernet().type() != wire::kEtherTypeIpv4) return "not an IPv4 packet";
  Differences d;
  compare(ip(), frame, d);
  compare_data(data_, frame.ipv4().payload(), d);
  return d.text();
}

std::string IpPacket::to_string() const {
  std::ostringstream out;
  out << "IPv4";
  print(out, "protocol", ip().protocol);
  print(out, "from", ip().src);
  print(out, "to", ip().dst);
  print(out, "offset", ip().fragment_offset);
  if (data_) out << " length " << data_->size();
  return out.str();
}

}  // namespace naru::test
