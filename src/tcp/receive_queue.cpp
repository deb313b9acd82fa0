#include "tcp/receive_queue.hpp"

#include <algorithm>
#include <cstring>

namespace naru::tcp {
namespace {

// Below this, copying costs less than holding a buffer.
constexpr std::uint32_t kCopyBreak = 512;

// A large buffer with little in it goes back at once.
Packet* shrink(PacketPool& pool, Packet* packet) {
  if (packet->size_class == 0 || packet->length > PacketPool::kSmallFrame) return packet;
  Packet* small = pool.take(packet->length);
  if (small == nullptr) return packet;
  std::memcpy(small->data, packet->data, packet->length);
  small->length = packet->length;
  pool.give_back(packet);
  return small;
}

}  // namespace

void ReceiveQueue::append(PacketPool& pool, Packet* packet) {
  bytes_ += packet->length;
  if (tail_ != nullptr && packet->length <= kCopyBreak && packet->length <= tail_->tailroom()) {
    std::memcpy(tail_->data + tail_->length, packet->data, packet->length);
    tail_->length += packet->length;
    pool.give_back(packet);
    return;
  }
  packet = shrink(pool, packet);
  packet->next = nullptr;
  (head_ == nullptr ? head_ : tail_->next) = packet;
  tail_ = packet;
}

std::size_t ReceiveQueue::peek(MutableBytes out, std::uint32_t offset) const {
  std::size_t done = 0;
  for (const Packet* p = head_; p != nullptr && done < out.size(); p = p->next) {
    if (offset >= p->length) {
      offset -= p->length;
      continue;
    }
    const std::size_t n = std::min<std::size_t>(out.size() - done, p->length - offset);
    std::memcpy(out.data() + done, p->data + offset, n);
    done += n;
    offset = 0;
  }
  return done;
}

void ReceiveQueue::drop(PacketPool& pool, std::uint32_t n) {
  bytes_ -= n;
  while (head_ != nullptr && n >= head_->length) {
    Packet* p = head_;
    n -= p->length;
    head_ = p->next;
    if (head_ == nullptr) tail_ = nullptr;
    pool.give_back(p);
  }
  if (n != 0) head_->pull(n);
}

std::size_t ReceiveQueue::read(PacketPool& pool, MutableBytes out) {
  std::size_t done = 0;
  while (head_ != nullptr && done < out.size()) {
    Packet* p = head_;
    const std::size_t n = std::min<std::size_t>(out.size() - done, p->length);
    std::memcpy(out.data() + done, p->data, n);
    done += n;
    if (n < p->length) {
      p->pull(static_cast<std::uint32_t>(n));
      break;
    }
    head_ = p->next;
    if (head_ == nullptr) tail_ = nullptr;
    pool.give_back(p);
  }
  bytes_ -= static_cast<std::uint32_t>(done);
  return done;
}

}  // namespace naru::tcp
