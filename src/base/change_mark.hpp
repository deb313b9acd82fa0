// ChangeMark: which object is being changed, for whoever comes after a death.
#pragma once

#include <atomic>

namespace naru {

// A process that works on shared memory may be killed between any two instructions. All
// that it has stored until then is there, but in the order of its instructions, which is
// the compiler's choice. So a mark is one store, and a fence that costs none: all changes
// of an object lie between its set() and the next mark.
class ChangeMark {
 public:
  void set(const void* object) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    object_ = object;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  void clear() { set(nullptr); }
  bool is_on(const void* object) const { return object_ == object; }
  bool is_set() const { return object_ != nullptr; }

 private:
  const void* object_ = nullptr;
};

}  // namespace naru
