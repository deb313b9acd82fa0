// Reassembly: segments beyond rcv.nxt, until the hole before them is filled.
#pragma once

#include <cstdint>
#include <span>

#include <naru/buf/packet.hpp>

#include "base/slab.hpp"
#include "wire/tcp_options.hpp"

namespace naru::tcp {

// Runs of contiguous bytes, sorted, never touching or overlapping. Bytes accepted
// first win: an overlap's later copy is thrown away (TCS-051).
struct Reassembly {
  static constexpr unsigned kMaxRanges = 64;

  struct Range {
    std::uint32_t start;
    std::uint32_t end;
    std::uint32_t stamp;  // when it last grew: SACK reports the newest first
    Packet* head;         // linked by Packet::next, Packet::seq ascending
    Packet* tail;
  };

  std::uint32_t free_link = 0;
  std::uint32_t count = 0;
  std::uint32_t bytes = 0;
  std::uint32_t stamp = 0;
  bool fin = false;  // a FIN waits at fin_seq
  std::uint32_t fin_seq = 0;
  // What of the packet inserted last had come before: the first such bytes (RFC 2883 4).
  wire::SackBlock duplicate;
  Range ranges[kMaxRanges + 1];  // and what fills the first hole, until it is taken

  // Takes the packet (payload at data, first byte is packet->seq). False, with
  // the packet given back, when there are too many holes; never for what starts at
  // rcv_nxt, or no hole would be filled any more. take_ready() follows.
  bool insert(PacketPool& pool, Packet* packet, std::uint32_t rcv_nxt);
  // The packets that start at rcv_nxt, as a list linked by next, or nullptr.
  Packet* take_ready(std::uint32_t rcv_nxt);
  // The SACK blocks to report (RFC 2018 4): the newest range first.
  unsigned sack_blocks(std::span<wire::SackBlock> out) const;
  void clear(PacketPool& pool);

  // After a death, as in SendQueue.
  bool is_whole(const PacketPool& pool) const;
  bool keep(PacketPool& pool) const;

 private:
  bool insert_piece(PacketPool& pool, Packet* packet, std::uint32_t rcv_nxt);
  void join(unsigned index);
};

}  // namespace naru::tcp
