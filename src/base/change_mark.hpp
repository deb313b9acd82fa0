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

// As long as it lives the mark is set. Within another of the same mark it does nothing.
class Changing {
 public:
  explicit Changing(ChangeMark& mark) : mark_(mark), is_first_(!mark.is_set()) {
    if (is_first_) mark_.set(&mark_);
  }
  ~Changing() {
    if (is_first_) mark_.clear();
  }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;

 private:
  ChangeMark& mark_;
  bool is_first_;
};

}  // namespace naru
