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
};
static_assert(sizeof(Passage) == 64);

// A place for each of some thousand pairs, which later ones take over: nothing is lost with
// an entry but the time to find it again.
class Passages {
 public:
  [[nodiscard]] bool init(Arena& arena, const SipKey& key, std::uint32_t capacity) {
    const std::uint32_t size = std::bit_ceil(capacity);
    entries_ = static_cast<Passage*>(arena.take(sizeof(Passage) * size));
    mask_ = size - 1;
    salt_ = {key.k0, key.k1, std::rotl(key.k0, 32), std::rotl(key.k1, 32)};
    return entries_ != nullptr;
  }

  Passage& place_of(const IpAddr& source, const IpAddr& destination, std::uint8_t in) {
    return entries_[index_of(source, destination, in)];
  }
  // It is going to be looked at.
  void prefetch(const IpAddr& source, const IpAddr& destination, std::uint8_t in) const {
    __builtin_prefetch(&entries_[index_of(source, destination, in)]);
  }

 private:
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
  std::array<std::uint64_t, 4> salt_{};
};

}  // namespace naru::ip
