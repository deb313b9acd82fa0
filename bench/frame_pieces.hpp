// A frame as its sender has it: header bytes and payload where they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace naru::bench {

struct Piece {
  const std::uint8_t* data;
  std::size_t size;
};

using Pieces = std::span<const Piece>;

inline std::size_t total_size(Pieces frame) {
  std::size_t n = 0;
  for (const Piece& p : frame) n += p.size;
  return n;
}

}  // namespace naru::bench
