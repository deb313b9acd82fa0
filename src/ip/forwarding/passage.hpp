// Passages: the ways that packets for others took, by their addresses.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/wire/address.hpp>

#include "base/siphash.hpp"
#include "ip/types.hpp"

namespace naru::ip {

// All that was found out about a packet between these two and holds for the next one, as
// long as the epoch and the neighbour's version do. It is looked at in one cache line.
struct alignas(64) Passage {
  IpAddr source;
  IpAddr destination;
  std::uint32_t epoch = 0;
  std::uint32_t neighbour = 0;
  std::uint32_t version = 0;
  std::uint16_t mtu = 0;
  std::uint8_t in = 0;  // interfaces
  std::uint8_t out = 0;
  bool is_translated = false;  // by the NAT, on its way outside

  bool is_between_same(const Passage& other) const {
    return source == other.source && destination == other.destination && in == other.in;
  }
};
static_assert(sizeof(Passage) == 64);

// Places for some thousand pairs, which later ones take over: nothing is lost with an entry
// but the time to find it again. That is long where there are many routes, so a pair whose place
// is taken has the next ones, too.
class Passages {
 public:
  [[nodiscard]] bool init(Arena& arena, const SipKey& key, std::uint32_t capacity) {
    const std::uint32_t size = std::bit_ceil(capacity);
    entries_ = static_cast<Passage*>(arena.take(sizeof(Passage) * (size + kPlaces - 1)));
    mask_ = size - 1;
    salt_ = {key.k0, key.k1, std::rotl(key.k0, 32), std::rotl(key.k1, 32)};
    return entries_ != nullptr;
  }

  // nullptr: not known in this epoch.
  const Passage* find(const IpAddr& source, const IpAddr& destination, std::uint8_t in,
                      std::uint32_t epoch) const {
    const Passage* p = &entries_[index_of(source, destination, in)];
    // They are taken in order, so behind a free one there is none.
    for (const Passage* end = p + kPlaces; p != end && p->epoch == epoch; ++p) {
      if (p->source == source && p->destination == destination && p->in == in) return p;
    }
    return nullptr;
  }
  // In the place of what was known of the same pair, in a free one, or in one of others.
  void put(const Passage& passage) {
    Passage* const first = &entries_[index_of(passage.source, passage.destination, passage.in)];
    Passage* p = first;
    while (p != first + kPlaces && p->epoch == passage.epoch && !p->is_between_same(passage)) ++p;
    // By turns: so whoever is gone makes room some time, and whoever is not comes again.
    if (p == first + kPlaces) p = first + turn_++ % kPlaces;
    *p = passage;
  }
  // It is going to be looked for.
  void prefetch(const IpAddr& source, const IpAddr& destination, std::uint8_t in) const {
    __builtin_prefetch(&entries_[index_of(source, destination, in)]);
  }

 private:
  static constexpr std::uint32_t kPlaces = 4;
  using Words = std::array<std::uint64_t, 2>;

  std::uint64_t index_of(const IpAddr& source, const IpAddr& destination, std::uint8_t in) const {
    const auto s = std::bit_cast<Words>(source.bytes());
    const auto d = std::bit_cast<Words>(destination.bytes());
    const std::uint64_t mixed =
        fold(s[0] ^ salt_[0], d[0] ^ salt_[1]) ^ fold(s[1] ^ salt_[2] ^ in, d[1] ^ salt_[3]);
    return mixed & mask_;
  }

  // Each bit of both counts: the last of an address are those that differ.
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  }

  Passage* entries_ = nullptr;
  std::uint64_t mask_ = 0;
  std::uint32_t turn_ = 0;
  std::array<std::uint64_t, 4> salt_{};
};

}  // namespace naru::ip
