#include "link/lan_ring.hpp"

#include <algorithm>

namespace naru::link::lan {

namespace {

constexpr std::uint64_t kSkip = 1;  // the kind of a record without a frame
constexpr auto kRelaxed = std::memory_order_relaxed;

std::uint64_t describe(std::uint16_t gso_size, std::uint16_t flags) {
  return std::uint64_t{gso_size} | std::uint64_t{flags} << 16U;
}
constexpr std::uint64_t kSkipWord = kSkip << 32U;

std::uint64_t aligned(std::uint64_t position) {
  return position & ~std::uint64_t{Record::kAlign - 1};
}

}  // namespace

std::uint64_t RingEnd::position() const {
  const std::uint64_t position = aligned(ring_.tail->position.load(std::memory_order_acquire));
  const std::uint32_t offset = offset_of(position);
  const std::uint64_t first = word(offset, 0).load(kRelaxed);
  if (static_cast<std::uint32_t>(first) != stamp_of(position)) [[likely]]
    return position;
  // Whoever published this record has not moved on yet, or died before it did.
  const bool skip = word(offset, 1).load(kRelaxed) == kSkipWord;
  return position + (skip ? ring_.size - offset
                          : Record::space(static_cast<std::uint32_t>(first >> 32U) & 0x1ffffU));
}

// --- the writer ----------------------------------------------------------------------

bool RingWriter::open(const Ring& ring, std::uint64_t pair, Memory& memory) {
  const std::uint64_t epoch = ring.tail->epoch.load(std::memory_order_acquire);
  ring_ = ring;
  head_ = 0;
  restarted_ = false;
  if (is_same_pair(epoch, pair)) {
    set_epoch(epoch);
    return true;
  }
  if (!has_memory_for(0, kFirstCommit - Record::kAlign, memory)) {
    close();
    return false;
  }
  begin(pair);
  return true;
}

void RingWriter::begin(std::uint64_t epoch) {
  set_epoch(epoch);
  head_ = 0;
  next_ = kUnknown;
  word(0, 0).store(0, kRelaxed);
  ring_.tail->position.store(0, kRelaxed);
  ring_.head->wants_room.store(0, kRelaxed);
  ring_.tail->epoch.store(epoch, std::memory_order_release);
  restarted_ = true;
}

std::uint64_t RingWriter::position() const {
  // The reader polls the line of the next record: it is left alone where that can be.
  const bool is_mine = aligned(ring_.tail->position.load(kRelaxed)) == next_;
  return is_mine ? next_ : RingEnd::position();
}

std::uint64_t RingWriter::reader_position() {
  const Head& head = *ring_.head;
  // Another process of the session may have begun it anew.
  const std::uint64_t written = ring_.tail->epoch.load(kRelaxed);
  if (written != epoch() && is_same_pair(written, epoch())) [[unlikely]] {
    set_epoch(written);
    next_ = kUnknown;
  }
  const bool has_come = head.epoch.load(std::memory_order_acquire) == epoch();
  head_ = has_come ? aligned(head.position.load(std::memory_order_acquire)) : 0;
  const bool makes_sense = position() - head_ <= ring_.size;
  if (!makes_sense || written != epoch() || head.refused.load(kRelaxed) == epoch()) [[unlikely]]
    begin(next_round(epoch()));
  return head_;
}

std::uint32_t RingWriter::free_space(std::uint64_t position) const {
  const std::uint64_t used = position - head_;
  return used <= ring_.size ? ring_.size - static_cast<std::uint32_t>(used) : 0;
}

std::uint32_t RingWriter::room(std::uint32_t enough) {
  // A skip to the start and the stamp behind the last record take room too.
  constexpr std::uint32_t kLost = Record::space(kMaxFrame) + Record::kAlign;
  const auto left = [this] {
    const std::uint32_t free = free_space(position());
    return free > kLost ? free - kLost : 0;
  };
  if (const std::uint32_t known = left(); known >= enough) return known;
  reader_position();
  return left();
}

std::uint8_t* RingWriter::reserve(std::uint32_t size, Memory& memory) {
  const std::uint32_t space = Record::space(std::max(size, kLeastRoom));
  lacks_memory_ = false;
  const auto place = find_place(position(), space, memory);
  if (!place) return nullptr;
  ring_.tail->position.store(*place, kRelaxed);
  return ring_.base + offset_of(*place) + Record::kHeaderSize;
}

inline std::optional<std::uint64_t> RingWriter::find_place(std::uint64_t at, std::uint32_t space,
                                                           Memory& memory) {
  const std::uint32_t offset = offset_of(at);
  const bool fits = space <= ring_.size - offset;
  const bool same_part = offset / kPart == (offset + space) / kPart;
  if (!fits || !same_part || !has_memory(offset, space)) [[unlikely]]
    return find_new_part(space, memory);
  if (free_space(at) >= space + Record::kAlign) [[likely]]
    return at;
  reader_position();
  at = position();  // it may have begun anew
  const bool enough =
      free_space(at) >= space + Record::kAlign && space <= ring_.size - offset_of(at);
  return enough ? std::optional(at) : std::nullopt;
}

// Where the ring comes to its end, to another part of its memory, or to what has no
// memory yet: it goes back to the start if it is drained, or must.
std::optional<std::uint64_t> RingWriter::find_new_part(std::uint32_t space, Memory& memory) {
  const bool drained = is_drained();
  const std::uint64_t at = position();
  const std::uint32_t offset = offset_of(at);
  const std::uint32_t to_end = ring_.size - offset;
  const std::uint32_t free = free_space(at);
  const bool may_stay = space <= to_end && (!drained || offset < space + Record::kAlign);
  if (may_stay && has_memory_for(offset, space, memory)) {
    return free >= space + Record::kAlign ? std::optional(at) : std::nullopt;
  }
  if (free < to_end + space + Record::kAlign) return std::nullopt;
  const std::uint64_t start = skip_to_start(at);
  return has_memory_for(0, space, memory) ? std::optional(start) : std::nullopt;
}

bool RingWriter::has_memory_for(std::uint32_t offset, std::uint32_t space, Memory& memory) {
  return has_memory(offset, space) || commit(offset + space, memory);
}

// Memory for a record and the stamp behind it.
bool RingWriter::has_memory(std::uint32_t offset, std::uint32_t space) const {
  const std::uint32_t end = std::min(offset + space + Record::kAlign, ring_.size);
  return ring_.tail->committed.load(kRelaxed) >= end;
}

bool RingWriter::commit(std::uint32_t end, Memory& memory) {
  const std::uint64_t twice = ring_.tail->committed.load(kRelaxed) * 2;
  const std::uint32_t wanted = std::bit_ceil(end + Record::kAlign);
  const auto size = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(std::max<std::uint64_t>(twice, wanted), ring_.size));
  lacks_memory_ = !memory.commit(ring_, size);
  if (!lacks_memory_) ring_.tail->committed.store(size, kRelaxed);
  return !lacks_memory_;
}

std::uint64_t RingWriter::skip_to_start(std::uint64_t position) {
  const std::uint64_t next = position + ring_.size - offset_of(position);
  put(position, next, 0, kSkipWord);
  return next;
}

void RingWriter::publish(std::uint32_t size, std::uint16_t gso_size, std::uint16_t flags) {
  const std::uint64_t at = aligned(ring_.tail->position.load(kRelaxed));
  put(at, at + Record::space(size), size, describe(gso_size, flags));
}

// The stamp of the next record goes before that of this one appears, so that the
// reader never takes old bytes for a record.
inline void RingWriter::put(std::uint64_t position, std::uint64_t next, std::uint32_t length,
                            std::uint64_t description) {
  const std::uint32_t offset = offset_of(position);
  word(offset_of(next), 0).store(0, kRelaxed);
  word(offset, 1).store(description, kRelaxed);
  word(offset, 0).store(std::uint64_t{length} << 32U | stamp_of(position),
                        std::memory_order_release);
  ring_.tail->position.store(next, std::memory_order_release);
  next_ = next;
}

// --- the reader ----------------------------------------------------------------------

bool RingReader::open(const Ring& ring, std::uint32_t receiver) {
  const std::uint64_t epoch = ring.tail->epoch.load(std::memory_order_acquire);
  const bool same = is_open() && epoch == this->epoch();
  if (same || !is_for(epoch, receiver)) return is_open() && !refused_;
  ring_ = ring;
  set_epoch(epoch);
  refused_ = ring.head->refused.load(kRelaxed) == epoch;
  if (ring.head->epoch.load(kRelaxed) != epoch) {
    ring.head->position.store(0, kRelaxed);
    ring.head->epoch.store(epoch, std::memory_order_release);
  }
  position_ = released_ = aligned(ring.head->position.load(kRelaxed));
  return !refused_;
}

std::optional<Record> RingReader::next() {
  if (refused_) [[unlikely]]
    return std::nullopt;
  // Another process of the session may have read on.
  if (position_ == released_) position_ = released_ = aligned(ring_.head->position.load(kRelaxed));
  std::uint32_t offset = offset_of(position_);
  for (;;) {
    const std::uint64_t first = word(offset, 0).load(std::memory_order_acquire);
    if (static_cast<std::uint32_t>(first) != stamp_of(position_)) return std::nullopt;
    const std::uint64_t description = word(offset, 1).load(kRelaxed);
    const auto length = static_cast<std::uint32_t>(first >> 32U);
    if (description == kSkipWord && offset != 0) {
      position_ += ring_.size - offset;
      offset = 0;
      continue;
    }
    const std::uint32_t most = std::min(kMaxFrame, ring_.size - offset - Record::kHeaderSize);
    if (length < kMinFrame || length > most || description >= kSkipWord) break;
    position_ += Record::space(length);
    return Record{.frame = {ring_.base + offset + Record::kHeaderSize, length},
                  .gso_size = static_cast<std::uint16_t>(description),
                  .flags = static_cast<std::uint16_t>(description >> 16U)};
  }
  refuse();
  return std::nullopt;
}

void RingReader::release() {
  ring_.head->position.store(position_, std::memory_order_release);
  released_ = position_;
}

bool RingReader::take_wants_room() {
  std::atomic<std::uint32_t>& wants = ring_.head->wants_room;
  return wants.load(kRelaxed) != 0 && wants.exchange(0, kRelaxed) != 0;
}

bool RingReader::is_waiting() {
  const auto look = [this] {
    const std::uint64_t before = position_;
    const bool found = next().has_value();
    if (found) {
      position_ = std::max(before, released_);
    } else if (unreleased() != 0) {
      release();  // it has come to the end
    }
    return found;
  };
  if (look()) return true;
  // What the writer has passed must be there: a frame, or nothing but the way to the start,
  // and the frame there is still being written.
  const std::uint64_t passed = position();
  const bool same = ring_.tail->epoch.load(kRelaxed) == epoch();
  if (passed == position_ || !same || refused_) return false;
  if (look()) return true;
  if (passed == position_) return false;
  refuse();
  return false;
}

void RingReader::refuse() {
  refused_ = true;
  ring_.head->refused.store(epoch(), kRelaxed);
}

}  // namespace naru::link::lan
