#include "link/lan_member.hpp"

#include <unistd.h>

namespace naru::link {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

LanLink::Member::Member(lan::LanFile file, LanSeat seat, lan::Bell bell, lan::Ringer ringer,
                        bool owner)
    : file_(std::move(file)),
      seat_(seat),
      mac_(lan::mac_of(seat)),
      bell_(std::move(bell)),
      ringer_(std::move(ringer)),
      owner_(owner ? ::getpid() : 0) {
  address_ = IpAddr::v4(own_entry().address.load(kRelaxed));
  look_around();
}

LanLink::Member::~Member() {
  // A forked child has a copy of this object, but not the seat.
  if (owner_ != ::getpid()) return;
  if (const auto lock = file_.lock()) lan::leave_seat(file_, seat_);
}

void LanLink::Member::adopt() {
  owner_ = ::getpid();
  if (const auto lock = file_.lock()) lan::adopt_seat(file_, seat_);
}

void LanLink::Member::move_descriptors(const std::function<int(int)>& move) {
  file_.move_descriptors(move);
  ringer_.descriptor().move_to(move);
}

bool LanLink::Member::is_up() {
  refresh();
  return up_;
}

// --- who is there --------------------------------------------------------------------

void LanLink::Member::look_around() {
  seen_ = control().header.changes.load(std::memory_order_acquire);
  const bool ours = own_entry().generation.load(std::memory_order_acquire) == seat_.generation;
  up_ = ours && control().header.down.load(kRelaxed) == 0;
  for (std::uint32_t i = 0; i < lan::kSeats; ++i) {
    if (i != seat_.number) look_at(i);
  }
}

void LanLink::Member::look_at(std::uint32_t number) {
  Peer& peer = peers_[number];
  const std::uint32_t generation =
      control().seats[number].generation.load(std::memory_order_acquire);
  if (generation != peer.generation || !up_) forget(number);
  if (!up_) return;
  if (lan::is_taken(generation)) {
    peer.generation = generation;
    peer.mac = lan::mac_of({number, generation});
    present_ |= bit(number);
  }
  if (peer.tx.is_open()) {
    peer.tx.reader_position();
    if (peer.tx.take_restart()) lan::announce(control());
  }
  const bool readable = peer.rx.open(file_.ring(seat_.number, number), seat_.generation);
  readable_ = readable ? readable_ | bit(number) : readable_ & ~bit(number);
}

// Whoever sat there has left. What it wrote is still read.
void LanLink::Member::forget(std::uint32_t number) {
  Peer& peer = peers_[number];
  peer.generation = 0;
  peer.tx = {};
  peer.looked_after = {};
  peer.reader_then = 0;
  const Set others = ~bit(number);
  present_ &= others;
  recent_ &= others;
  full_ &= others;
  stalled_ &= others;
  if (!up_) readable_ &= others;
}

// It does not read: because it is no more, or because who was called is stopped?
void LanLink::Member::look_after(std::uint32_t number) {
  Peer& peer = peers_[number];
  if (now_ - peer.looked_after < kLookAfter) return;
  peer.looked_after = now_;
  // Whoever holds the lock may well be doing the same.
  if (const auto lock = file_.try_lock()) lan::clear_away_if_dead(file_, number);
  const lan::Seat& seat = control().seats[number];
  ringer_.ring(seat.bell_id.load(kRelaxed), seat.deputy.load(kRelaxed));
}

}  // namespace naru::link
