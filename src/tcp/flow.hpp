// Flow: the part of a connection that exists only while data moves.
#pragma once

#include <cstdint>

#include <naru/time/time.hpp>

#include "base/list.hpp"
#include "tcp/congestion/controller.hpp"
#include "tcp/min_rtt.hpp"
#include "tcp/reassembly.hpp"
#include "tcp/receive_queue.hpp"
#include "tcp/recovery.hpp"
#include "tcp/scoreboard.hpp"
#include "tcp/send_queue.hpp"

namespace naru::tcp {

struct QuietTag;

// The urgent byte at rcv_up, until the stream is read past it (urgent.hpp).
enum class Urgent : std::uint8_t { none, announced, arrived, read };

// Taken by Tcp::flow(). When nothing is queued, in flight or owed it rests on the
// list of quiet flows; the oldest of those is given back, leaving cwnd and
// ssthresh in the connection.
struct Flow : ListHook<QuietTag> {
  std::uint32_t connection = kNoIndex;

  // --- sending ---
  SendQueue send;              // from snd.una on (the FIN is not in it)
  Scoreboard* sack = nullptr;  // while the peer has holes
  Recovery recovery;
  Controller congestion;
  MinRtt min_rtt;
  Time retransmit_at = kTimeNever;  // retransmission or, with nothing in flight, persist timer
  Time cork_until = kTimeNever;     // a short segment held by MSG_MORE or cork leaves then
  Time timed_at{};                  // when timed_seq was sent (Karn: one, sent once)
  Time progress_at{};               // the oldest byte in flight waits since (user timeout)
  Time sent_at{};                   // last data sent (restart after idle)
  std::uint32_t timed_seq = 0;
  bool timing = false;
  bool cwnd_limited = false;
  bool override_sws = false;      // the persist timer fired: a short segment may go
  std::uint32_t small_end = 0;    // end of the last short segment (Nagle, Minshall)
  std::uint32_t push_seq = 0;     // end of the last write
  std::uint32_t snd_up = 0;       // RFC 9293 3.8.5; valid with kUrgentOut
  std::uint32_t path_mtu = 0;     // that smss was worked out for
  std::uint32_t retransmits = 0;  // segments sent again in this flow's life
  std::uint64_t bytes_acked = 0;

  // --- receiving ---
  ReceiveQueue receive;
  Reassembly* reassembly = nullptr;  // while there are holes
  Time ack_at = kTimeNever;          // delayed ACK
  Time read_epoch{};                 // autotuning: bytes read since then
  std::uint32_t read_bytes = 0;
  std::uint32_t last_ack_sent = 0;  // RFC 7323 4.3
  std::uint32_t receive_mss = 536;  // the largest segment seen lately
  std::uint32_t dsack_start = 0;    // a duplicate to report once (RFC 2883)
  std::uint32_t dsack_end = 0;
  std::uint32_t rcv_up = 0;  // sequence number of the urgent byte
  Urgent urgent = Urgent::none;
  std::uint8_t urgent_byte = 0;
  std::uint16_t quick_acks = 0;     // segments still to be acknowledged at once
  std::uint32_t challenged_ms = 0;  // last challenge ACK (RFC 5961 7)
  bool challenged = false;
  std::uint64_t bytes_received = 0;
};

}  // namespace naru::tcp
