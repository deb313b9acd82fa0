// The file of a lan, as its members map it.
//
//   0        header      who made it, and how large everything is
//   4 KiB    members     64 seats: who sits there, and whether it sleeps
//            tails       one line for each pair: how far the sender has written
//            heads       one line for each pair: how far the receiver has read
//   2 MiB    rings       one for each pair, ring_size bytes (link/lan_ring.hpp)
//
// The rings are address space until a pair talks. All of it may change under a
// reader at any time, by a member's bug or ill will: each field is an atomic that is
// loaded once, and the copy is checked before it is used.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <naru/link/lan.hpp>

namespace naru::link::lan {

inline constexpr std::uint32_t kSeats = 64;
inline constexpr std::size_t kMaxName = 31;  // of a member and of a lan

inline constexpr std::uint64_t kMagic = 0x006e616c2d757261;  // "aru-lan"
// Goes up with every change of what stands below.
inline constexpr std::uint32_t kVersion = 3;

struct Header {
  std::atomic<std::uint64_t> magic;  // written last
  std::atomic<std::uint32_t> version;
  std::atomic<std::uint32_t> control_size;
  std::atomic<std::uint32_t> ring_size;
  std::atomic<std::uint32_t> mtu;
  std::atomic<std::uint32_t> network;  // IPv4, host order
  std::atomic<std::uint32_t> prefix_length;
  // Process numbers mean something in one pid namespace only, bells are heard in one
  // network namespace.
  std::atomic<std::uint64_t> namespaces;
  // Goes up when a member comes or goes or a ring is opened: look at the seats again.
  alignas(64) std::atomic<std::uint32_t> changes;
  std::atomic<std::uint32_t> down;
};

struct Seat {
  std::atomic<std::uint32_t> generation;  // odd: taken
  std::atomic<std::uint32_t> pid;
  std::atomic<std::uint64_t> start_time;
  std::atomic<std::uint32_t> address;  // IPv4, host order
  std::atomic<std::uint64_t> bell_id;  // names its bells
  std::atomic<std::uint32_t> deputy;   // a bell, rung when who was called does not come
  std::array<std::atomic<std::uint64_t>, 4> name;
  // The alarm of whoever sleeps for it; 0: it looks by itself. Set by the member,
  // cleared by who calls.
  alignas(64) std::atomic<std::uint32_t> bell;
  std::array<std::atomic<std::uint32_t>, LanAlarm::kDoors> doors;  // count the calls
};

// Written by the sender of a pair.
struct alignas(64) Tail {
  std::atomic<std::uint64_t> epoch;
  std::atomic<std::uint64_t> position;
  std::atomic<std::uint64_t> committed;  // bytes of the ring that have memory
};

// Written by the receiver of a pair; the sender leaves a wish here when it has to wait,
// in the line that the receiver has at hand whenever it gives room.
struct alignas(64) Head {
  std::atomic<std::uint64_t> epoch;  // of the position
  std::atomic<std::uint64_t> position;
  std::atomic<std::uint64_t> refused;     // an epoch whose ring makes no sense
  std::atomic<std::uint32_t> wants_room;  // ring the sender when there is some
};

template <class T>
using PerPair = std::array<std::array<T, kSeats>, kSeats>;  // [receiver][sender]

struct Control {
  Header header;
  alignas(4096) std::array<Seat, kSeats> seats;
  alignas(4096) PerPair<Tail> tails;
  PerPair<Head> heads;
};
static_assert(std::is_standard_layout_v<Control>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

inline constexpr std::size_t kRingsOffset = std::size_t{2} << 20U;
static_assert(sizeof(Control) <= kRingsOffset);

constexpr std::size_t ring_offset(std::uint32_t receiver, std::uint32_t sender, std::size_t size) {
  return kRingsOffset + (std::size_t{receiver} * kSeats + sender) * size;
}
constexpr std::size_t file_size(std::size_t ring_size) { return ring_offset(kSeats, 0, ring_size); }

// Two of the largest records and what stays unused at the end always fit.
inline constexpr std::uint32_t kMinRing = 256U << 10U;
inline constexpr std::uint32_t kMaxRing = 16U << 20U;
constexpr bool is_ring_size(std::uint32_t size) {
  return std::has_single_bit(size) && size >= kMinRing && size <= kMaxRing;
}

// Every IPv4 host takes 576 bytes (RFC 1122 3.3.2).
constexpr bool is_mtu(std::uint32_t mtu) { return mtu >= 576 && mtu <= 65'535; }
// A network with room for some members.
constexpr bool is_prefix_length(std::uint32_t length) { return length >= 8 && length <= 28; }

constexpr bool is_taken(std::uint32_t generation) { return generation % 2 != 0; }

// Who uses a ring: the generations of both ends, and how often it was begun anew
// between them. Never 0 for taken seats.
constexpr std::uint64_t make_epoch(std::uint32_t sender, std::uint32_t receiver) {
  return std::uint64_t{sender & 0xffffffU} << 40U | std::uint64_t{receiver & 0xffffffU} << 16U;
}
constexpr std::uint64_t next_round(std::uint64_t epoch) {
  return (epoch & ~std::uint64_t{0xffff}) | ((epoch + 1) & 0xffffU);
}
constexpr bool is_same_pair(std::uint64_t a, std::uint64_t b) { return a >> 16U == b >> 16U; }
constexpr bool is_for(std::uint64_t epoch, std::uint32_t receiver) {
  return (epoch >> 16U & 0xffffffU) == (receiver & 0xffffffU);
}

}  // namespace naru::link::lan
