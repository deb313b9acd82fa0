#include "link/gso.hpp"

#include <cstring>

#include "base/check.hpp"
#include "wire/checksum.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::link {

namespace {

constexpr std::size_t kIpv4Length = 2;
constexpr std::size_t kIpv4Id = 4;
constexpr std::size_t kIpv6PayloadLength = 4;
constexpr std::size_t kIpv6HeaderSize = 40;
constexpr std::size_t kTcpSeq = 4;
constexpr std::size_t kTcpFlags = 13;

std::uint64_t swap16(std::uint32_t v) { return __builtin_bswap16(static_cast<std::uint16_t>(v)); }

// Two fixed sizes instead of a call: bytes behind the header belong to the
// payload, which is written later, or lie behind the frame.
inline void copy_header(std::uint8_t* to, const std::uint8_t* from, std::size_t length) {
  constexpr std::size_t kUsual = 80;
  if (length <= kUsual) {
    std::memcpy(to, from, kUsual);
  } else {
    std::memcpy(to, from, TxFrame::kMaxHeader);
  }
}

void copy_spans(std::uint8_t* to, const TxFrame& frame) {
  for (std::size_t i = 0; i < frame.span_count; ++i) {
    const Bytes span = frame.spans[i];
    if (span.empty()) continue;  // perhaps of no address
    std::memcpy(to, span.data(), span.size());
    to += span.size();
  }
}

// Most payloads lie in one span.
inline std::uint64_t copy_and_sum_spans(std::uint8_t* to, const TxFrame& frame) {
  if (frame.span_count == 0) return 0;
  std::uint64_t sum = wire::copy_and_sum(to, frame.spans[0].data(), frame.spans[0].size());
  std::size_t done = frame.spans[0].size();
  for (std::size_t i = 1; i < frame.span_count; ++i) {
    const Bytes span = frame.spans[i];
    sum =
        wire::combine(sum, wire::copy_and_sum(to + done, span.data(), span.size()), done % 2 != 0);
    done += span.size();
  }
  return sum;
}

inline std::uint64_t sum_header(const std::uint8_t* transport, std::size_t size,
                                std::uint64_t sum) {
  if (size == wire::Tcp::kHeaderSize) [[likely]]
    return wire::sum_fixed<wire::Tcp::kHeaderSize>(transport, sum);
  return wire::sum_bytes(transport, size, sum);
}

}  // namespace

void write_whole(std::uint8_t* to, const TxFrame& frame, bool checksums) {
  const std::uint32_t header = frame.header_length;
  copy_header(to, frame.header.data(), header);
  if (!checksums || !frame.needs_checksum) {
    copy_spans(to + header, frame);
    return;
  }
  const std::uint32_t offset = frame.transport_offset;
  const bool udp = frame.protocol == Protocol::udp;
  const std::size_t at = udp ? wire::Udp::kChecksumOffset : wire::Tcp::kChecksumOffset;
  const std::uint8_t* transport = frame.header.data() + offset;
  std::uint64_t sum = wire::add(frame.pseudo_sum, __builtin_bswap32(frame.length() - offset));
  // Takes out what stands in the field: x + ~x is zero in ones' complement.
  sum = wire::add(sum, 0xffffU ^ wire::load_checksum(transport + at));
  sum = sum_header(transport, header - offset, sum);
  sum = wire::add(sum, copy_and_sum_spans(to + header, frame));
  const std::uint16_t checksum = wire::finish(sum);
  wire::store_checksum(to + offset + at, udp ? wire::Udp::nonzero(checksum) : checksum);
}

inline std::uint64_t Cutter::copy_and_sum_payload(std::uint8_t* to, std::uint32_t size) {
  if (size > span_left_) [[unlikely]]
    return gather_and_sum(to, size);
  const std::uint8_t* from = at_;
  at_ += size;
  span_left_ -= size;
  return wire::copy_and_sum(to, from, size);
}

// The same where the bytes lie in several spans. A function of its own, so that
// the usual case above stays small.
[[gnu::noinline]] std::uint64_t Cutter::gather_and_sum(std::uint8_t* to, std::uint32_t size) {
  std::uint64_t sum = 0;
  for (std::uint32_t done = 0; done < size;) {
    next_span();
    const std::uint32_t piece = std::min(span_left_, size - done);
    sum = wire::combine(sum, wire::copy_and_sum(to + done, at_, piece), done % 2 != 0);
    at_ += piece;
    span_left_ -= piece;
    done += piece;
  }
  return sum;
}

Cutter::Cutter(const TxFrame& frame, CutOptions options)
    : frame_(frame),
      left_(frame.payload_length),
      segment_(frame.payload_length),
      checksums_(options.checksums && frame.needs_checksum),
      cut_(is_to_be_cut(frame, options)) {
  if (!cut_) return;
  NARU_CHECK(frame.protocol == Protocol::tcp && frame.needs_checksum);
  segment_ = frame.gso_size;
  prepare_template();
}

void Cutter::prepare_template() {
  copy_header(template_.data(), frame_.header.data(), frame_.header_length);
  std::uint8_t* ip = template_.data() + frame_.network_offset;
  std::uint8_t* tcp = template_.data() + frame_.transport_offset;

  ipv4_ = ip[0] >> 4U == 4;
  if (ipv4_) {
    id_ = load_be16(ip + kIpv4Id);
    store_be32(ip + kIpv4Length, 0);  // and the id behind it
    wire::store_checksum(ip + wire::Ipv4::kChecksumOffset, 0);
    const auto header = static_cast<std::size_t>(tcp - ip);
    ip_sum_ = wire::fold(wire::sum_bytes(ip, header));
  }

  seq_ = load_be32(tcp + kTcpSeq);
  first_flags_ = tcp[kTcpFlags] & wire::kCwr;
  last_flags_ = tcp[kTcpFlags] & (wire::kFin | wire::kPsh);
  store_be32(tcp + kTcpSeq, 0);
  tcp[kTcpFlags] &= static_cast<std::uint8_t>(~(wire::kCwr | wire::kFin | wire::kPsh));
  wire::store_checksum(tcp + wire::Tcp::kChecksumOffset, 0);
  const std::size_t header = frame_.header_length - frame_.transport_offset;
  tcp_sum_ = wire::fold(wire::add(wire::sum_bytes(tcp, header), frame_.pseudo_sum));
}

void Cutter::write(std::uint8_t* to) {
  if (cut_) {
    write_segment(to);
  } else {
    write_whole(to, frame_, checksums_);
    step(left_);
  }
}

void Cutter::write_segment(std::uint8_t* to) {
  const std::uint32_t payload = std::min(left_, segment_);
  const std::uint32_t header = frame_.header_length;
  copy_header(to, template_.data(), header);

  std::uint8_t* ip = to + frame_.network_offset;
  const std::uint32_t ip_length = header - frame_.network_offset + payload;
  if (ipv4_) {
    const std::uint64_t length = swap16(ip_length);
    const std::uint64_t id = swap16(id_);
    store_be16(ip + kIpv4Length, static_cast<std::uint16_t>(ip_length));
    store_be16(ip + kIpv4Id, id_);
    wire::store_checksum(ip + wire::Ipv4::kChecksumOffset, wire::finish(ip_sum_ + length + id));
  } else {
    store_be16(ip + kIpv6PayloadLength, static_cast<std::uint16_t>(ip_length - kIpv6HeaderSize));
  }

  std::uint8_t* tcp = to + frame_.transport_offset;
  const auto flags =
      static_cast<std::uint8_t>(first_flags_ | (payload == left_ ? last_flags_ : 0U));
  store_be32(tcp + kTcpSeq, seq_);
  tcp[kTcpFlags] |= flags;
  if (checksums_) {
    const std::uint32_t tcp_length = header - frame_.transport_offset + payload;
    const std::uint64_t sum = tcp_sum_ + __builtin_bswap32(tcp_length) + __builtin_bswap32(seq_) +
                              (std::uint64_t{flags} << 8U);
    wire::store_checksum(tcp + wire::Tcp::kChecksumOffset,
                         wire::finish(wire::add(sum, copy_and_sum_payload(to + header, payload))));
  } else {
    copy_payload(to + header, payload);
  }
  step(payload);
}

void Cutter::skip() {
  const std::uint32_t payload = std::min(left_, segment_);
  skip_payload(payload);
  step(payload);
}

void Cutter::step(std::uint32_t payload) {
  left_ -= payload;
  done_ = left_ == 0;
  seq_ += payload;
  ++id_;
  first_flags_ = 0;
}

void Cutter::copy_payload(std::uint8_t* to, std::uint32_t size) {
  while (size != 0) {
    next_span();
    const std::uint32_t piece = std::min(span_left_, size);
    std::memcpy(to, at_, piece);
    to += piece;
    at_ += piece;
    span_left_ -= piece;
    size -= piece;
  }
}

void Cutter::skip_payload(std::uint32_t size) {
  while (size != 0) {
    next_span();
    const std::uint32_t piece = std::min(span_left_, size);
    at_ += piece;
    span_left_ -= piece;
    size -= piece;
  }
}

// To the next span that has bytes.
void Cutter::next_span() {
  while (span_left_ == 0) {
    NARU_CHECK(next_span_ < frame_.span_count);
    const Bytes span = frame_.spans[next_span_++];
    at_ = span.data();
    span_left_ = static_cast<std::uint32_t>(span.size());
  }
}

}  // namespace naru::link
