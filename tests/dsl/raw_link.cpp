#include "dsl/raw_link.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "wire/tcp.hpp"

namespace naru::test {
namespace {

Buffer payload_of(const TxFrame& frame) {
  Buffer payload;
  for (std::size_t i = 0; i < frame.span_count; ++i) append(payload, frame.spans[i]);
  EXPECT_EQ(payload.size(), frame.payload_length) << "spans and payload_length disagree";
  return payload;
}

// Puts right what differs between the pieces of one large TCP segment.
void advance_tcp(std::uint8_t* tcp, std::size_t offset, bool last) {
  store_be32(tcp + 4, load_be32(tcp + 4) + static_cast<std::uint32_t>(offset));
  if (!last) tcp[13] &= static_cast<std::uint8_t>(~(wire::kFin | wire::kPsh));
  if (offset != 0) tcp[13] &= static_cast<std::uint8_t>(~wire::kCwr);
}

void fill_in_checksum(const TxFrame& frame, Buffer& out) {
  const auto ip = wire::Ipv4View::parse(Bytes(out).subspan(frame.network_offset));
  if (!ip) return;  // flaw() will say so
  const std::size_t at = frame.transport_offset;
  const std::size_t field = at + (frame.protocol == Protocol::udp ? 6 : 16);
  store_be16(out.data() + field, 0);
  const Bytes segment = Bytes(out).subspan(at);
  const std::uint16_t sum = slow_checksum(
      segment, slow_pseudo_sum(ip->src(), ip->dst(), static_cast<std::uint8_t>(frame.protocol),
                               segment.size()));
  store_be16(out.data() + field, sum == 0 && frame.protocol == Protocol::udp ? 0xffff : sum);
}

Buffer piece(const TxFrame& frame, Bytes payload, std::size_t offset, std::size_t index,
             bool last) {
  Buffer out(frame.header.begin(), frame.header.begin() + frame.header_length);
  append(out, payload);
  std::uint8_t* ip = out.data() + frame.network_offset;
  store_be16(ip + 2, static_cast<std::uint16_t>(out.size() - frame.network_offset));
  store_be16(ip + 4, static_cast<std::uint16_t>(load_be16(ip + 4) + index));
  store_be16(ip + 10, 0);
  store_be16(ip + 10,
             slow_checksum({ip, std::size_t{frame.transport_offset} - frame.network_offset}));
  std::uint8_t* transport = out.data() + frame.transport_offset;
  if (frame.protocol == Protocol::tcp) advance_tcp(transport, offset, last);
  if (frame.protocol == Protocol::udp) {
    store_be16(transport + 4, static_cast<std::uint16_t>(out.size() - frame.transport_offset));
  }
  fill_in_checksum(frame, out);
  return out;
}

}  // namespace

std::vector<Buffer> on_the_wire(const TxFrame& frame) {
  const Buffer payload = payload_of(frame);
  std::vector<Buffer> out;
  if (frame.gso_size == 0 || payload.size() <= frame.gso_size) {
    Buffer whole(frame.header.begin(), frame.header.begin() + frame.header_length);
    append(whole, payload);
    if (frame.needs_checksum) fill_in_checksum(frame, whole);
    out.push_back(std::move(whole));
    return out;
  }
  for (std::size_t offset = 0; offset < payload.size(); offset += frame.gso_size) {
    const std::size_t n = std::min<std::size_t>(frame.gso_size, payload.size() - offset);
    const bool last = offset + n == payload.size();
    out.push_back(piece(frame, Bytes(payload).subspan(offset, n), offset, out.size(), last));
  }
  return out;
}

std::size_t RawLink::transmit(std::span<const TxFrame> burst, Time now) {
  std::size_t taken = 0;
  for (const TxFrame& frame : burst) {
    if (room < frame.wire_frames()) {
      stats_.tx_refused += burst.size() - taken;
      break;
    }
    for (Buffer& bytes : on_the_wire(frame)) {
      if (room != SIZE_MAX) --room;
      ++stats_.tx_frames;
      sent.push_back({now, std::move(bytes)});
    }
    ++taken;
  }
  return taken;
}

Packet* RawLink::packet_of(Bytes frame) {
  Packet* p = pool_->take(static_cast<std::uint32_t>(frame.size()));
  if (p == nullptr) return nullptr;
  std::copy(frame.begin(), frame.end(), p->data);
  p->length = static_cast<std::uint32_t>(frame.size());
  p->checksum = rx.checksum;
  p->gso_size = rx.gso_size;
  return p;
}

Packet* RawLink::chain_of(Bytes frame) {
  const std::size_t n = rx.split == 0 ? frame.size() : std::min(rx.split, frame.size());
  Packet* head = packet_of(frame.first(n));
  if (head == nullptr || n == frame.size()) return head;
  head->more = chain_of(frame.subspan(n));
  if (head->more == nullptr) {
    pool_->give_back(head);
    return nullptr;
  }
  return head;
}

std::size_t RawLink::receive(std::span<Packet*> burst, Time /*now*/) {
  std::size_t n = 0;
  while (n < burst.size() && !waiting.empty()) {
    Packet* packet = chain_of(waiting.front());
    waiting.pop_front();
    if (packet == nullptr) {
      ++stats_.rx_no_buffer;
      continue;
    }
    ++stats_.rx_frames;
    burst[n++] = packet;
  }
  return n;
}

}  // namespace naru::test
