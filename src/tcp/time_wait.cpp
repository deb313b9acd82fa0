#include "tcp/time_wait.hpp"

namespace naru::tcp {

void TimeWaitQueue::append(std::uint32_t index) {
  TimeWait* record = slab_.at(index);
  record->next = kNoIndex;
  record->prev = tail_;
  (tail_ == kNoIndex ? head_ : slab_.at(tail_)->next) = index;
  tail_ = index;
}

void TimeWaitQueue::unlink(TimeWait* record) {
  (record->prev == kNoIndex ? head_ : slab_.at(record->prev)->next) = record->next;
  (record->next == kNoIndex ? tail_ : slab_.at(record->next)->prev) = record->prev;
}

TimeWait* TimeWaitQueue::add(std::uint32_t expires_ms) {
  TimeWait* record = slab_.take_raw();
  if (record == nullptr) return nullptr;
  record->expires_ms = expires_ms;
  append(slab_.index_of(record));
  return record;
}

void TimeWaitQueue::remove(TimeWait* record) {
  unlink(record);
  record->local_port = 0;
  slab_.give_back(record);
}

void TimeWaitQueue::restart(TimeWait* record, std::uint32_t expires_ms) {
  unlink(record);
  record->expires_ms = expires_ms;
  append(slab_.index_of(record));
}

}  // namespace naru::tcp
