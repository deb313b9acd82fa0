// The rx ring of a link: received packets in order, at most so many.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <naru/buf/packet.hpp>

namespace naru::link {

class PacketRing {
 public:
  explicit PacketRing(std::uint32_t size)
      : mask_(std::bit_ceil(size == 0 ? 1 : size) - 1),
        slots_(std::make_unique<Packet*[]>(mask_ + std::size_t{1})) {}

  std::uint32_t capacity() const { return mask_ + 1; }
  std::uint32_t size() const { return tail_ - head_; }
  std::uint32_t room() const { return capacity() - size(); }
  bool empty() const { return head_ == tail_; }
  // index < size()
  Packet& at(std::uint32_t index) const { return *slots_[(head_ + index) & mask_]; }

  // room() > 0
  void push(Packet* packet) { slots_[tail_++ & mask_] = packet; }
  // !empty()
  Packet* pop() { return slots_[head_++ & mask_]; }

 private:
  std::uint32_t mask_;
  std::uint32_t head_ = 0;  // both run freely and wrap
  std::uint32_t tail_ = 0;
  std::unique_ptr<Packet*[]> slots_;
};

}  // namespace naru::link
