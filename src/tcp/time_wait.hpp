// TIME-WAIT: what is left of a connection for 2 MSL (RFC 9293 3.6.1).
#pragma once

#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

#include "base/slab.hpp"

namespace naru::tcp {

struct TimeWait {
  std::uint32_t next = kNoIndex;  // in order of expiry
  std::uint32_t prev = kNoIndex;
  std::uint32_t snd_nxt = 0;
  std::uint32_t rcv_nxt = 0;
  std::uint32_t ts_recent = 0;
  std::uint32_t ts_offset = 0;   // with ts_recent == ts_offset == 0: no timestamps
  std::uint32_t expires_ms = 0;  // on the 32-bit millisecond clock
  std::uint16_t local_port = 0;  // 0 in a free slot
  std::uint16_t remote_port = 0;
  IpAddr local_addr;
  IpAddr remote_addr;

  Endpoint local() const { return {local_addr, local_port}; }
  Endpoint remote() const { return {remote_addr, remote_port}; }
  bool timestamps() const { return (ts_recent | ts_offset) != 0; }
};
static_assert(sizeof(TimeWait) == 64);

// All records wait equally long, so a queue in order of arrival is a timer queue.
class TimeWaitQueue {
 public:
  [[nodiscard]] bool init(Arena& arena, std::uint32_t capacity) {
    return slab_.init(arena, capacity);
  }

  // A record at the end of the queue, or nullptr when all are in use.
  TimeWait* add(std::uint32_t expires_ms);
  void remove(TimeWait* record);
  // 2 MSL from now again (a FIN came again).
  void restart(TimeWait* record, std::uint32_t expires_ms);
  TimeWait* oldest() { return head_ == kNoIndex ? nullptr : slab_.at(head_); }
  const TimeWait* oldest() const { return head_ == kNoIndex ? nullptr : slab_.at(head_); }

  TimeWait* at(std::uint32_t index) { return slab_.at(index); }
  std::uint32_t index_of(const TimeWait* record) const { return slab_.index_of(record); }
  std::uint32_t size() const { return slab_.in_use(); }

  // After a death: keeps the records for which `is_wanted(record)`. They come in order of
  // expiry again, but for what expires within a slice of `life_ms`: that may wait for its
  // last a little longer, which does no harm.
  template <class F>
  void rebuild(std::uint32_t now_ms, std::uint32_t life_ms, F&& is_wanted) {
    constexpr std::uint32_t kSlices = 64;
    const std::uint32_t slice_ms = life_ms / kSlices + 1;
    head_ = tail_ = kNoIndex;
    slab_.rebuild();
    slab_.for_each([&](TimeWait& record) {
      const std::uint32_t left_ms = record.expires_ms - now_ms;
      if (left_ms > life_ms) record.expires_ms = now_ms;  // late already, or nonsense
      if (record.local_port == 0 || !is_wanted(record)) slab_.give_back(&record);
    });
    for (std::uint32_t slice = 0; slice < kSlices; ++slice) {
      slab_.for_each([&](TimeWait& record) {
        if ((record.expires_ms - now_ms) / slice_ms == slice) append(slab_.index_of(&record));
      });
    }
  }

 private:
  void append(std::uint32_t index);
  void unlink(TimeWait* record);

  Slab<TimeWait> slab_;
  std::uint32_t head_ = kNoIndex;
  std::uint32_t tail_ = kNoIndex;
};

}  // namespace naru::tcp
