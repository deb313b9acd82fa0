#include "tcp/recovery.hpp"

#include <algorithm>
#include <utility>

#include "tcp/seq.hpp"

namespace naru::tcp {

std::uint32_t Recovery::set_pipe(std::uint32_t una, std::uint32_t nxt,
                                 const Scoreboard* sack) const {
  const std::uint32_t flight = nxt - una;
  if (phase_ == Phase::open) {
    return sack == nullptr ? flight : flight - std::min(flight, sack->sacked);
  }
  const std::uint32_t edge = seq_max(lost_edge_, una);
  const std::uint32_t again = seq_max(seq_min(high_rxt_, edge), una);
  if (sack != nullptr) {
    return (nxt - edge) - sack->sacked_within(edge, nxt) + (again - una) -
           sack->sacked_within(una, again);
  }
  const std::uint32_t on_way = (nxt - edge) + (again - una);
  return on_way - std::min(on_way, reno_departed_);
}

void Recovery::enter(std::uint32_t una, std::uint32_t nxt) {
  phase_ = Phase::recovery;
  recover_ = nxt;
  recovered_once_ = true;
  high_rxt_ = una;
  rescued_ = false;
  first_due_ = true;
}

void Recovery::find_lost(std::uint32_t una, std::uint32_t smss, const Scoreboard* sack) {
  // The first segment is lost by definition of entering (RFC 6675 5 (4.1)).
  const std::uint32_t edge = sack == nullptr ? una : sack->lost_edge(una, smss);
  lost_edge_ = seq_max(lost_edge_, edge);
}

bool Recovery::on_duplicate(std::uint32_t una, std::uint32_t nxt, std::uint32_t smss,
                            const Scoreboard* sack, bool is_duplicate_ack) {
  if (is_duplicate_ack) {
    ++duplicate_acks_;
    if (sack == nullptr) {
      const std::uint32_t most = nxt - una > smss ? nxt - una - smss : 0;
      reno_departed_ = std::min(reno_departed_ + smss, most);
    }
  }
  if (phase_ != Phase::open) {
    if (sack != nullptr) find_lost(una, smss, sack);
    return false;
  }
  const bool proven = sack != nullptr && sack->lost_edge(una, smss) != una;
  if (duplicate_acks_ < Scoreboard::kDupThresh && !proven) return false;
  // Duplicate ACKs that retransmissions of the last recovery caused start no new
  // one (RFC 6582 3.2 step 1).
  if (recovered_once_ && seq_lt(una, recover_)) return false;
  enter(una, nxt);
  lost_edge_ = seq_min(una + smss, nxt);
  find_lost(una, smss, sack);
  return true;
}

bool Recovery::on_advance(std::uint32_t una, std::uint32_t nxt, std::uint32_t acked,
                          std::uint32_t smss, const Scoreboard* sack) {
  duplicate_acks_ = 0;
  if (seq_ge(una, recover_)) recovered_once_ = false;
  if (phase_ == Phase::open || seq_ge(una, recover_)) {
    const bool ended = phase_ != Phase::open;
    first_due_ = false;
    phase_ = Phase::open;
    reno_departed_ = 0;
    return ended;
  }
  high_rxt_ = seq_max(high_rxt_, una);
  lost_edge_ = seq_max(lost_edge_, una);
  if (phase_ == Phase::recovery) {
    if (sack != nullptr) {
      find_lost(una, smss, sack);
    } else {
      // A partial ACK: the segment now first is lost too (RFC 6582 3.2 step 3).
      lost_edge_ = seq_max(lost_edge_, seq_min(una + smss, nxt));
      reno_departed_ -= std::min(reno_departed_, acked > smss ? acked - smss : 0);
    }
  }
  return false;
}

bool Recovery::on_timeout(std::uint32_t una, std::uint32_t nxt) {
  const bool first = phase_ != Phase::loss || seq_ge(una, recover_);
  phase_ = Phase::loss;
  recover_ = nxt;
  recovered_once_ = true;
  lost_edge_ = nxt;
  high_rxt_ = una;
  first_due_ = true;
  duplicate_acks_ = 0;
  reno_departed_ = 0;
  return first;
}

std::optional<Recovery::Piece> Recovery::next_lost(std::uint32_t una,
                                                   const Scoreboard* sack) const {
  if (phase_ == Phase::open) return std::nullopt;
  const std::uint32_t from = seq_max(high_rxt_, una);
  if (seq_ge(from, lost_edge_)) return std::nullopt;
  const Piece piece = sack == nullptr ? Piece{from, lost_edge_} : sack->hole_from(from, lost_edge_);
  if (seq_ge(piece.start, lost_edge_)) return std::nullopt;
  return piece;
}

std::optional<Recovery::Piece> Recovery::next_unproven(std::uint32_t una, std::uint32_t nxt,
                                                       std::uint32_t smss, const Scoreboard* sack) {
  if (phase_ != Phase::recovery || sack == nullptr) return std::nullopt;
  const std::uint32_t highest = sack->highest(una);
  const std::uint32_t from = seq_max(high_rxt_, una);
  if (seq_lt(from, highest)) {
    const Piece piece = sack->hole_from(from, highest);
    if (seq_lt(piece.start, highest)) return piece;
  }
  if (rescued_ || seq_ge(highest, recover_)) return std::nullopt;
  rescued_ = rescuing_ = true;
  const std::uint32_t end = seq_min(recover_, nxt);
  return Piece{seq_max(highest, end - std::min(smss, end - una)), end};
}

void Recovery::on_retransmit(const Piece& piece) {
  first_due_ = false;
  // The rescue piece lies beyond what may still turn out lost: it does not count.
  if (!std::exchange(rescuing_, false)) high_rxt_ = seq_max(high_rxt_, piece.end);
}

}  // namespace naru::tcp
