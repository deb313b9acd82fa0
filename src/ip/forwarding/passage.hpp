// Passages: the ways that packets for others took, by their addresses.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/wire/address.hpp>

#include "base/siphash.hpp"
#include "base/slab.hpp"
#include "ip/types.hpp"

namespace naru::ip {

// All that was found out about a packet between these two and holds for the next one, as
// long as the epoch, the neighbour's version and the session do. It is looked at in one cache
// line.
struct alignas(64) Passage {
  IpAddr source;
  IpAddr destination;
  std::uint32_t ports = 0;  // both, where a NAT tells flows between the same two apart
  std::uint32_t epoch = 0;
  std::uint32_t neighbour = 0;
  std::uint32_t version = 0;
  std::uint32_t session = kNoIndex;  // that the NAT translates by, on the way outside
  std::uint16_t mtu = 0;
  std::uint8_t in = 0;  // the interface

  bool is_of(const IpAddr& from, const IpAddr& to, std::uint32_t flow,
             std::uint8_t interface) const {
    return source == from && destination == to && ports == flow && in == interface;
  }
};
static_assert(sizeof(Passage) == 64);

// Places for some thousand ways, which later ones take over: nothing is lost with an entry
// but the time to find it again. That is long where there are many routes, so who finds a place
// taken has the next ones, too.
class Passages {
 public:
  [[nodiscard]] bool init(Arena& arena, const SipKey& key, std::uint32_t capacity) {
    const std::uint32_t size = std::bit_ceil(capacity);
    entries_ = static_cast<Passage*>(arena.take(sizeof(Passage) * (size + kPlaces - 1)));
    mask_ = size - 1;
    salt_ = {key.k0, key.k1, std::rotl(key.k0, 32), std::rotl(key.k1, 32)};
    return entries_ != nullptr;
  }

  // Where it would be, or one of the next.
  const Passage* place_of(const IpAddr& source, const IpAddr& destination, std::uint32_t ports,
                          std::uint8_t in) const {
    return &entries_[index_of(source, destination, ports, in)];
  }
  // nullptr: not known in this epoch.
  const Passage* find(const IpAddr& source, const IpAddr& destination, std::uint32_t ports,
                      std::uint8_t in, std::uint32_t epoch) const {
    const Passage* p = place_of(source, destination, ports, in);
    // They are taken in order, so behind a free one there is none.
    for (const Passage* end = p + kPlaces; p != end && p->epoch == epoch; ++p) {
      if (p->is_of(source, destination, ports, in)) return p;
    }
    return nullptr;
  }
  // In the place of what was known of the same, in a free one, or in one of others.
  void put(const Passage& n) {
    Passage* const first = &entries_[index_of(n.source, n.destination, n.ports, n.in)];
    Passage* const end = first + kPlaces;
    Passage* p = first;
    while (p != end && p->epoch == n.epoch && !p->is_of(n.source, n.destination, n.ports, n.in)) {
      ++p;
    }
    // By turns: so whoever is gone makes room some time, and whoever is not comes again.
    *(p == end ? first + turn_++ % kPlaces : p) = n;
  }

 private:
  static constexpr std::uint32_t kPlaces = 4;
  using Words = std::array<std::uint64_t, 2>;

  std::uint64_t index_of(const IpAddr& source, const IpAddr& destination, std::uint32_t ports,
                         std::uint8_t in) const {
    const auto s = std::bit_cast<Words>(source.bytes());
    const auto d = std::bit_cast<Words>(destination.bytes());
    const std::uint64_t rest = std::uint64_t{ports} << 8U | in;
    const std::uint64_t mixed =
        fold(s[0] ^ salt_[0], d[0] ^ salt_[1] ^ rest) ^ fold(s[1] ^ salt_[2], d[1] ^ salt_[3]);
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
