// A member of a lan: its seat, its rings to and from the others, its sleep.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>

#include <naru/link/lan.hpp>

#include "link/lan_bell.hpp"
#include "link/lan_file.hpp"
#include "link/lan_ring.hpp"
#include "link/lan_seats.hpp"

namespace naru::link {

class LanLink::Member {
 public:
  // `owner`: leaves the seat at its end.
  Member(lan::LanFile file, LanSeat seat, lan::Bell bell, lan::Ringer ringer, bool owner);
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void adopt();
  LanSeat seat() const { return seat_; }
  const lan::LanFile& file() const { return file_; }
  const MacAddr& mac() const { return mac_; }
  const IpAddr& address() const { return address_; }
  const Link::Stats& stats() const { return stats_; }

  // Link's functions of the same names.
  void set_patience(Duration patience) { patience_ = patience; }
  bool is_up();
  void attach(PacketPool* pool) { pool_ = pool; }
  std::size_t transmit_room();
  std::size_t transmit(std::span<const TxFrame> burst, Time now);
  std::size_t receive(std::span<Packet*> burst, Time now);
  int descriptor() const { return bell_.descriptor(); }
  bool arm();
  unsigned runnable();
  void sleep(Duration longest);
  bool arm(LanAlarm alarm);
  bool is_armed() const { return own_entry().bell.load(std::memory_order_relaxed) != 0; }
  void disarm();
  void disarm(LanAlarm alarm);
  std::atomic<std::uint32_t>& door(std::uint32_t number) const;
  void set_deputy(std::uint32_t bell) { own_entry().deputy.store(bell); }
  void move_descriptors(const std::function<int(int)>& move);

 private:
  static constexpr Duration kLookAfter = 1000ms;  // whether a member that takes nothing lives

  // Sets of members, a bit for each seat.
  using Set = std::uint64_t;
  static constexpr Set bit(std::uint32_t number) { return Set{1} << number; }
  template <class F>
  static void for_each(Set set, F f) {
    for (; set != 0; set &= set - 1) f(static_cast<std::uint32_t>(std::countr_zero(set)));
  }

  struct Peer {
    std::uint32_t generation = 0;
    MacAddr mac;
    lan::RingWriter tx;
    lan::RingReader rx;
    // While its ring has no room: where its reader was, and since when.
    std::uint64_t reader_position = 0;
    Time full_since{};
    Time looked_after{};
    std::uint64_t reader_then = 0;  // when we looked after it
  };

  enum class Sent : std::uint8_t { yes, never, later };

  lan::Control& control() const { return file_.control(); }
  lan::Seat& own_entry() const { return control().seats[seat_.number]; }

  // Who is there? Only when somebody said that something has changed.
  void refresh() {
    if (control().header.changes.load(std::memory_order_acquire) != seen_) [[unlikely]] {
      look_around();
    }
  }
  void look_around();
  void look_at(std::uint32_t number);
  void forget(std::uint32_t number);
  void look_after(std::uint32_t number);

  Sent send(const TxFrame& frame, Set& touched);
  Sent send_to_all(const TxFrame& frame, Set& touched);
  Sent put(std::uint32_t number, const TxFrame& frame, Set& touched);
  bool open_ring(std::uint32_t number);
  Sent refuse(std::uint32_t number);
  void note_full(std::uint32_t number);
  std::uint32_t room_at(std::uint32_t number, std::uint32_t unit);
  void follow(Set touched);

  std::size_t read(std::uint32_t number, std::span<Packet*> out);
  Packet* take(const lan::Record& record);
  void refuse_ring(std::uint32_t number);
  void give_room();
  bool is_waiting();

  void ring(Set members);
  void wake_up();

  lan::LanFile file_;
  const LanSeat seat_;
  const MacAddr mac_;
  IpAddr address_;
  lan::Bell bell_;
  lan::Ringer ringer_;
  int owner_;  // the process that leaves the seat; 0: none
  bool up_ = true;
  bool armed_ = false;
  std::uint32_t seen_ = 0;  // changes, that we have taken note of
  Time now_{};
  Duration patience_ = 100ms;  // with a member that takes nothing

  PacketPool* pool_ = nullptr;
  Link::Stats stats_;
  std::array<Peer, lan::kSeats> peers_;
  Set present_ = 0;  // without us
  Set readable_ = 0;
  Set recent_ = 0;           // sent to, and not known to have read everything
  Set full_ = 0;             // of them, without room
  Set stalled_ = 0;          // of those, not waited for
  std::uint32_t first_ = 0;  // to be read, so that each is the first once
};

}  // namespace naru::link
