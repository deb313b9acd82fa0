// Any bytes as an Ethernet frame, as an IP packet and as each format above it:
// nothing is read outside, views stay inside their bytes, what was parsed can be
// emitted and parsed again, and the ways to sum agree.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <naru/base/bytes.hpp>

#include "base/check.hpp"
#include "wire/arp.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv4.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"
#include "wire/ipv6_extension.hpp"
#include "wire/ndp.hpp"
#include "wire/print.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"
#include "wire/udp.hpp"

namespace naru::wire {
namespace {

using Buffer = std::vector<std::uint8_t>;

void check_inside(Bytes inner, Bytes outer) {
  if (inner.empty()) return;
  NARU_CHECK(inner.data() >= outer.data());
  NARU_CHECK(inner.data() + inner.size() <= outer.data() + outer.size());
}

void check_sums(Bytes bytes) {
  const std::uint16_t sum = fold(sum_bytes(bytes));
  NARU_CHECK(fold(detail::sum_portable(bytes.data(), bytes.size(), 0)) == sum);
  Buffer copy(bytes.size());
  NARU_CHECK(fold(copy_and_sum(copy.data(), bytes.data(), bytes.size())) == sum);
  NARU_CHECK(std::equal(copy.begin(), copy.end(), bytes.begin(), bytes.end()));
  const std::size_t split = bytes.empty() ? 0 : bytes[0] % (bytes.size() + 1);
  const std::uint64_t head = sum_bytes(bytes.first(split));
  NARU_CHECK(fold(combine(head, sum_bytes(bytes.subspan(split)), split % 2 == 1)) == sum);
}

void check_arp(Bytes bytes) {
  const auto arp = ArpView::parse(bytes);
  if (!arp) return;
  std::uint8_t again[Arp::kSize];
  arp->value().emit(again);
  NARU_CHECK(std::equal(again, again + Arp::kSize, bytes.begin()));
}

void check_tcp_options(Bytes bytes) {
  const TcpOptions options = TcpOptions::parse(bytes);
  NARU_CHECK(options.sack_count <= TcpOptions::kMaxSackBlocks);
  NARU_CHECK(!options.fast_open || options.fast_open->size <= FastOpenCookie::kMaxSize);
  if (options.malformed) return;
  // NOPs at the end change nothing, whatever way the parser takes.
  Buffer padded(bytes.begin(), bytes.end());
  padded.insert(padded.end(), 4, kOptionNop);
  NARU_CHECK(TcpOptions::parse(padded) == options);
  TcpOptions syn = options;
  syn.sack_count = 0;
  syn.sack_blocks = {};
  std::uint8_t emitted[Tcp::kMaxOptions];
  const std::size_t size = emit_syn_options(emitted, syn);
  NARU_CHECK(size <= sizeof emitted && size % 4 == 0);
  NARU_CHECK(TcpOptions::parse({emitted, size}) == syn);
}

void check_tcp(Bytes bytes, const IpAddr& src, const IpAddr& dst) {
  const auto tcp = TcpView::parse(bytes);
  if (!tcp) return;
  check_inside(tcp->options(), bytes);
  check_inside(tcp->payload(), bytes);
  NARU_CHECK(Tcp::kHeaderSize + tcp->options().size() + tcp->payload().size() == bytes.size());
  check_tcp_options(tcp->options());
  // The same segment again, with a checksum that is right.
  Buffer again(bytes.begin(), bytes.end());
  const std::uint64_t sum = Tcp{tcp->src_port(), tcp->dst_port(), tcp->seq(),           tcp->ack(),
                                tcp->flags(),    tcp->window(),   tcp->urgent_pointer()}
                                .emit(again.data(), tcp->options().size());
  Tcp::emit_checksum(again.data(), src, dst, static_cast<std::uint32_t>(again.size()),
                     sum_bytes(bytes.subspan(Tcp::kHeaderSize), sum));
  NARU_CHECK(TcpView::parse(again)->checksum_ok(src, dst));
  NARU_CHECK(std::equal(again.begin(), again.begin() + 12, bytes.begin()));
  // The checksum was right if it is the same now; zero has two representations,
  // and the reserved bits are not kept.
  const bool is_same = load_checksum(&again[16]) == load_checksum(&bytes[16]);
  const bool is_plain =
      (bytes[12] & 0x0fU) == 0 && tcp->checksum() != 0xffff && tcp->checksum() != 0;
  NARU_CHECK(!is_plain || tcp->checksum_ok(src, dst) == is_same);
}

void check_udp(Bytes bytes, const IpAddr& src, const IpAddr& dst) {
  const auto udp = UdpView::parse(bytes);
  if (!udp) return;
  check_inside(udp->bytes(), bytes);
  check_inside(udp->payload(), bytes);
  Buffer again(udp->bytes().begin(), udp->bytes().end());
  Udp{udp->src_port(), udp->dst_port(), udp->length()}.emit(again.data(), src, dst,
                                                            sum_bytes(udp->payload()));
  const auto right = UdpView::parse(again);
  NARU_CHECK(right && right->has_checksum() && right->checksum_ok(src, dst));
  (void)udp->checksum_ok(src, dst);
}

void check_icmp(Bytes bytes) {
  const auto icmp = Icmpv4View::parse(bytes);
  if (!icmp) return;
  check_inside(icmp->payload(), bytes);
  std::uint8_t again[Icmpv4::kHeaderSize];
  Icmpv4{icmp->type(), icmp->code(), load_be32(&bytes[4])}.emit(again, sum_bytes(icmp->payload()));
  NARU_CHECK(verifies(sum_bytes(again, sizeof again, sum_bytes(icmp->payload()))) ||
             std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; }));
  (void)icmp->checksum_ok();
}

void check_ipv4_options(Bytes bytes) {
  Ipv4OptionWalker walker(bytes);
  Ipv4Option option;
  std::size_t before = 0;
  while (walker.next(option)) {
    check_inside(option.bytes, bytes);
    NARU_CHECK(walker.offset() >= before + 2);
    before = walker.offset();
  }
  NARU_CHECK(walker.offset() <= bytes.size());
  NARU_CHECK(Ipv4OptionSummary::of(bytes).malformed == walker.malformed());
}

void check_ipv4_view(const Ipv4View& ip, Bytes bytes) {
  check_inside(ip.bytes(), bytes);
  check_inside(ip.options(), ip.bytes());
  check_inside(ip.payload(), ip.bytes());
  NARU_CHECK(Ipv4::kHeaderSize + ip.options().size() + ip.payload().size() == ip.total_length());
  check_ipv4_options(ip.options());
}

void check_ipv4(Bytes bytes) {
  if (const auto quote = Ipv4View::parse_quote(bytes)) check_ipv4_view(*quote, bytes);
  const auto ip = Ipv4View::parse(bytes);
  if (!ip) return;
  NARU_CHECK(Ipv4View::parse_quote(bytes)->total_length() == ip->total_length());
  check_ipv4_view(*ip, bytes);
  const Ipv4 value{ip->src(),
                   ip->dst(),
                   ip->protocol(),
                   ip->ttl(),
                   ip->tos(),
                   ip->dont_fragment(),
                   ip->more_fragments(),
                   ip->id(),
                   ip->fragment_offset(),
                   ip->total_length()};
  Buffer again(bytes.begin(), bytes.end());
  NARU_CHECK(value.emit_with_options(again.data(), ip->options()) == ip->header_size());
  NARU_CHECK(Ipv4View::parse(again)->header_checksum_ok());
  // All but the reserved flag and the checksum is as it was.
  again[6] |= static_cast<std::uint8_t>(bytes[6] & 0x80U);
  std::copy_n(&bytes[Ipv4::kChecksumOffset], 2, &again[Ipv4::kChecksumOffset]);
  NARU_CHECK(std::equal(again.begin(), again.end(), bytes.begin()));
  check_tcp(ip->payload(), ip->src(), ip->dst());
  check_udp(ip->payload(), ip->src(), ip->dst());
  check_icmp(ip->payload());
}

void check_ndp_options(Bytes bytes) {
  NdpOptionWalker walker(bytes);
  unsigned count = 0;
  for (NdpOption option; walker.next(option); ++count) {
    check_inside(option.bytes, bytes);
    NARU_CHECK(option.bytes.size() >= 8 && option.bytes.size() % 8 == 0);
  }
  NARU_CHECK(count <= NdpOptionWalker::kMaxOptions);
  NARU_CHECK(NdpOptions::of(bytes).malformed == walker.malformed());
}

void check_icmp6(Bytes bytes, const IpAddr& src, const IpAddr& dst) {
  const auto icmp = Icmpv6View::parse(bytes);
  if (!icmp) return;
  if (icmp->has_rest()) check_inside(icmp->payload(), bytes);
  Buffer again(bytes.begin(), bytes.end());
  fill_icmpv6_checksum(again, src, dst);
  NARU_CHECK(Icmpv6View::parse(again)->checksum_ok(src, dst));
  if (const auto ndp = NdpView::parse(bytes)) {
    check_inside(ndp->options(), bytes);
    check_ndp_options(ndp->options());
  }
}

void check_ipv6_chain(const Ipv6View& ip) {
  for (const bool to_group : {false, true}) {
    const auto chain = Ipv6Chain::of(ip, to_group, false);
    NARU_CHECK(chain.fault == Ipv6Chain::Fault::malformed || chain.pointer < ip.total_length());
    NARU_CHECK(chain.upper_at >= Ipv6::kHeaderSize && chain.upper_at <= ip.total_length());
    NARU_CHECK(chain.next_header_offset < chain.upper_at);
    if (!chain.fragment) continue;
    NARU_CHECK(chain.fragment->at + Ipv6Fragment::kSize <= ip.total_length());
    NARU_CHECK(ip.bytes()[chain.fragment->next_header_offset] == ipv6_header::kFragment);
  }
}

void check_ipv6(Bytes bytes) {
  if (const auto quote = Ipv6View::parse_quote(bytes)) check_inside(quote->bytes(), bytes);
  const auto ip = Ipv6View::parse(bytes);
  if (!ip) return;
  check_inside(ip->bytes(), bytes);
  check_inside(ip->payload(), ip->bytes());
  check_ipv6_chain(*ip);
  const Ipv6 value{ip->src(),
                   ip->dst(),
                   ip->next_header(),
                   ip->hop_limit(),
                   ip->traffic_class(),
                   ip->flow_label(),
                   static_cast<std::uint16_t>(ip->payload().size())};
  std::uint8_t again[Ipv6::kHeaderSize];
  value.emit(again);
  // What of a link-local address is no zone's business stays behind.
  const bool is_plain =
      ip->src() == ip->src().without_zone() && ip->dst() == ip->dst().without_zone();
  NARU_CHECK(std::equal(again, again + (is_plain ? sizeof again : 8), bytes.begin()));
  check_tcp(ip->payload(), ip->src(), ip->dst());
  check_icmp6(ip->payload(), ip->src(), ip->dst());
}

void check_frame(Bytes frame) {
  const auto header = EthernetHeader::parse(frame);
  const auto view = EthernetView::parse(frame);
  NARU_CHECK(view || !header);
  if (view) check_inside(view->payload(), frame);
  if (!header) return;
  NARU_CHECK(header->payload_offset <= frame.size());
  NARU_CHECK(header->ether_type >= kMinEtherType);
  NARU_CHECK(header->tag || !header->inner_tag);
  std::uint8_t again[Ethernet::kHeaderSize];
  Ethernet{view->dst(), view->src(), view->type()}.emit(again);
  NARU_CHECK(std::equal(again, again + sizeof again, frame.begin()));
  check_arp(frame.subspan(header->payload_offset));
  check_ipv4(frame.subspan(header->payload_offset));
  check_ipv6(frame.subspan(header->payload_offset));
}

void check_line(const std::string& line) {
  NARU_CHECK(!line.empty());
  NARU_CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

void check_everything(Bytes bytes) {
  check_frame(bytes);
  check_arp(bytes);
  check_ipv4(bytes);
  check_ipv6(bytes);
  check_icmp6(bytes, IpAddr::any_v6(), IpAddr::loopback_v6());
  check_ndp_options(bytes);
  check_tcp(bytes, IpAddr::any_v6(), IpAddr::v4(1));
  check_udp(bytes, IpAddr::any_v6(), IpAddr::v4(1));
  check_icmp(bytes);
  check_ipv4_options(bytes);
  check_tcp_options(bytes);
  check_sums(bytes);
  check_line(print_frame(bytes));
  check_line(print_packet(bytes));
}

}  // namespace
}  // namespace naru::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  naru::wire::check_everything({data, size});
  return 0;
}
