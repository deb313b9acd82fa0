// Scoreboard: which bytes in flight the peer has reported by SACK (RFC 2018),
// and what follows from it (RFC 6675).
#pragma once

#include <cstdint>

#include "base/slab.hpp"

namespace naru::tcp {

// Sorted ranges above snd.una. Bounded: when it is full, further blocks are
// ignored, which at worst sends something twice.
struct Scoreboard {
  static constexpr unsigned kMaxRanges = 128;
  static constexpr unsigned kDupThresh = 3;

  struct Range {
    std::uint32_t start;
    std::uint32_t end;
  };

  std::uint32_t free_link = 0;
  std::uint32_t count = 0;
  std::uint32_t sacked = 0;  // bytes in all ranges
  Range ranges[kMaxRanges];

  // Marks [start, end); returns how many of its bytes are news.
  std::uint32_t add(std::uint32_t start, std::uint32_t end);
  // snd.una has moved up.
  void drop_below(std::uint32_t una);
  // The peer may have thrown away what it reported (RFC 2018 8).
  void clear() { count = sacked = 0; }

  // Unreported bytes below this are lost: three ranges, or more than two segments'
  // worth of bytes, were reported above them (RFC 6675 4, IsLost). `una` when none.
  std::uint32_t lost_edge(std::uint32_t una, std::uint32_t smss) const;
  // Reported bytes within [start, end).
  std::uint32_t sacked_within(std::uint32_t start, std::uint32_t end) const;
  // The first unreported byte at or after `seq`, and where the hole that it is in
  // ends (at most `limit`).
  Range hole_from(std::uint32_t seq, std::uint32_t limit) const;
  // One past the highest reported byte; `una` when none.
  std::uint32_t highest(std::uint32_t una) const {
    return count == 0 ? una : ranges[count - 1].end;
  }
};

}  // namespace naru::tcp
