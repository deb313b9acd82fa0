// Packet: one received frame (or a packet that must wait, such as for ARP).
//
//   Packet (128 bytes)         buffer
//   | metadata ... data length | headroom |== bytes ==| tailroom |
//                   '----------------------^
//
// Packets come from the pool of the stack that receives them: the link writes
// the frame into the buffer once, and it travels by pointer up to the socket's
// receive queue. Layers peel headers by moving `data` forward.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/base/bytes.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru {

// What the link says of a received frame's layer-4 checksum.
enum class ChecksumState : std::uint8_t {
  unchecked,  // verify in software
  good,       // the device verified it, or the sender on this machine vouches for it
};

struct alignas(64) Packet {
  Packet* next = nullptr;  // in a queue of packets
  Packet* more = nullptr;  // further buffers of the same packet (chain)
  std::uint8_t* data = nullptr;
  std::uint32_t length = 0;    // bytes at data
  std::uint32_t capacity = 0;  // bytes of the buffer

  std::uint8_t interface = 0;
  ChecksumState checksum = ChecksumState::unchecked;
  std::uint8_t size_class = 0;  // of the pool; 0: a small buffer
  bool link_broadcast = false;  // the frame's destination was a group address
  bool fragmented = false;      // put together from fragments
  std::uint8_t tos = 0;
  std::uint8_t ttl = 0;
  std::uint8_t protocol = 0;   // of the layer-4 header at data
  std::uint16_t gso_size = 0;  // not 0: the link delivered several segments of this size as one
  bool kept = false;           // see PacketPool::keep()

  // Where TCP's payload in `data` starts and where it ends, in sequence space.
  std::uint32_t seq = 0;
  std::uint16_t flags = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t network_offset = 0;  // of the IP header, from the start of the buffer
  IpAddr source;
  IpAddr destination;
  Time received{};  // when a datagram came to its socket

  std::uint8_t* buffer() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  const std::uint8_t* buffer() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  std::size_t headroom() const { return static_cast<std::size_t>(data - buffer()); }
  std::size_t tailroom() const { return capacity - headroom() - length; }
  Bytes bytes() const { return {data, length}; }
  MutableBytes mutable_bytes() { return {data, length}; }

  // The first n bytes are done with; n <= length.
  void pull(std::uint32_t n) {
    data += n;
    length -= n;
  }
  // n more bytes in front, n <= headroom().
  std::uint8_t* push(std::uint32_t n) {
    data -= n;
    length += n;
    return data;
  }
  // Only the first n bytes count.
  void trim(std::uint32_t n) { length = n; }
  // This buffer and all of its chain.
  std::uint32_t chain_length() const {
    std::uint32_t sum = 0;
    for (const Packet* p = this; p != nullptr; p = p->more) sum += p->length;
    return sum;
  }
};
static_assert(sizeof(Packet) == 128);

// Receive buffers of one stack in four sizes, each bounded, recycled last-in first-out. What
// waits for its program is charged the buffer that it lies in, so that buffers of a middle
// size are what a datagram of some KiB costs.
class PacketPool {
 public:
  static constexpr std::uint32_t kHeadroom = 64;
  static constexpr std::uint32_t kSmallCapacity = 2048;
  // A 64 KiB IP packet with its frame header, FCS and headroom.
  static constexpr std::uint32_t kLargeCapacity = 65'536 + 512;
  static constexpr std::uint32_t kSmallFrame = kSmallCapacity - kHeadroom;
  static constexpr std::uint32_t kLargeFrame = kLargeCapacity - kHeadroom;
  static constexpr std::array<std::uint32_t, 4> kCapacities{kSmallCapacity, 4'096 + 512,
                                                            16'384 + 512, kLargeCapacity};

  // `large`: of 64 KiB, and as many of each middle size.
  [[nodiscard]] bool init(Arena& arena, std::uint32_t small, std::uint32_t large);

  // An empty packet with the headroom in front and room for `size` bytes, or
  // nullptr when none is free or size > kLargeFrame. A small request never takes
  // a large buffer; a middle one does where its own size is used up.
  Packet* take(std::uint32_t size) {
    Class& c = classes_[0];
    if (Packet* p = c.free; p != nullptr && size <= kSmallFrame) [[likely]] {
      c.free = p->next;
      ++c.in_use;
      reset(*p);
      return p;
    }
    return take_other(size);
  }
  // The buffer is larger than `size` bytes need.
  static bool is_too_large(const Packet& packet, std::uint32_t size) {
    return packet.size_class != 0 && size <= kCapacities[packet.size_class - 1U] - kHeadroom;
  }
  // Gives back the packet and its chain.
  void give_back(Packet* packet);

  // One buffer with all of the chain's bytes (needed before a header is parsed);
  // nullptr, with the packet given back, when no buffer is free or it does not fit.
  Packet* linearize(Packet* packet);

  // No more than 1/2^shift of the buffers of this packet's size are left.
  bool is_short_of(const Packet& packet, unsigned shift) const {
    const Class& c = classes_[packet.size_class];
    return c.count - c.in_use <= c.count >> shift;
  }

  // --- after a death ---
  // Whoever died may have left any pointer in a queue, and packets that are in none. After
  // forget() the queues that are sound keep() their packets, and rebuild() frees the rest.

  // What a list of packets holds. False when it does not lead from `head` to `tail`, over
  // packets of this pool.
  struct Extent {
    std::uint32_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t memory = 0;  // whole buffers and their metadata
  };
  bool measure(const Packet* head, const Packet* tail, Extent& extent) const;
  void forget();
  // The packets of a list that was measured. False when one of them is kept already.
  bool keep(Packet* head);
  void rebuild();

  std::uint32_t small_in_use() const { return classes_[0].in_use; }
  std::uint32_t large_in_use() const { return classes_.back().in_use; }
  std::uint32_t in_use() const;

 private:
  struct Class {
    std::uint8_t* base;
    Packet* free;
    std::uint32_t capacity;  // bytes of one buffer
    std::uint32_t count;
    std::uint32_t fresh;  // buffers from here on were never used
    std::uint32_t in_use;
  };

  static void reset(Packet& p) {
    p.next = p.more = nullptr;
    p.data = p.buffer() + kHeadroom;
    p.length = 0;
    p.interface = 0;
    p.checksum = ChecksumState::unchecked;
    p.link_broadcast = p.fragmented = false;
    p.gso_size = 0;
    p.flags = 0;
  }
  Packet* take_other(std::uint32_t size);
  Packet* take_from(std::size_t size_class);
  static Packet* at(const Class& c, std::uint32_t index) {
    return reinterpret_cast<Packet*>(c.base + (sizeof(Packet) + c.capacity) * index);
  }
  bool is_whole(const Packet* packet) const;

  std::array<Class, kCapacities.size()> classes_{};
};

// A queue of packets, linked by Packet::next.
class PacketQueue {
 public:
  bool empty() const { return head_ == nullptr; }
  Packet* front() const { return head_; }
  const Packet* back() const { return tail_; }
  std::uint32_t size() const { return size_; }
  void push_back(Packet* p) {
    p->next = nullptr;
    (head_ == nullptr ? head_ : tail_->next) = p;
    tail_ = p;
    ++size_;
  }
  Packet* pop_front() {
    Packet* p = head_;
    if (p == nullptr) return nullptr;
    head_ = p->next;
    p->next = nullptr;
    --size_;
    return p;
  }

 private:
  Packet* head_ = nullptr;
  Packet* tail_ = nullptr;
  std::uint32_t size_ = 0;
};

}  // namespace naru
