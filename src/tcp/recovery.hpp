// Recovery: what is lost, and how much of the flight is still on the way.
//
//   una        high_rxt      lost_edge              nxt
//    |== sent again ==|-- lost --|- - in flight - - -|      minus what SACK reported
//
// RFC 6675 with SACK; without it RFC 6582 (NewReno), where each duplicate ACK
// stands for one segment that has left the network.
#pragma once

#include <cstdint>
#include <optional>

#include "tcp/scoreboard.hpp"

namespace naru::tcp {

class Recovery {
 public:
  enum class Phase : std::uint8_t {
    open,
    recovery,  // fast recovery: until snd.una passes recover
    loss,      // after a retransmission timeout: everything below recover is lost
  };

  // A piece to be sent: sequence numbers [start, end).
  using Piece = Scoreboard::Range;

  Phase phase() const { return phase_; }
  std::uint32_t recover() const { return recover_; }
  std::uint32_t duplicate_acks() const { return duplicate_acks_; }

  // Bytes believed to be in the network (RFC 6675 SetPipe).
  std::uint32_t pipe(std::uint32_t una, std::uint32_t nxt, const Scoreboard* sack) const {
    return phase_ == Phase::open && sack == nullptr ? nxt - una : set_pipe(una, nxt, sack);
  }

  // --- events; una is snd.una after the ACK that they are about ---
  // New SACK information or a duplicate ACK. True when fast recovery begins now:
  // the caller tells the controller.
  bool on_duplicate(std::uint32_t una, std::uint32_t nxt, std::uint32_t smss,
                    const Scoreboard* sack, bool is_duplicate_ack);
  // snd.una moved up by `acked`. True when a phase ended with it.
  bool on_advance(std::uint32_t una, std::uint32_t nxt, std::uint32_t acked, std::uint32_t smss,
                  const Scoreboard* sack);
  // The retransmission timer. Returns whether it is the first for this data.
  bool on_timeout(std::uint32_t una, std::uint32_t nxt);

  // --- NextSeg ---
  // Lost bytes that were not sent again yet (rule 1).
  std::optional<Piece> next_lost(std::uint32_t una, const Scoreboard* sack) const;
  // Nothing new may be sent: holes not known to be lost (rule 3), and once per
  // recovery the last segment (rule 4).
  std::optional<Piece> next_unproven(std::uint32_t una, std::uint32_t nxt, std::uint32_t smss,
                                     const Scoreboard* sack);
  void on_retransmit(const Piece& piece);
  // A phase has just begun: its first piece goes whatever cwnd says (RFC 6675 5 (4.3)).
  bool first_due() const { return first_due_; }

  // Limited transmit (RFC 3042): new segments allowed beyond cwnd by the first
  // two duplicate ACKs.
  std::uint32_t limited_transmit(std::uint32_t smss) const {
    return phase_ == Phase::open && duplicate_acks_ < Scoreboard::kDupThresh
               ? duplicate_acks_ * smss
               : 0;
  }
  void reset() { *this = Recovery(); }

 private:
  std::uint32_t set_pipe(std::uint32_t una, std::uint32_t nxt, const Scoreboard* sack) const;
  void enter(std::uint32_t una, std::uint32_t nxt);
  void find_lost(std::uint32_t una, std::uint32_t smss, const Scoreboard* sack);

  Phase phase_ = Phase::open;
  bool first_due_ = false;
  bool rescued_ = false;
  bool rescuing_ = false;        // the piece given last is the rescue piece
  bool recovered_once_ = false;  // recover_ means something
  std::uint32_t duplicate_acks_ = 0;
  std::uint32_t recover_ = 0;
  std::uint32_t high_rxt_ = 0;       // everything lost below it was sent again
  std::uint32_t lost_edge_ = 0;      // in a phase: unreported bytes below it are lost
  std::uint32_t reno_departed_ = 0;  // without SACK: bytes that duplicate ACKs stand for
};

}  // namespace naru::tcp
