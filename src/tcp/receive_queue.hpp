// ReceiveQueue: bytes in order, waiting to be read.
#pragma once

#include <cstdint>

#include <naru/base/bytes.hpp>
#include <naru/buf/packet.hpp>

namespace naru::tcp {

// Holds the packets that the bytes arrived in. Small payloads are moved together,
// so that a peer who sends single bytes cannot pin a buffer for each.
class ReceiveQueue {
 public:
  std::uint32_t size() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }

  // Takes the packet; its `data` is payload only.
  void append(PacketPool& pool, Packet* packet);
  // Copies up to out.size() bytes from `offset` on, leaving them in the queue.
  std::size_t peek(MutableBytes out, std::uint32_t offset = 0) const;
  // Removes the first n bytes, n <= size().
  void drop(PacketPool& pool, std::uint32_t n);
  // Copies and removes.
  std::size_t read(PacketPool& pool, MutableBytes out);
  void clear(PacketPool& pool) { drop(pool, bytes_); }

  // After a death, as in SendQueue.
  bool is_whole(const PacketPool& pool) const {
    PacketPool::Extent extent;
    return pool.measure(head_, tail_, extent) && extent.bytes == bytes_ &&
           (head_ == nullptr) == (tail_ == nullptr);
  }
  bool keep(PacketPool& pool) const { return pool.keep(head_); }

 private:
  Packet* head_ = nullptr;
  Packet* tail_ = nullptr;
  std::uint32_t bytes_ = 0;
};

}  // namespace naru::tcp
