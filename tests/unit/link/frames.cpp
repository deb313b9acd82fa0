#include "frames.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::link::test {

namespace {

constexpr std::uint32_t kSource = 0x0a000001;
constexpr std::uint32_t kDestination = 0x0a000002;
constexpr std::size_t kArenaSize = std::size_t{64} << 20U;

IpAddr address(bool ipv6, std::uint8_t last) {
  if (!ipv6) return IpAddr::v4(10, 0, 0, last);
  return IpAddr::v6({0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, last});
}

// Ethernet, IP and TCP headers for `payload` bytes; the TCP checksum stays 0.
Frame make_headers(const TcpSpec& spec, std::size_t payload, std::uint32_t seq, std::uint16_t id,
                   std::uint8_t flags) {
  const std::size_t ip = spec.ipv6 ? 40 : 20U + spec.ip_options;
  const std::size_t tcp = 20U + spec.tcp_options;
  Frame frame(14 + ip + tcp);
  wire::Ethernet{kMacB, kMacA, spec.ipv6 ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4}.emit(
      frame.data());
  std::uint8_t* p = frame.data() + 14;
  if (spec.ipv6) {
    p[0] = 0x60;
    store_be16(p + 4, static_cast<std::uint16_t>(tcp + payload));
    p[6] = 6;
    p[7] = 64;
    std::memcpy(p + 8, address(true, 1).bytes().data(), 16);
    std::memcpy(p + 24, address(true, 2).bytes().data(), 16);
  } else {
    p[0] = static_cast<std::uint8_t>(0x40U | (ip / 4));
    store_be16(p + 2, static_cast<std::uint16_t>(ip + tcp + payload));
    store_be16(p + 4, id);
    p[6] = 0x40;
    p[8] = 64;
    p[9] = 6;
    store_be32(p + 12, kSource);
    store_be32(p + 16, kDestination);
    std::memset(p + 20, 1, spec.ip_options);  // NOPs
    store_be16(p + 10, plain_checksum({p, ip}));
  }
  p += ip;
  wire::Tcp{
      .src_port = 1000, .dst_port = 80, .seq = seq, .ack = spec.ack, .flags = flags, .window = 5000}
      .emit(p, spec.tcp_options);
  for (std::size_t i = 0; i < spec.tcp_options; ++i) p[20 + i] = static_cast<std::uint8_t>(i + 1);
  return frame;
}

std::uint32_t pseudo_sum(bool ipv6, std::uint8_t protocol, std::size_t length) {
  std::uint32_t sum = protocol + static_cast<std::uint32_t>(length);
  for (const std::uint8_t last : {1, 2}) {
    const IpAddr addr = address(ipv6, last);
    for (std::size_t i = ipv6 ? 0 : 12; i < 16; i += 2) sum += load_be16(addr.bytes().data() + i);
  }
  return sum;
}

std::vector<Bytes> random_spans(Bytes payload, Random& random) {
  std::vector<Bytes> spans;
  while (!payload.empty()) {
    const bool last = spans.size() == TxFrame::kMaxSpans - 1;
    const auto left = static_cast<std::uint32_t>(payload.size());
    const std::uint32_t size = last || random.below(4) == 0 ? left : 1 + random.below(left);
    spans.push_back(payload.first(size));
    payload = payload.subspan(size);
    if (!last && random.below(8) == 0) spans.push_back({});
    if (spans.size() > TxFrame::kMaxSpans) spans.pop_back();
  }
  return spans;
}

}  // namespace

TestPool::TestPool(std::uint32_t small, std::uint32_t large)
    : mapping_(std::move(*ArenaMapping::map_private(kArenaSize))) {
  NARU_CHECK(pool_.init(mapping_.arena(), small, large));
}

Frame random_bytes(Random& random, std::size_t size) {
  Frame bytes(size);
  random.fill(bytes);
  return bytes;
}

TcpSpec random_spec(Random& random) {
  TcpSpec spec;
  spec.ipv6 = random.below(4) == 0;
  if (!spec.ipv6 && random.below(4) == 0)
    spec.ip_options = static_cast<std::uint8_t>(4 * random.below(11));
  spec.tcp_options = static_cast<std::uint8_t>(random.below(2) == 0 ? 12 : 4 * random.below(11));
  spec.flags = static_cast<std::uint8_t>(random.next_u32() | 0x10U);
  spec.seq = random.next_u32();
  spec.id = static_cast<std::uint16_t>(random.next_u32());
  constexpr std::array<std::uint16_t, 7> kSizes = {1, 88, 536, 1448, 1460, 8960, 40'000};
  spec.gso_size = random.below(2) == 0 ? kSizes[random.below(kSizes.size())]
                                       : static_cast<std::uint16_t>(1 + random.below(9000));
  const std::uint32_t most = std::min<std::uint32_t>(65'000, spec.gso_size * 60U);
  spec.payload = random_bytes(random, random.below(most + 1));
  // Now and then nothing but zeros, where ones' complement has two answers.
  if (random.below(8) == 0) std::fill(spec.payload.begin(), spec.payload.end(), std::uint8_t{0});
  return spec;
}

TxFrame make_tcp(const TcpSpec& spec, Random& random) {
  const Frame headers = make_headers(spec, spec.payload.size(), spec.seq, spec.id, spec.flags);
  TxFrame frame;
  frame.header_length = static_cast<std::uint16_t>(headers.size());
  frame.network_offset = 14;
  frame.transport_offset = static_cast<std::uint16_t>(headers.size() - 20 - spec.tcp_options);
  frame.gso_size = spec.gso_size;
  frame.needs_checksum = true;
  frame.protocol = Protocol::tcp;
  frame.payload_length = static_cast<std::uint32_t>(spec.payload.size());
  frame.pseudo_sum =
      wire::pseudo_header_sum(address(spec.ipv6, 1), address(spec.ipv6, 2), Protocol::tcp, 0);
  std::memcpy(frame.header.data(), headers.data(), headers.size());
  const std::vector<Bytes> spans = random_spans(spec.payload, random);
  frame.span_count = static_cast<std::uint8_t>(spans.size());
  std::copy(spans.begin(), spans.end(), frame.spans.begin());
  return frame;
}

TxFrame make_udp(const Frame& payload, std::uint32_t source) {
  TxFrame frame;
  frame.header_length = 42;
  frame.network_offset = 14;
  frame.transport_offset = 34;
  frame.needs_checksum = true;
  frame.protocol = Protocol::udp;
  frame.payload_length = static_cast<std::uint32_t>(payload.size());
  frame.span_count = 1;
  frame.spans[0] = payload;
  const IpAddr from = IpAddr::v4(source);
  const IpAddr to = IpAddr::v4(kDestination);
  std::uint8_t* p = frame.header.data();
  wire::Ethernet{kMacB, kMacA, wire::kEtherTypeIpv4}.emit(p);
  const auto length = static_cast<std::uint16_t>(8 + payload.size());
  wire::Ipv4{.src = from,
             .dst = to,
             .protocol = Protocol::udp,
             .total_length = static_cast<std::uint16_t>(20 + length)}
      .emit(p + 14);
  wire::Udp{.src_port = 1000, .dst_port = 2000, .length = length}.emit(p + 34);
  frame.pseudo_sum = wire::pseudo_header_sum(from, to, Protocol::udp, 0);
  return frame;
}

std::vector<Frame> reference_frames(const TcpSpec& spec, bool whole) {
  constexpr std::uint8_t kCwr = 0x80;
  constexpr std::uint8_t kFinPsh = 0x09;
  const std::size_t total = spec.payload.size();
  const std::size_t mss =
      whole || spec.gso_size == 0 || total <= spec.gso_size ? total : spec.gso_size;
  std::vector<Frame> frames;
  std::size_t done = 0;
  do {
    const std::size_t payload = std::min(mss, total - done);
    std::uint8_t flags = spec.flags;
    if (done != 0) flags &= static_cast<std::uint8_t>(~kCwr);
    if (done + payload != total) flags &= static_cast<std::uint8_t>(~kFinPsh);
    Frame frame = make_headers(spec, payload, spec.seq + static_cast<std::uint32_t>(done),
                               static_cast<std::uint16_t>(spec.id + frames.size()), flags);
    const std::size_t tcp = frame.size() - 20 - spec.tcp_options;
    frame.insert(frame.end(), spec.payload.begin() + static_cast<std::ptrdiff_t>(done),
                 spec.payload.begin() + static_cast<std::ptrdiff_t>(done + payload));
    const Bytes segment = Bytes(frame).subspan(tcp);
    store_be16(frame.data() + tcp + 16,
               plain_checksum(segment, pseudo_sum(spec.ipv6, 6, segment.size())));
    frames.push_back(std::move(frame));
    done += payload;
  } while (done < total);
  return frames;
}

std::uint16_t plain_checksum(Bytes bytes, std::uint32_t start) {
  std::uint32_t sum = start;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8U : bytes[i];
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

bool checksums_verify(Bytes frame) {
  const auto packet = wire::Ipv4View::parse(frame.subspan(14));
  if (!packet || !packet->header_checksum_ok()) return false;
  if (packet->protocol() == Protocol::udp) {
    const auto datagram = wire::UdpView::parse(packet->payload());
    return datagram && datagram->has_checksum() &&
           datagram->checksum_ok(packet->src(), packet->dst());
  }
  const auto segment = wire::TcpView::parse(packet->payload());
  return segment && segment->checksum_ok(packet->src(), packet->dst());
}

Frame drain(TestPool& pool, Packet* packet) {
  Frame bytes(packet->data, packet->data + packet->length);
  pool->give_back(packet);
  return bytes;
}

std::vector<Frame> receive_all(Link& link, TestPool& pool, Time now) {
  std::vector<Frame> frames;
  std::array<Packet*, kBurst> burst;
  for (std::size_t n = 1; n != 0;) {
    n = link.receive(burst, now);
    for (std::size_t i = 0; i < n; ++i) frames.push_back(drain(pool, burst[i]));
  }
  return frames;
}

}  // namespace naru::link::test
