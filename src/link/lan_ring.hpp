// The ring from one member of a lan to another: one writer, one reader, records of
// up to 64 KiB, each in one piece.
//
//   | record | record |·                     | record | skip ─────────|
//                     ^ tail: a zero stamp            ^ to the start
//
//   record   | stamp  length | gso_size flags kind | frame ... | padded to 64 bytes
//
// A record's stamp says that it is there: it belongs to its position and no other, is
// written last, and the stamp of the next record is cleared before. So the reader
// looks at the place where the next frame will stand and at nothing else, and a frame
// crosses in as few cache lines as it has. The positions in the tail and in the head
// are for making room and for starting again; they count bytes and never go back.
//
// A ring that is drained starts again at its beginning when it comes to a new part
// of its memory: light traffic stays in few pages and warm cache lines.
//
// Either end may be driven by several processes in turn (a session): both keep
// nothing that the next could not find in the shared memory. Whatever stands there,
// nothing outside the ring is read or written.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include <naru/base/bytes.hpp>

#include "link/lan_layout.hpp"

namespace naru::link::lan {

// 64 KiB of IP, a frame header and two VLAN tags.
inline constexpr std::uint32_t kMaxFrame = 65'535 + 14 + 8;
inline constexpr std::uint32_t kMinFrame = 14;

struct Record {
  static constexpr std::uint32_t kHeaderSize = 16;
  static constexpr std::uint32_t kAlign = 64;
  // Bytes of a ring that a frame takes.
  static constexpr std::uint32_t space(std::uint32_t size) {
    return (kHeaderSize + size + kAlign - 1) / kAlign * kAlign;
  }

  // Flags: nobody made the layer-4 checksum, and the sender vouches for the bytes; a
  // large segment is IPv6.
  static constexpr std::uint16_t kVouched = 1;
  static constexpr std::uint16_t kIpv6 = 2;

  Bytes frame;  // in the ring
  std::uint16_t gso_size = 0;
  std::uint16_t flags = 0;
};

// Where a ring lies.
struct Ring {
  std::uint8_t* base = nullptr;
  std::uint32_t size = 0;
  Tail* tail = nullptr;
  Head* head = nullptr;
};

// What both ends know.
class RingEnd {
 public:
  bool is_open() const { return ring_.base != nullptr; }
  void close() { ring_ = {}; }
  std::uint64_t epoch() const { return epoch_; }

 protected:
  void set_epoch(std::uint64_t epoch) {
    epoch_ = epoch;
    salt_ = static_cast<std::uint32_t>(epoch * 0x9e3779b97f4a7c15U >> 32U) & ~1U;
  }
  std::uint32_t offset_of(std::uint64_t position) const {
    return static_cast<std::uint32_t>(position) & (ring_.size - 1);
  }
  // Never 0, and another one for each position of a lap and for each lap.
  std::uint32_t stamp_of(std::uint64_t position) const {
    return (static_cast<std::uint32_t>(position / Record::kAlign) * 2 + 1) ^ salt_;
  }
  // The words of the record at an offset (a multiple of kAlign within the ring).
  std::atomic<std::uint64_t>& word(std::uint32_t offset, std::uint32_t index) const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(ring_.base + offset)[index];
  }

  // Where the next record will be written.
  std::uint64_t position() const;

  Ring ring_;

 private:
  std::uint64_t epoch_ = 0;
  std::uint32_t salt_ = 0;
};

// Gives a ring memory for its first `size` bytes, or says that there is none.
class Memory {
 public:
  virtual bool commit(const Ring& ring, std::uint32_t size) = 0;

 protected:
  ~Memory() = default;
};

class RingWriter : public RingEnd {
 public:
  // Begins the ring for this pair, or goes on where another process has begun it.
  // False: there is no memory.
  bool open(const Ring& ring, std::uint64_t pair, Memory& memory);

  // Room for a frame of so many bytes (at most kMaxFrame), and for 144 whatever its
  // size, as Cutter wants it; nullptr when the ring is full, or was full a moment ago.
  std::uint8_t* reserve(std::uint32_t size, Memory& memory);
  // That was for want of memory: the reader cannot help.
  bool lacks_memory() const { return lacks_memory_; }
  // The frame at the last reserve() is there, and has this size.
  void publish(std::uint32_t size, std::uint16_t gso_size, std::uint16_t flags);

  // Bytes of records that fit whatever their sizes. Asks the reader only when what
  // is known of it is less than `enough`.
  std::uint32_t room(std::uint32_t enough);
  // How far the reader is. Begins the ring anew when the reader refused it.
  std::uint64_t reader_position();
  // The reader has read everything.
  bool is_drained() { return reader_position() == position(); }
  // Asks the reader to ring when it has made room.
  void want_room() { ring_.head->wants_room.store(1, std::memory_order_relaxed); }

  // It was begun anew since the last call: the reader has to be told.
  bool take_restart() { return std::exchange(restarted_, false); }

 private:
  static constexpr std::uint32_t kFirstCommit = 8U << 10U;
  static constexpr std::uint32_t kPart = 64U << 10U;  // where it looks whether it is drained
  static constexpr std::uint32_t kLeastRoom = 144;

  void begin(std::uint64_t epoch);
  std::uint64_t position() const;
  std::uint32_t free_space(std::uint64_t position) const;
  // Where the next record goes, which may be the start; none when there is no room.
  std::optional<std::uint64_t> find_place(std::uint64_t position, std::uint32_t space,
                                          Memory& memory);
  std::optional<std::uint64_t> find_new_part(std::uint32_t space, Memory& memory);
  bool has_memory_for(std::uint32_t offset, std::uint32_t space, Memory& memory);
  bool has_memory(std::uint32_t offset, std::uint32_t space) const;
  bool commit(std::uint32_t end, Memory& memory);
  std::uint64_t skip_to_start(std::uint64_t position);
  void put(std::uint64_t position, std::uint64_t next, std::uint32_t length,
           std::uint64_t description);

  static constexpr std::uint64_t kUnknown = ~std::uint64_t{0};

  std::uint64_t head_ = 0;         // as last seen
  std::uint64_t next_ = kUnknown;  // behind what this process has published last
  bool restarted_ = false;
  bool lacks_memory_ = false;
};

class RingReader : public RingEnd {
 public:
  // Reads what is written for this generation of the receiver, by whomever: who sends
  // may have left meanwhile. False: there is nothing to read from.
  bool open(const Ring& ring, std::uint32_t receiver);

  // The next record. It stays in the ring, and may change under us, until release().
  std::optional<Record> next();
  // Gives the room of what was read back to the writer.
  void release();
  std::uint64_t unreleased() const { return position_ - released_; }
  // The writer waits for room; says so once. Without a fence after release() it may be
  // missed, and is seen when asked again.
  bool take_wants_room();

  // A frame waits.
  bool is_waiting();
  // What stands in the ring makes no sense: no more is read from it, and the writer
  // is to begin anew. Found by next() and is_waiting().
  bool is_refused() const { return refused_; }

 private:
  void refuse();

  std::uint64_t position_ = 0;
  std::uint64_t released_ = 0;
  bool refused_ = false;
};

}  // namespace naru::link::lan
