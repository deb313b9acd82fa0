// Who sits at a lan: taking a seat, leaving it, and clearing away after the dead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <naru/link/lan.hpp>

#include "link/lan_file.hpp"

namespace naru::link::lan {

// What stands in a taken seat; copied, and the name checked.
struct Occupant {
  LanSeat seat;
  std::uint32_t pid = 0;
  std::uint64_t start_time = 0;
  IpAddr address;
  std::uint64_t bell_id = 0;
  std::string name;
  bool sleeps = false;

  LanMember member() const;
};

std::optional<Occupant> read_seat(const Control& control, std::uint32_t number);

// No two members that ever sat at a lan have the same: whoever follows in a seat does
// not get the frames of who sat there.
MacAddr mac_of(LanSeat seat);

// The rest wants the lock of the file.

// Empties the seats of processes that are no more.
void clear_away_dead(const LanFile& file);
void clear_away_if_dead(const LanFile& file, std::uint32_t number);
// Of the calling process.
OpenResult<LanSeat> take_seat(const LanFile& file, const LanOptions& options);
// The calling process is now the one that sits there.
void adopt_seat(const LanFile& file, LanSeat seat);
// Unless another process has adopted it. Removes the lan when nobody is left.
void leave_seat(const LanFile& file, LanSeat seat);
bool is_empty(const Control& control);

// Everybody is to look at the seats again.
inline void announce(Control& control) {
  control.header.changes.fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace naru::link::lan
