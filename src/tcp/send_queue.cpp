#include "tcp/send_queue.hpp"

#include <algorithm>
#include <cstring>

namespace naru::tcp {

std::size_t SendQueue::append(SendBlockPool& pool, Bytes data) {
  std::size_t done = 0;
  while (done < data.size()) {
    if (tail_ == nullptr || tail_->end == SendBlock::kSize) {
      SendBlock* block = pool.take_raw();
      if (block == nullptr) break;
      block->next = nullptr;
      block->begin = block->end = 0;
      (head_ == nullptr ? head_ : tail_->next) = block;
      tail_ = block;
    }
    const std::size_t n = std::min<std::size_t>(data.size() - done, SendBlock::kSize - tail_->end);
    std::memcpy(tail_->data + tail_->end, data.data() + done, n);
    tail_->end += static_cast<std::uint32_t>(n);
    done += n;
  }
  size_ += static_cast<std::uint32_t>(done);
  return done;
}

void SendQueue::drop_front(SendBlockPool& pool, std::uint32_t n) {
  if (n == size_ && head_ == tail_ && head_ != nullptr) {  // as after most messages
    pool.give_back(head_);
    *this = SendQueue();
    return;
  }
  size_ -= n;
  while (head_ != nullptr) {
    SendBlock* block = head_;
    const std::uint32_t here = std::min(n, block->end - block->begin);
    block->begin += here;
    n -= here;
    if (cursor_ != nullptr && cursor_ != block) cursor_offset_ -= here;
    if (block->begin != block->end) break;
    head_ = block->next;
    if (head_ == nullptr) tail_ = nullptr;
    if (cursor_ == block) {
      cursor_ = head_;
      cursor_offset_ = 0;
    }
    pool.give_back(block);
  }
}

std::uint32_t SendQueue::gather(std::uint32_t offset, std::uint32_t length, TxFrame& frame) {
  if (head_ != nullptr && offset + length <= head_->end - head_->begin) {  // as most messages
    frame.spans[frame.span_count++] = {head_->data + head_->begin + offset, length};
    frame.payload_length += length;
    return length;
  }
  if (cursor_ == nullptr || offset < cursor_offset_) {
    cursor_ = head_;
    cursor_offset_ = 0;
  }
  std::uint32_t done = 0;
  while (cursor_ != nullptr) {
    const std::uint32_t here = cursor_->end - cursor_->begin;
    const std::uint32_t skip = offset + done - cursor_offset_;
    if (skip < here) {
      if (done == length || frame.span_count == TxFrame::kMaxSpans) break;
      const std::uint32_t n = std::min(length - done, here - skip);
      frame.spans[frame.span_count++] = {cursor_->data + cursor_->begin + skip, n};
      done += n;
      if (done == length) break;
    }
    if (cursor_->next == nullptr) break;
    cursor_offset_ += here;
    cursor_ = cursor_->next;
  }
  frame.payload_length += done;
  return done;
}

bool SendQueue::is_whole(const SendBlockPool& pool) const {
  std::uint64_t bytes = 0;
  std::uint32_t count = 0;
  const SendBlock* last = nullptr;
  bool has_cursor = cursor_ == nullptr;
  for (const SendBlock* b = head_; b != nullptr; b = b->next) {
    const bool is_block = pool.find(b) != kNoIndex && b->begin <= b->end &&
                          b->end <= SendBlock::kSize && count < pool.capacity();
    if (!is_block) return false;
    if (b == cursor_) has_cursor = cursor_offset_ == bytes;
    ++count;
    bytes += b->end - b->begin;
    last = b;
  }
  return last == tail_ && bytes == size_ && has_cursor;
}

bool SendQueue::keep(SendBlockPool& pool) const {
  for (const SendBlock* b = head_; b != nullptr; b = b->next) {
    if (!pool.keep(pool.index_of(b))) return false;
  }
  return true;
}

}  // namespace naru::tcp
