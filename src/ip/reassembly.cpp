#include "ip/reassembly.hpp"

#include <algorithm>
#include <cstring>

#include "wire/checksum.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6_extension.hpp"
#include "wire/tcp.hpp"

namespace naru::ip {
namespace {

using wire::Ipv4;
using wire::Ipv4View;
using wire::Ipv6;
using wire::Ipv6Chain;
using wire::Ipv6Fragment;
using wire::Ipv6View;

constexpr std::uint32_t charge(const Packet& p) { return sizeof(Packet) + p.capacity; }

// ECN codepoints (RFC 3168 5).
constexpr std::uint8_t kNotEct = 0;
constexpr std::uint8_t kCe = 3;

// RFC 3168 5.3: congestion seen by any fragment was seen by the packet; a CE mark among
// fragments that cannot be marked is a forgery.
bool is_legal_mix(std::uint8_t ecn_seen) {
  return (ecn_seen & 1U << kCe) == 0 || (ecn_seen & 1U << kNotEct) == 0;
}

// With the headers that fragments have. The payload of IPv6 is counted without its fragment
// header, which goes (RFC 8200 4.5).
constexpr std::uint32_t longest_packet(bool is_v6) {
  return is_v6 ? Ipv6::kHeaderSize + Ipv6Fragment::kSize + Ipv6::kMaxPayload : Ipv4::kMaxPacket;
}

// The first fragment's header becomes that of the whole.
void finish_header(Packet& whole, std::uint32_t header_size, bool saw_congestion) {
  std::uint8_t* ip = whole.data;
  if (saw_congestion) ip[1] |= kCe;
  store_be16(ip + 2, static_cast<std::uint16_t>(whole.length));
  store_be16(ip + 6, 0);
  wire::store_checksum(ip + Ipv4::kChecksumOffset, 0);
  wire::store_checksum(ip + Ipv4::kChecksumOffset, wire::finish(wire::sum_bytes(ip, header_size)));
}

// The same for IPv6: whoever named the fragment header names what came behind it.
void finish_header6(Packet& whole, bool saw_congestion) {
  std::uint8_t* ip = whole.data;
  const auto fragment = Ipv6Chain::of(*Ipv6View::parse_quote(whole.bytes()), false, false).fragment;
  ip[fragment->next_header_offset] = fragment->next_header;
  std::memmove(ip + Ipv6Fragment::kSize, ip, fragment->at);
  whole.pull(Ipv6Fragment::kSize);
  if (saw_congestion) whole.data[1] |= static_cast<std::uint8_t>(kCe << 4U);
  store_be16(whole.data + Ipv6::kPayloadLengthOffset,
             static_cast<std::uint16_t>(whole.length - Ipv6::kHeaderSize));
}

}  // namespace

std::optional<FragmentHeader> FragmentHeader::parse(Bytes packet) {
  if (const auto view = Ipv4View::parse(packet)) {
    return FragmentHeader{.source = view->src(),
                          .destination = view->dst(),
                          .begin = view->fragment_offset(),
                          .size = static_cast<std::uint32_t>(view->payload().size()),
                          .id = view->id(),
                          .header_size = static_cast<std::uint32_t>(view->header_size()),
                          .protocol = static_cast<std::uint8_t>(view->protocol()),
                          .ecn = view->ecn(),
                          .more = view->more_fragments()};
  }
  const auto view = Ipv6View::parse(packet);
  const auto fragment = view ? Ipv6Chain::of(*view, false, false).fragment : std::nullopt;
  if (!fragment) return std::nullopt;
  const auto header_size = static_cast<std::uint32_t>(fragment->at + Ipv6Fragment::kSize);
  return FragmentHeader{.source = view->src(),
                        .destination = view->dst(),
                        .begin = fragment->offset,
                        .size = view->total_length() - header_size,
                        .id = fragment->id,
                        .header_size = header_size,
                        .ecn = static_cast<std::uint8_t>(view->traffic_class() & kCe),
                        .more = fragment->more,
                        .is_v6 = true};
}

bool FragmentHeader::is_too_far() const { return header_size + end() > longest_packet(is_v6); }

bool Reassembly::init(Arena& arena, Context& context) {
  context_ = &context;
  const std::uint32_t smallest = sizeof(Packet) + PacketPool::kSmallCapacity;
  const std::uint32_t most = context.options->u32(Option::ip_reassembly_memory) / smallest + 1;
  return assemblies_.init(arena, most) && table_.init(arena, assemblies_, most);
}

Assembly* Reassembly::find(const FragmentHeader& h) const {
  return table_.find(hash(h), [&](const Assembly& a) {
    return a.id == h.id && a.source == h.source && a.destination == h.destination &&
           a.protocol == h.protocol;
  });
}

Assembly* Reassembly::find_or_add(const FragmentHeader& h, Time now) {
  if (Assembly* known = find(h)) return known;
  Assembly* a = assemblies_.take();
  if (a == nullptr) return nullptr;
  a->source = h.source;
  a->destination = h.destination;
  a->protocol = h.protocol;
  a->id = h.id;
  table_.insert(hash(h), a);
  by_age_.push_back(a);
  source_of(a->source).assemblies.push_back(a);
  // From the first fragment on, and not restarted by others (RFC 1122 3.3.2).
  context_->wheel.arm(*a, now + context_->options->duration(Option::ip_reassembly_timeout));
  return a;
}

bool Reassembly::is_well_formed(const FragmentHeader& h, Bytes payload) {
  if (h.size == 0 || (h.more && h.size % 8 != 0)) return false;
  if (h.protocol != static_cast<std::uint8_t>(Protocol::tcp)) return true;
  // A TCP header may not be split, where it could pass a filter in pieces (RFC 1858, RFC 3128).
  if (h.begin == 8) return false;
  return h.begin != 0 || wire::TcpView::parse(payload).has_value();
}

// Evicts until `size` more bytes fit into both limits; false when that would take the packet
// itself.
bool Reassembly::make_room(const Assembly* keep, Source& source, std::uint32_t size) {
  constexpr std::uint32_t kLongestPacket = 64 * (sizeof(Packet) + PacketPool::kSmallCapacity);
  const std::uint32_t limit = context_->options->u32(Option::ip_reassembly_memory);
  const std::uint32_t source_limit = std::min(limit, std::max(limit / 4, kLongestPacket));
  const auto evict = [&](Assembly* victim) {
    if (victim == keep) return false;
    context_->counters->drop(Drop::fragment_memory);
    remove(*victim);
    return true;
  };
  while (source.memory + size > source_limit) {
    if (source.assemblies.empty() || !evict(source.assemblies.front())) return false;
  }
  while (memory_ + size > limit) {
    if (by_age_.empty() || !evict(by_age_.front())) return false;
  }
  return true;
}

// A fragment does not hold a 64 KiB buffer where 2 KiB will do.
Packet* Reassembly::into_small_buffer(Packet* packet) {
  if (packet->size_class == 0 || packet->length > PacketPool::kSmallFrame) return packet;
  Packet* copy = context_->pool->take(packet->length);
  if (copy == nullptr) return packet;
  std::memcpy(copy->data, packet->data, packet->length);
  copy->length = packet->length;
  copy->interface = packet->interface;
  copy->source = packet->source;
  copy->destination = packet->destination;
  copy->link_broadcast = packet->link_broadcast;
  context_->pool->give_back(packet);
  return copy;
}

Packet* Reassembly::input(Packet* packet, Time now, Drop& reason) {
  reason = Drop::none;
  packet = into_small_buffer(packet);
  // What counts is the header of the buffer that is kept, whatever was read before.
  const auto kept = FragmentHeader::parse(packet->bytes());
  if (!kept) {
    reason = context_->drop(packet, Drop::fragment_malformed, now);
    return nullptr;
  }
  FragmentHeader header = *kept;
  if (header.is_v6) {  // on a wire they have no zone
    header.source = packet->source;
    header.destination = packet->destination;
  }
  const bool too_far = header.is_too_far();
  if (too_far || !is_well_formed(header, packet->bytes().subspan(header.header_size))) {
    if (Assembly* a = too_far ? find(header) : nullptr) remove(*a);
    reason = context_->drop(packet, Drop::fragment_malformed, now);
    return nullptr;
  }
  Source& source = source_of(header.source);
  if (!make_room(find(header), source, charge(*packet))) {
    if (Assembly* a = find(header)) remove(*a);
    reason = context_->drop(packet, Drop::fragment_memory, now);
    return nullptr;
  }
  Assembly* a = find_or_add(header, now);
  if (a == nullptr) {
    reason = context_->drop(packet, Drop::fragment_memory, now);
    return nullptr;
  }
  reason = a->is_void ? Drop::fragment_overlap : insert(*a, packet, header);
  if (reason != Drop::none) {
    context_->drop(packet, reason, now);
    refuse(*a, header);
    return nullptr;
  }
  if (a->total == 0 || a->received != a->total) return nullptr;
  return assemble(*a, reason);
}

// Nothing of the packet is of any use; of IPv6 also not what is still to come (RFC 8200 4.5).
void Reassembly::refuse(Assembly& a, const FragmentHeader& header) {
  if (!header.is_v6) {
    remove(a);
    return;
  }
  free_fragments(a);
  a.is_void = true;
}

// Takes the packet and answers Drop::none; or tells why all of the assembly is to be
// dropped, and leaves the packet to the caller.
Drop Reassembly::insert(Assembly& a, Packet* packet, const FragmentHeader& header) {
  const std::uint32_t begin = header.begin;
  const std::uint32_t end = header.end();
  Packet** link = &a.fragments;
  const Packet* before = nullptr;
  while (*link != nullptr && (*link)->seq < begin) {
    before = *link;
    link = &(*link)->next;
  }
  const Packet* after = *link;
  if (after != nullptr && after->seq == begin && after->length == header.size) {
    if (std::memcmp(after->data, packet->data + header.header_size, header.size) != 0)
      return Drop::fragment_overlap;
    context_->pool->give_back(packet);
    return Drop::none;
  }
  if (before != nullptr && before->seq + before->length > begin) return Drop::fragment_overlap;
  if (after != nullptr && end > after->seq) return Drop::fragment_overlap;

  if (!header.more) {
    if ((a.total != 0 && a.total != end) || after != nullptr) return Drop::fragment_overlap;
    a.total = end;
  } else if (a.total != 0 && end > a.total) {
    return Drop::fragment_overlap;
  }
  if (a.count == context_->options->u32(Option::ip_reassembly_fragments)) {
    return Drop::fragment_limit;
  }
  a.ecn_seen |= static_cast<std::uint8_t>(1U << header.ecn);
  if (!is_legal_mix(a.ecn_seen)) return Drop::fragment_ecn;

  packet->network_offset = static_cast<std::uint16_t>(packet->headroom());
  packet->pull(header.header_size);
  packet->trim(header.size);
  packet->seq = begin;
  packet->next = *link;
  *link = packet;
  ++a.count;
  a.received += header.size;
  a.memory += charge(*packet);
  memory_ += charge(*packet);
  source_of(a.source).memory += charge(*packet);
  return Drop::none;
}

Packet* Reassembly::assemble(Assembly& a, Drop& reason) {
  Packet* first = a.fragments;
  const std::uint8_t* header = first->buffer() + first->network_offset;
  const auto header_size = static_cast<std::uint32_t>(first->data - header);
  const bool is_v6 = header[0] >> 4U == 6;
  // The first fragment's header may be longer than that of the last.
  const bool too_long = header_size + a.total > longest_packet(is_v6);
  Packet* whole = too_long ? nullptr : context_->pool->take(header_size + a.total);
  if (whole == nullptr) {
    reason = context_->counters->drop(too_long ? Drop::fragment_malformed : Drop::no_buffer);
    remove(a);
    return nullptr;
  }
  std::memcpy(whole->data, header, header_size);
  whole->length = header_size + a.total;
  whole->interface = first->interface;
  whole->fragmented = true;
  for (const Packet* p = first; p != nullptr; p = p->next) {
    std::memcpy(whole->data + header_size + p->seq, p->data, p->length);
    whole->link_broadcast |= p->link_broadcast;
  }
  const bool saw_congestion = (a.ecn_seen & 1U << kCe) != 0;
  if (is_v6) {
    finish_header6(*whole, saw_congestion);
  } else {
    finish_header(*whole, header_size, saw_congestion);
  }
  context_->counters->add(Counter::ip_reassembled);
  remove(a);
  return whole;
}

void Reassembly::free_fragments(Assembly& a) {
  source_of(a.source).memory -= a.memory;
  memory_ -= a.memory;
  a.memory = 0;
  while (Packet* p = a.fragments) {
    a.fragments = p->next;
    context_->pool->give_back(p);
  }
}

void Reassembly::remove(Assembly& a) {
  Source& source = source_of(a.source);
  free_fragments(a);
  context_->wheel.cancel(a);
  source.assemblies.remove(&a);
  by_age_.remove(&a);
  table_.remove(hash(a.source, a.destination, a.protocol, a.id), &a);
  assemblies_.give_back(&a);
}

void Reassembly::forget() {
  assemblies_.forget();
  assemblies_.rebuild();
  table_.clear();
  by_age_ = {};
  sources_ = {};
  memory_ = 0;
}

Packet* Reassembly::on_timer(Assembly& a, Time) {
  context_->counters->drop(Drop::fragment_timeout);
  Packet* first = a.fragments;
  if (first != nullptr && first->seq == 0) {
    a.fragments = first->next;
    first->next = nullptr;
    first->push(static_cast<std::uint32_t>(first->headroom() - first->network_offset));
  } else {
    first = nullptr;
  }
  remove(a);
  return first;
}

}  // namespace naru::ip
