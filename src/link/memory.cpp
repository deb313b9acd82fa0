#include <algorithm>
#include <cstring>
#include <utility>
#include <zlib.h>

#include <naru/link/memory.hpp>

#include "base/check.hpp"
#include "link/gso.hpp"
#include "link/packet_ring.hpp"
#include "wire/ethernet.hpp"

namespace naru::link {

namespace {

using wire::Ethernet;

std::uint32_t frame_check(const std::uint8_t* frame, std::uint32_t size) {
  return static_cast<std::uint32_t>(::crc32(0, frame, size));
}

}  // namespace

class MemoryWire::End final : public Link {
 public:
  End(const MemoryWireOptions& options, const MacAddr& mac)
      : options_(options),
        mac_(mac),
        ring_(options.ring_size),
        cut_{options.carries_large, options.checksums},
        max_frame_(Ethernet::kHeaderSize + 2 * Ethernet::kTagSize +
                   (options.carries_large ? kLargePacket : options.mtu)) {}
  ~End() override { attach(nullptr); }

  void connect(End& peer) { peer_ = &peer; }
  void set_up(bool up);
  const PacketRing& ring() const { return ring_; }

  Caps caps() const override {
    return {.mtu = options_.mtu,
            .max_payload = kMaxPayload,
            .transmits_checksum = !options_.checksums,
            .carries_large = options_.carries_large};
  }
  MacAddr mac() const override { return mac_; }
  bool is_up() const override { return up_; }
  void attach(PacketPool* pool) override;

  std::size_t transmit_room() override { return peer_->ring_.room(); }
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;

  void set_interrupt(std::function<void()> callback) override { interrupt_ = std::move(callback); }
  Stats stats() const override { return stats_; }

 private:
  static constexpr std::uint32_t kMaxPayload = 65'000;
  static constexpr std::uint32_t kLargePacket = 65'535;

  void take(const TxFrame& frame);
  void cut(const TxFrame& frame);
  Packet* buffer(std::uint32_t size);
  void deliver(Packet* packet, std::uint32_t size, const TxFrame& frame);
  void seal(Packet& packet, std::uint32_t size) const;
  bool check(Packet& packet) const;
  void interrupt() const {
    if (interrupt_) interrupt_();
  }

  const MemoryWireOptions options_;
  const MacAddr mac_;
  End* peer_ = nullptr;
  PacketPool* pool_ = nullptr;
  PacketRing ring_;  // of frames for this end
  const CutOptions cut_;
  const std::uint32_t max_frame_;
  bool up_ = true;
  Stats stats_;
  std::function<void()> interrupt_;
};

void MemoryWire::End::set_up(bool up) {
  if (up == up_) return;
  up_ = up;
  interrupt();
}

void MemoryWire::End::attach(PacketPool* pool) {
  while (!ring_.empty()) pool_->give_back(ring_.pop());
  pool_ = pool;
}

// Padding and FCS behind a frame of `size` bytes.
inline void MemoryWire::End::seal(Packet& packet, std::uint32_t size) const {
  if (size < Ethernet::kMinFrame) {
    // Zeros, never what the buffer held before.
    std::memset(packet.data + size, 0, Ethernet::kMinFrame - size);
    size = Ethernet::kMinFrame;
  }
  packet.length = size;
  if (!options_.fcs) return;
  // The CRC goes out lowest byte first (IEEE 802.3 3.2.9).
  const std::uint32_t fcs = frame_check(packet.data, size);
  std::memcpy(packet.data + size, &fcs, sizeof fcs);
  packet.length += Ethernet::kFcsSize;
}

// A buffer of the receiver for a frame of `size` bytes, or nullptr: it is lost.
inline Packet* MemoryWire::End::buffer(std::uint32_t size) {
  if (!up_ || size > max_frame_) [[unlikely]] {
    ++stats_.tx_refused;
    return nullptr;
  }
  ++stats_.tx_frames;
  const std::uint32_t fcs = options_.fcs ? Ethernet::kFcsSize : 0;
  Packet* packet = peer_->pool_ == nullptr ? nullptr : peer_->pool_->take(size + fcs);
  if (packet == nullptr) [[unlikely]]
    ++peer_->stats_.rx_no_buffer;
  return packet;
}

inline void MemoryWire::End::deliver(Packet* packet, std::uint32_t size, const TxFrame& frame) {
  seal(*packet, size);
  if (!options_.checksums && frame.needs_checksum) packet->checksum = ChecksumState::good;
  if (options_.carries_large && frame.wire_frames() > 1) packet->gso_size = frame.gso_size;
  peer_->ring_.push(packet);
}

void MemoryWire::End::cut(const TxFrame& frame) {
  for (Cutter cutter(frame, cut_); !cutter.done();) {
    const std::uint32_t size = cutter.size();
    if (Packet* packet = buffer(size); packet != nullptr) {
      cutter.write(packet->data);
      deliver(packet, size, frame);
    } else {
      cutter.skip();
    }
  }
}

inline void MemoryWire::End::take(const TxFrame& frame) {
  if (is_to_be_cut(frame, cut_)) return cut(frame);
  const std::uint32_t size = frame.length();
  Packet* packet = buffer(size);
  if (packet == nullptr) return;
  write_whole(packet->data, frame, cut_.checksums);
  deliver(packet, size, frame);
}

std::size_t MemoryWire::End::transmit(std::span<const TxFrame> burst, Time) {
  const bool idle = peer_->ring_.empty();
  std::size_t taken = 0;
  for (const TxFrame& frame : burst) {
    const std::uint32_t frames = options_.carries_large ? 1 : frame.wire_frames();
    if (frames > peer_->ring_.room()) {
      ++peer_->stats_.rx_ring_full;
      break;
    }
    take(frame);
    ++taken;
  }
  if (idle && !peer_->ring_.empty()) peer_->interrupt();
  return taken;
}

// Takes the FCS off; false when it does not fit the frame.
bool MemoryWire::End::check(Packet& packet) const {
  packet.trim(packet.length - Ethernet::kFcsSize);
  std::uint32_t fcs;
  std::memcpy(&fcs, packet.data + packet.length, sizeof fcs);
  return fcs == frame_check(packet.data, packet.length);
}

std::size_t MemoryWire::End::receive(std::span<Packet*> burst, Time) {
  if (ring_.empty()) return 0;
  std::size_t count = 0;
  while (count < burst.size() && !ring_.empty()) {
    Packet* packet = ring_.pop();
    if (options_.fcs && !check(*packet)) {
      pool_->give_back(packet);
      ++stats_.rx_bad_fcs;
      continue;
    }
    burst[count++] = packet;
  }
  stats_.rx_frames += count;
  return count;
}

MemoryWire::MemoryWire(const MemoryWireOptions& options)
    : a_(std::make_unique<End>(options, options.mac_a)),
      b_(std::make_unique<End>(options, options.mac_b)) {
  a_->connect(*b_);
  b_->connect(*a_);
}

MemoryWire::~MemoryWire() = default;

Link& MemoryWire::a() { return *a_; }
Link& MemoryWire::b() { return *b_; }

void MemoryWire::set_up(bool up) {
  a_->set_up(up);
  b_->set_up(up);
}

MemoryWire::End& MemoryWire::end_of(Link& end) {
  NARU_CHECK(&end == a_.get() || &end == b_.get());
  return &end == a_.get() ? *a_ : *b_;
}

MutableBytes MemoryWire::waiting(Link& end, std::size_t index) {
  const PacketRing& ring = end_of(end).ring();
  NARU_CHECK(index < ring.size());
  return ring.at(static_cast<std::uint32_t>(index)).mutable_bytes();
}

std::size_t MemoryWire::waiting_count(Link& end) { return end_of(end).ring().size(); }

}  // namespace naru::link
