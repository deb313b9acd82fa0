#include <algorithm>
#include <utility>

#include <naru/link/fault.hpp>

#include "link/gso.hpp"
#include "link/raw_frame.hpp"

namespace naru::link {

namespace {

// A full ring behind this link is looked at again after this long.
constexpr Duration kRetry = 100us;

constexpr std::uint64_t kNanosecondBitsPerByte = 8'000'000'000;

Duration up_to(Duration most, Random& random) {
  return Duration(static_cast<std::int64_t>(random.unit() * static_cast<double>(most.count())));
}

}  // namespace

FaultLink::FaultLink(Link& inner, const FaultOptions& options)
    : inner_(inner),
      options_(options),
      loss_(options.seed, 0),
      corrupt_(options.seed, 1),
      duplicate_(options.seed, 2),
      reorder_(options.seed, 3),
      jitter_(options.seed, 4) {}

Caps FaultLink::caps() const {
  Caps caps = inner_.caps();
  caps.transmits_checksum = false;
  caps.carries_large = false;
  return caps;
}

std::size_t FaultLink::transmit_room() {
  if (blocked_ || held_.size() >= options_.max_frames) return 0;
  return options_.max_frames - held_.size();
}

std::size_t FaultLink::transmit(std::span<const TxFrame> burst, Time now) {
  advance(now);
  std::size_t taken = 0;
  for (const TxFrame& frame : burst) {
    if (frame.wire_frames() > transmit_room()) break;
    for (Cutter cutter(frame); !cutter.done();) {
      const std::size_t size = cutter.size();
      Buffer bytes = take_buffer(std::max(size, Cutter::kMinRoom));
      cutter.write(bytes.data());
      bytes.resize(size);
      meet_fate(std::move(bytes), now);
    }
    ++taken;
  }
  advance(now);
  return taken;
}

std::size_t FaultLink::receive(std::span<Packet*> burst, Time now) {
  advance(now);
  return inner_.receive(burst, now);
}

Time FaultLink::next_deadline() const {
  Time own = kTimeNever;
  if (!held_.empty()) own = held_.front().due;
  if (blocked_) own = std::max(own, blocked_at_ + kRetry);
  return std::min(own, inner_.next_deadline());
}

void FaultLink::advance(Time now) {
  inner_.transmit({}, now);
  blocked_ = false;
  while (!held_.empty() && held_.front().due <= now) {
    TxFrame frame;
    set_raw(frame, held_.front().bytes);
    if (inner_.transmit({&frame, 1}, now) == 0) {
      blocked_ = true;
      blocked_at_ = now;
      return;
    }
    std::pop_heap(held_.begin(), held_.end(), is_later);
    recycle(std::move(held_.back().bytes));
    held_.pop_back();
  }
}

void FaultLink::meet_fate(Buffer bytes, Time now) {
  // Every die is thrown for every frame, so that no fate shifts another's numbers.
  const bool lost = loss_.roll(options_.loss);
  const bool corrupt = corrupt_.roll(options_.corrupt);
  const bool duplicate = duplicate_.roll(options_.duplicate);
  const bool reorder = reorder_.roll(options_.reorder);
  const Duration late = up_to(options_.reorder_delay, reorder_.random);
  const Duration jitter = up_to(options_.jitter, jitter_.random);

  if (lost) {
    ++stats_.lost;
    return recycle(std::move(bytes));
  }
  const Time departed = departure(bytes.size(), now);
  if (departed == kTimeNever) {
    ++stats_.queue_drops;
    return recycle(std::move(bytes));
  }
  if (corrupt && !bytes.empty()) damage(bytes);

  Time due = std::max(departed + options_.delay + jitter, last_due_);
  last_due_ = due;
  if (reorder) {
    ++stats_.reordered;
    due += late;
  }
  if (duplicate) {
    ++stats_.duplicated;
    Buffer copy = take_buffer(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    hold(std::move(copy), due);
  }
  hold(std::move(bytes), due);
}

void FaultLink::damage(Buffer& bytes) {
  ++stats_.corrupted;
  const std::uint32_t at = corrupt_.random.below(static_cast<std::uint32_t>(bytes.size()));
  bytes[at] ^= static_cast<std::uint8_t>(1 + corrupt_.random.below(255));
}

Time FaultLink::departure(std::size_t size, Time now) {
  if (options_.rate == 0) return now;
  wire_free_ = std::max(wire_free_, now);
  const auto wait = static_cast<double>((wire_free_ - now).count());
  const double queued = wait * static_cast<double>(options_.rate) / double{kNanosecondBitsPerByte};
  if (wait > 0 && queued + static_cast<double>(size) > options_.queue_bytes) return kTimeNever;
  const std::uint64_t work = size * kNanosecondBitsPerByte + remainder_;
  wire_free_ += Duration(static_cast<std::int64_t>(work / options_.rate));
  remainder_ = work % options_.rate;
  return wire_free_;
}

void FaultLink::hold(Buffer bytes, Time due) {
  if (held_.size() >= options_.max_frames) {
    ++stats_.queue_drops;
    return recycle(std::move(bytes));
  }
  held_.push_back({due, next_order_++, std::move(bytes)});
  std::push_heap(held_.begin(), held_.end(), is_later);
}

bool FaultLink::is_later(const Held& a, const Held& b) {
  return a.due != b.due ? a.due > b.due : a.order > b.order;
}

FaultLink::Buffer FaultLink::take_buffer(std::size_t size) {
  Buffer buffer;
  if (!spare_.empty()) {
    buffer = std::move(spare_.back());
    spare_.pop_back();
  }
  buffer.resize(size);
  return buffer;
}

void FaultLink::recycle(Buffer buffer) { spare_.push_back(std::move(buffer)); }

}  // namespace naru::link
