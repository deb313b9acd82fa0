// Sending: from the stack's frames into the rings of those who are to have them.

#include <algorithm>

#include "link/gso.hpp"
#include "link/lan_member.hpp"
#include "wire/ethernet.hpp"
#include "wire/fields.hpp"

namespace naru::link {

using lan::Record;
using wire::Ethernet;

namespace {

bool is_ipv6(const TxFrame& frame) { return frame.header[frame.network_offset] >> 4U == 6; }

}  // namespace

bool LanLink::Member::open_ring(std::uint32_t number) {
  Peer& peer = peers_[number];
  if (!peer.tx.open(file_.ring(number, seat_.number),
                    lan::make_epoch(seat_.generation, peer.generation), file_)) {
    return false;
  }
  if (peer.tx.take_restart()) lan::announce(control());
  return true;
}

std::size_t LanLink::Member::transmit(std::span<const TxFrame> burst, Time now) {
  now_ = now;
  refresh();
  std::size_t taken = 0;
  Set touched = 0;
  for (; taken < burst.size(); ++taken) {
    const Sent sent = send(burst[taken], touched);
    if (sent == Sent::later) break;
    if (sent == Sent::yes) {
      stats_.tx_frames += burst[taken].wire_frames();
    } else {
      ++stats_.tx_refused;
    }
  }
  if (touched != 0) follow(touched);
  return taken;
}

// After a burst: wake those who sleep, and see who does not read.
void LanLink::Member::follow(Set touched) {
  ring(touched);
  recent_ |= touched;
  for_each(touched, [this](std::uint32_t i) {
    Peer& peer = peers_[i];
    if (now_ - peer.looked_after < kLookAfter) return;
    const std::uint64_t before = std::exchange(peer.reader_then, peer.tx.reader_position());
    if (peer.reader_then != before || peer.tx.is_drained()) {
      peer.looked_after = now_;
    } else {
      look_after(i);
    }
  });
}

LanLink::Member::Sent LanLink::Member::send(const TxFrame& frame, Set& touched) {
  constexpr std::uint32_t kTags = 2 * Ethernet::kTagSize;
  const bool large = frame.wire_frames() > 1;
  const std::uint32_t most = large ? lan::kMaxFrame : Ethernet::kHeaderSize + kTags + file_.mtu();
  if (!up_ || frame.header_length < Ethernet::kHeaderSize || frame.length() > most) {
    return Sent::never;
  }
  const MacAddr to = wire::load_mac(frame.header.data());
  if (to.is_multicast()) return send_to_all(frame, touched);
  const std::uint32_t number = to.bytes.back();
  if (number >= lan::kSeats || (present_ & bit(number)) == 0 || peers_[number].mac != to) {
    return Sent::never;
  }
  return put(number, frame, touched);
}

// Its ring is full, or the machine has no memory for it; that is not waited for.
LanLink::Member::Sent LanLink::Member::refuse(std::uint32_t number) {
  if (peers_[number].tx.lacks_memory()) return Sent::never;
  if ((stalled_ & bit(number)) != 0) {
    look_after(number);
    return Sent::never;
  }
  recent_ |= bit(number);
  note_full(number);
  return Sent::later;
}

// It has no room, and for how long its reader does not move.
void LanLink::Member::note_full(std::uint32_t number) {
  Peer& peer = peers_[number];
  const std::uint64_t reader = peer.tx.reader_position();
  if ((full_ & bit(number)) == 0 || reader != peer.reader_position) {
    full_ |= bit(number);
    peer.reader_position = reader;
    peer.full_since = now_;
  } else if (now_ - peer.full_since >= patience_) {
    stalled_ |= bit(number);
    look_after(number);
  }
}

// Whoever has no room misses it.
LanLink::Member::Sent LanLink::Member::send_to_all(const TxFrame& frame, Set& touched) {
  for_each(present_, [&](std::uint32_t i) {
    if (put(i, frame, touched) != Sent::yes) ++stats_.tx_refused;
  });
  return Sent::yes;
}

inline LanLink::Member::Sent LanLink::Member::put(std::uint32_t number, const TxFrame& frame,
                                                  Set& touched) {
  Peer& peer = peers_[number];
  if (!peer.tx.is_open() && !open_ring(number)) return Sent::never;
  std::uint8_t* to = peer.tx.reserve(frame.length(), file_);
  if (peer.tx.take_restart()) [[unlikely]]
    lan::announce(control());
  if (to == nullptr) [[unlikely]]
    return refuse(number);
  stalled_ &= ~bit(number);
  const bool large = frame.wire_frames() > 1;
  Cutter(frame, {.whole = true, .checksums = false}).write(to);
  std::uint16_t flags = frame.needs_checksum ? Record::kVouched : 0;
  if (large && is_ipv6(frame)) flags |= Record::kIpv6;
  peer.tx.publish(frame.length(), large ? frame.gso_size : std::uint16_t{0}, flags);
  touched |= bit(number);
  return Sent::yes;
}

// In frames of the MTU: a large segment takes as much as those that it stands for.
std::size_t LanLink::Member::transmit_room() {
  const std::uint32_t unit = Record::space(Ethernet::kHeaderSize + file_.mtu());
  std::uint32_t room = file_.ring_size() - Record::space(lan::kMaxFrame) - Record::kAlign;
  const std::uint32_t most = room;
  for_each(recent_ & ~stalled_, [&](std::uint32_t i) {
    const std::uint32_t here = room_at(i, unit);
    if (here == most) recent_ &= ~bit(i);
    if ((stalled_ & bit(i)) == 0) room = std::min(room, here);
  });
  return room / unit;
}

// Bytes in the ring of one member. Once it had none, there is none until the largest
// frame fits, so that whatever waits for room can go on.
std::uint32_t LanLink::Member::room_at(std::uint32_t number, std::uint32_t unit) {
  Peer& peer = peers_[number];
  const bool was_full = (full_ & bit(number)) != 0;
  const std::uint32_t enough = was_full ? Record::space(lan::kMaxFrame) : unit;
  const std::uint32_t here = peer.tx.room(std::max(enough, file_.ring_size() / 2));
  if (here >= enough) {
    full_ &= ~bit(number);
    return here;
  }
  note_full(number);
  peer.tx.want_room();
  return 0;
}

}  // namespace naru::link
