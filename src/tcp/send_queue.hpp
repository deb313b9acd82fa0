// SendQueue: the program's bytes from snd.una on, until they are acknowledged.
#pragma once

#include <cstdint>

#include <naru/base/bytes.hpp>
#include <naru/buf/tx_frame.hpp>

#include "base/slab.hpp"

namespace naru::tcp {

// A piece of a send queue. Sixteen of them and a bit carry a 64 KiB segment.
struct SendBlock {
  static constexpr std::uint32_t kSize = 4096 - 16;

  SendBlock* next = nullptr;
  std::uint32_t begin = 0;  // bytes before it are acknowledged
  std::uint32_t end = 0;
  std::uint8_t data[kSize];
};
static_assert(sizeof(SendBlock) == 4096);

using SendBlockPool = Slab<SendBlock>;

// A queue of blocks, read at any offset but mostly where the last read ended.
class SendQueue {
 public:
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Copies what it can; less than all when the pool is exhausted.
  std::size_t append(SendBlockPool& pool, Bytes data);
  // The first n bytes are acknowledged.
  void drop_front(SendBlockPool& pool, std::uint32_t n);
  // References to the bytes [offset, offset + length) as the frame's payload.
  // Returns how many there was room for in the frame's spans.
  std::uint32_t gather(std::uint32_t offset, std::uint32_t length, TxFrame& frame);
  void clear(SendBlockPool& pool) { drop_front(pool, size_); }

  // After a death: is the queue what it says of itself? And then, when the pool has
  // forgotten who holds what: false when somebody else has one of the blocks.
  bool is_whole(const SendBlockPool& pool) const;
  bool keep(SendBlockPool& pool) const;

 private:
  SendBlock* head_ = nullptr;
  SendBlock* tail_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t cursor_offset_ = 0;  // of the first byte of *cursor_ in the queue
  SendBlock* cursor_ = nullptr;      // where the last gather ended
};

}  // namespace naru::tcp
