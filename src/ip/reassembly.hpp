// Reassembly of fragments (RFC 791 3.2, RFC 1122 3.3.2; RFC 8200 4.5), against senders that
// mean harm.
//
//   Assembly (src, dst, protocol, id) ──> fragment ──> fragment ──> ...  sorted by offset
//
// The rules: fragments may not overlap at all (an exact repetition is ignored), the
// number of fragments and the time from the first of them are bounded, and so is
// memory: of all, and of each of 64 classes of sources, so that a flood from a few
// addresses evicts its own. The oldest goes first: honest packets are complete long
// before their turn comes. The reserved flag of the header is ignored. What is still to come
// of an IPv6 packet with an overlap is refused until its time is up (RFC 5722 4).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <naru/base/arena.hpp>
#include <naru/buf/packet.hpp>

#include "base/hash_chains.hpp"
#include "base/list.hpp"
#include "ip/context.hpp"

namespace naru::ip {

struct AssemblyOrder;
struct SourceOrder;

// What identifies the packet of a fragment (RFC 791 2.3, RFC 8200 4.5), and the fragment's
// place in it. A value: read once, so that what was checked is what is used.
struct FragmentHeader {
  // None for what is no fragment.
  static std::optional<FragmentHeader> parse(Bytes packet);
  std::uint32_t end() const { return begin + size; }
  // No packet reaches as far as this fragment.
  bool is_too_far() const;

  IpAddr source;
  IpAddr destination;
  std::uint32_t begin = 0;  // of the payload, in bytes
  std::uint32_t size = 0;
  std::uint32_t id = 0;
  std::uint32_t header_size = 0;  // of all headers before the payload
  std::uint8_t protocol = 0;      // 0 for IPv6, where only the first fragment tells
  std::uint8_t ecn = 0;
  bool more = false;
  bool is_v6 = false;
};

// The fragments of one packet. Of a fragment's Packet, `data` is the IP payload, `seq`
// its offset, and network_offset leads to its IP header.
struct Assembly : Timer, ListHook<AssemblyOrder>, ListHook<SourceOrder> {
  Assembly() : Timer(TimerKind::reassembly) {}

  IpAddr source;
  IpAddr destination;
  Packet* fragments = nullptr;
  std::uint32_t memory = 0;
  std::uint32_t received = 0;  // payload bytes
  std::uint32_t total = 0;     // payload bytes there should be; 0 while unknown
  std::uint32_t next_in_chain = 0;
  std::uint32_t id = 0;
  std::uint16_t count = 0;
  std::uint8_t protocol = 0;
  std::uint8_t ecn_seen = 0;  // a bit for each of the four codepoints
  bool is_void = false;       // no fragment of it is taken any more
};

class Reassembly {
 public:
  [[nodiscard]] bool init(Arena& arena, Context& context);

  // Takes a checked fragment without what lay behind it, data at its IP header. Gives the
  // whole packet, data at its IP header; or nullptr: then `reason` says whether it was dropped.
  Packet* input(Packet* packet, Time now, Drop& reason);

  // Time is up. Gives the first fragment, data at its IP header, where it had come.
  Packet* on_timer(Assembly& assembly, Time now);

  // After a death: all fragments are lost, and their packets the caller's to free.
  void forget();

  std::uint32_t memory() const { return memory_; }
  std::uint32_t size() const { return assemblies_.in_use(); }

 private:
  static constexpr std::uint32_t kSources = 64;
  struct Source {
    List<Assembly, SourceOrder> assemblies;  // oldest first
    std::uint32_t memory = 0;
  };

  std::uint64_t hash(const IpAddr& source, const IpAddr& destination, std::uint8_t protocol,
                     std::uint32_t id) const {
    const std::uint64_t rest = (std::uint64_t{protocol} << 32U) | id;
    return context_->hash(source, context_->hash(destination, rest));
  }
  std::uint64_t hash(const FragmentHeader& h) const {
    return hash(h.source, h.destination, h.protocol, h.id);
  }
  Source& source_of(const IpAddr& addr) { return sources_[context_->hash(addr, 1) % kSources]; }
  Assembly* find(const FragmentHeader& header) const;
  Assembly* find_or_add(const FragmentHeader& header, Time now);
  static bool is_well_formed(const FragmentHeader& header, Bytes payload);
  bool make_room(const Assembly* keep, Source& source, std::uint32_t size);
  Packet* into_small_buffer(Packet* packet);
  Drop insert(Assembly& assembly, Packet* packet, const FragmentHeader& header);
  void refuse(Assembly& assembly, const FragmentHeader& header);
  Packet* assemble(Assembly& assembly, Drop& reason);
  void free_fragments(Assembly& assembly);
  void remove(Assembly& assembly);

  Context* context_ = nullptr;
  Slab<Assembly> assemblies_;
  HashChains<Assembly, &Assembly::next_in_chain> table_;
  List<Assembly, AssemblyOrder> by_age_;  // oldest first
  std::array<Source, kSources> sources_;
  std::uint32_t memory_ = 0;
};

}  // namespace naru::ip
