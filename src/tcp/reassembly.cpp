#include "tcp/reassembly.hpp"

#include <algorithm>
#include <cstring>

#include "tcp/seq.hpp"

namespace naru::tcp {
namespace {

// A packet with the bytes of `packet` from `seq` on.
Packet* copy_from(PacketPool& pool, const Packet* packet, std::uint32_t seq) {
  const std::uint32_t skip = seq - packet->seq;
  Packet* rest = pool.take(packet->length - skip);
  if (rest == nullptr) return nullptr;
  rest->length = packet->length - skip;
  rest->seq = seq;
  std::memcpy(rest->data, packet->data + skip, rest->length);
  return rest;
}

}  // namespace

// Cuts the packet along the ranges that exist; only what is new goes in.
bool Reassembly::insert(PacketPool& pool, Packet* packet, std::uint32_t rcv_nxt) {
  duplicate = {};
  while (packet != nullptr) {
    Packet* rest = nullptr;
    for (unsigned i = 0; i < count && packet != nullptr; ++i) {
      Range& r = ranges[i];
      const std::uint32_t end = packet->seq + packet->length;
      if (seq_ge(packet->seq, r.end) || seq_le(end, r.start)) continue;
      r.stamp = ++stamp;
      if (duplicate.left == duplicate.right) {
        duplicate = {seq_max(packet->seq, r.start), seq_min(end, r.end)};
      }
      if (seq_gt(end, r.end)) rest = copy_from(pool, packet, r.end);
      if (seq_ge(packet->seq, r.start)) {
        pool.give_back(packet);
        packet = nullptr;
      } else {
        packet->trim(r.start - packet->seq);
      }
      break;
    }
    if (packet != nullptr && !insert_piece(pool, packet, rcv_nxt)) {
      pool.give_back(rest);
      return false;
    }
    packet = rest;
  }
  return true;
}

bool Reassembly::insert_piece(PacketPool& pool, Packet* packet, std::uint32_t rcv_nxt) {
  const std::uint32_t end = packet->seq + packet->length;
  unsigned at = count;
  while (at > 0 && seq_lt(packet->seq, ranges[at - 1].start)) --at;
  packet->next = nullptr;
  bytes += packet->length;
  if (at > 0 && ranges[at - 1].end == packet->seq) {  // grows the range before
    Range& r = ranges[at - 1];
    r.tail->next = packet;
    r.tail = packet;
    r.end = end;
    r.stamp = ++stamp;
    join(at - 1);
    return true;
  }
  if (at < count && ranges[at].start == end) {  // grows the range behind
    Range& r = ranges[at];
    packet->next = r.head;
    r.head = packet;
    r.start = packet->seq;
    r.stamp = ++stamp;
    return true;
  }
  if (count >= kMaxRanges && packet->seq != rcv_nxt) {
    bytes -= packet->length;
    pool.give_back(packet);
    return false;
  }
  std::copy_backward(ranges + at, ranges + count, ranges + count + 1);
  ranges[at] = {packet->seq, end, ++stamp, packet, packet};
  ++count;
  return true;
}

// The hole behind this range may have closed.
void Reassembly::join(unsigned index) {
  if (index + 1 >= count || ranges[index].end != ranges[index + 1].start) return;
  Range& a = ranges[index];
  const Range& b = ranges[index + 1];
  a.tail->next = b.head;
  a.tail = b.tail;
  a.end = b.end;
  std::copy(ranges + index + 2, ranges + count, ranges + index + 1);
  --count;
}

Packet* Reassembly::take_ready(std::uint32_t rcv_nxt) {
  if (count == 0 || seq_gt(ranges[0].start, rcv_nxt)) return nullptr;
  Packet* head = ranges[0].head;
  bytes -= ranges[0].end - ranges[0].start;
  std::copy(ranges + 1, ranges + count, ranges);
  --count;
  return head;
}

unsigned Reassembly::sack_blocks(std::span<wire::SackBlock> out) const {
  unsigned n = 0;
  std::uint32_t newer = stamp + 1;  // stamps below this are still to be reported
  while (n < out.size()) {
    const Range* newest = nullptr;
    for (unsigned i = 0; i < count; ++i) {
      const Range& r = ranges[i];
      if (seq_lt(r.stamp, newer) && (newest == nullptr || seq_gt(r.stamp, newest->stamp))) {
        newest = &r;
      }
    }
    if (newest == nullptr) break;
    newer = newest->stamp;
    out[n++] = {newest->start, newest->end};
  }
  return n;
}

void Reassembly::clear(PacketPool& pool) {
  for (unsigned i = 0; i < count; ++i) {
    for (Packet* p = ranges[i].head; p != nullptr;) {
      Packet* next = p->next;
      pool.give_back(p);
      p = next;
    }
  }
  count = 0;
  bytes = 0;
  fin = false;
}

bool Reassembly::is_whole(const PacketPool& pool) const {
  if (count > kMaxRanges) return false;
  std::uint32_t sum = 0;
  for (const Range& r : std::span(ranges, count)) {
    PacketPool::Extent extent;
    if (!pool.measure(r.head, r.tail, extent) || extent.bytes != r.end - r.start) return false;
    sum += r.end - r.start;
  }
  return sum == bytes;
}

bool Reassembly::keep(PacketPool& pool) const {
  return std::all_of(ranges, ranges + count, [&](const Range& r) { return pool.keep(r.head); });
}

}  // namespace naru::tcp
