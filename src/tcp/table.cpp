#include "tcp/table.hpp"

#include <bit>

namespace naru::tcp {

bool Table::init(Arena& arena, std::uint32_t objects, const SipKey& key) {
  const std::size_t slots = std::bit_ceil(std::size_t{objects} * 2);
  entries_ = static_cast<Entry*>(arena.take(slots * sizeof(Entry)));
  mask_ = static_cast<std::uint32_t>(slots - 1);
  key_ = key;
  return entries_ != nullptr;
}

void Table::insert(std::uint32_t hash, std::uint32_t object) {
  std::uint32_t i = hash & mask_;
  while (entries_[i].object != 0) i = (i + 1) & mask_;
  entries_[i] = {hash, object + 1};
  ++size_;
}

void Table::remove(std::uint32_t hash, std::uint32_t object) {
  std::uint32_t hole = hash & mask_;
  while (entries_[hole].object != object + 1) {
    NARU_CHECK(entries_[hole].object != 0);
    hole = (hole + 1) & mask_;
  }
  // Move back every later entry of the run that may stand at the hole.
  for (std::uint32_t i = (hole + 1) & mask_; entries_[i].object != 0; i = (i + 1) & mask_) {
    const std::uint32_t home = entries_[i].hash & mask_;
    if (((i - home) & mask_) < ((i - hole) & mask_)) continue;
    entries_[hole] = entries_[i];
    hole = i;
  }
  entries_[hole] = {0, 0};
  --size_;
}

void Table::clear() {
  for (std::uint32_t i = 0; i <= mask_; ++i) {
    if (entries_[i].object != 0) entries_[i] = {0, 0};
  }
  size_ = 0;
}

}  // namespace naru::tcp
