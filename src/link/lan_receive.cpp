// Receiving: from the rings into the stack's packets; and sleeping until something comes.

#include <cstring>

#include "link/lan_member.hpp"
#include "link/vnet_hdr.hpp"

namespace naru::link {

using lan::Record;

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

std::size_t LanLink::Member::receive(std::span<Packet*> burst, Time now) {
  now_ = now;
  if (armed_) wake_up();
  refresh();
  std::size_t count = 0;
  const auto read_from = [&](std::uint32_t i) {
    if (count < burst.size()) count += read(i, burst.subspan(count));
  };
  // Each is the first once.
  const Set later = ~Set{0} << first_;
  for_each(readable_ & later, read_from);
  for_each(readable_ & ~later, read_from);
  first_ = (first_ + 1) % lan::kSeats;
  give_room();
  stats_.rx_frames += count;
  return count;
}

// Not more records than packets are asked for, whatever is dropped.
std::size_t LanLink::Member::read(std::uint32_t number, std::span<Packet*> out) {
  lan::RingReader& rx = peers_[number].rx;
  const std::uint64_t enough = file_.ring_size() / 8;
  std::size_t count = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto record = rx.next();
    if (!record) break;
    Packet* packet = take(*record);
    if (rx.unreleased() >= enough) rx.release();
    if (packet != nullptr) out[count++] = packet;
  }
  if (rx.unreleased() != 0) rx.release();
  if (rx.is_refused()) [[unlikely]]
    refuse_ring(number);
  return count;
}

// The one copy of a received frame: whatever is done to the ring after it, is not
// seen.
Packet* LanLink::Member::take(const Record& record) {
  const auto size = static_cast<std::uint32_t>(record.frame.size());
  Packet* packet = pool_ == nullptr ? nullptr : pool_->take(size);
  if (packet == nullptr) [[unlikely]] {
    ++stats_.rx_no_buffer;
    return nullptr;
  }
  std::memcpy(packet->data, record.frame.data(), size);
  packet->length = size;
  if ((record.flags & Record::kVouched) != 0) packet->checksum = ChecksumState::good;
  if (record.gso_size == 0) return packet;
  // What it says of itself must be true, as of a frame from a device.
  const bool ipv6 = (record.flags & Record::kIpv6) != 0;
  const VnetHeader header{.flags = VnetHeader::kDataValid,
                          .gso_type = ipv6 ? VnetHeader::kGsoTcpV6 : VnetHeader::kGsoTcpV4,
                          .gso_size = record.gso_size};
  const auto offload = check_offload(header, packet->mutable_bytes());
  if (!offload) {
    ++stats_.rx_bad_offload;
    pool_->give_back(packet);
    return nullptr;
  }
  packet->gso_size = offload->gso_size;
  return packet;
}

// The writer is asked to begin anew.
void LanLink::Member::refuse_ring(std::uint32_t number) {
  readable_ &= ~bit(number);
  lan::announce(control());
}

// Whose wish is missed, since there is no fence between the room and the look, is seen at
// the next look: that of the next receive(), or that of arm(), behind its fence.
void LanLink::Member::give_room() {
  Set wanting = 0;
  for_each(readable_, [&](std::uint32_t i) {
    if (peers_[i].rx.is_open() && peers_[i].rx.take_wants_room()) wanting |= bit(i);
  });
  if (wanting != 0) [[unlikely]]
    ring(wanting);
}

// --- sleeping ------------------------------------------------------------------------

// Those of them that sleep.
void LanLink::Member::ring(Set members) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for_each(members, [this](std::uint32_t i) {
    lan::Seat& seat = control().seats[i];
    if (seat.bell.load(kRelaxed) != 0) ringer_.call(seat);
  });
}

// Set, fence, look: against a sender's write, fence, look.
bool LanLink::Member::arm(LanAlarm alarm) {
  own_entry().bell.store(lan::to_word(alarm), kRelaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return !is_waiting();
}

void LanLink::Member::disarm() {
  if (is_armed()) own_entry().bell.store(0, kRelaxed);
}

void LanLink::Member::disarm(LanAlarm alarm) {
  std::uint32_t word = lan::to_word(alarm);
  std::atomic<std::uint32_t>& bell = own_entry().bell;
  if (bell.load(kRelaxed) == word) bell.compare_exchange_strong(word, 0, kRelaxed);
}

std::atomic<std::uint32_t>& LanLink::Member::door(std::uint32_t number) const {
  return own_entry().doors[number % LanAlarm::kDoors];
}

bool LanLink::Member::arm() {
  armed_ = true;
  return arm(lan::Bell::alarm());
}

void LanLink::Member::wake_up() {
  armed_ = false;
  disarm(lan::Bell::alarm());
  bell_.silence();
}

void LanLink::Member::sleep(Duration longest) {
  constexpr LanAlarm kDoor{LanAlarm::Kind::door, 0};
  std::atomic<std::uint32_t>& word = door(kDoor.number);
  const std::uint32_t calls = word.load(std::memory_order_acquire);
  if (arm(kDoor)) lan::sleep_on(word, calls, longest);
  disarm(kDoor);
}

// Frames, room where there was none, or news of the members.
bool LanLink::Member::is_waiting() {
  if (control().header.changes.load(std::memory_order_acquire) != seen_) return true;
  bool found = false;
  for_each(readable_, [&](std::uint32_t i) {
    lan::RingReader& rx = peers_[i].rx;
    found |= rx.is_waiting();
    if (rx.is_refused()) refuse_ring(i);
  });
  give_room();
  const std::uint32_t enough = Record::space(lan::kMaxFrame);
  for_each(full_ & ~stalled_, [&](std::uint32_t i) {
    if (peers_[i].tx.is_open() && peers_[i].tx.room(enough) < enough) return;
    full_ &= ~bit(i);
    found = true;
  });
  return found;
}

// Who does not sleep wants a core.
unsigned LanLink::Member::runnable() {
  refresh();
  unsigned count = 1;
  for_each(present_, [&](std::uint32_t i) {
    if (control().seats[i].bell.load(kRelaxed) == 0) ++count;
  });
  return count;
}

}  // namespace naru::link
