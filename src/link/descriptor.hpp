// Owns a descriptor of the kernel's.
#pragma once

#include <utility>

namespace naru::link {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  // `move` gives the file another number, and closes this one.
  template <class Move>
  void move_to(const Move& move) {
    if (is_open()) number_ = move(number_);
  }

 private:
  int number_;
};

}  // namespace naru::link
