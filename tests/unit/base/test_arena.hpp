// An arena of one test.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>

#include <naru/base/arena.hpp>

namespace naru {

class TestArena {
 public:
  explicit TestArena(std::size_t size)
      : memory_(std::aligned_alloc(64, (size + 63) / 64 * 64), std::free) {
    std::memset(memory_.get(), 0, size);
    arena_ = Arena::format(memory_.get(), size);
  }
  Arena& operator*() const { return *arena_; }
  Arena* operator->() const { return arena_; }

 private:
  std::unique_ptr<void, decltype(&std::free)> memory_;
  Arena* arena_;
};

}  // namespace naru
