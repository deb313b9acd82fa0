// NatTcp: what a NAT has seen of a connection that passes through it.
#pragma once

#include <array>
#include <cstdint>

#include "wire/tcp.hpp"

namespace naru::ip {

// From inside, or from outside.
enum class NatDirection : std::uint8_t { out, in };

// It believes a segment when the other end has sent what makes it likely: who does not see
// the connection cannot open one with his own segments, nor end it (RFC 7857 2, RFC 5961).
// What it does not believe is passed on all the same, for the ends know better.
class NatTcp {
 public:
  // True when the segment is believed: it counts as activity.
  bool note(NatDirection direction, const wire::TcpView& segment);

  // Both ends have spoken and heard of each other, and neither has had enough.
  bool is_established() const { return sides_[0].acked && sides_[1].acked && !is_over(); }

 private:
  struct Side {
    std::uint32_t end = 0;     // behind the last that it has sent
    std::uint32_t ack = 0;     // the last that it has acknowledged
    std::uint32_t window = 0;  // the largest that it has offered
    std::uint8_t scale = 0;
    bool seen : 1 = false;
    bool acked : 1 = false;  // `ack` is one
    bool fin : 1 = false;
    bool reset : 1 = false;  // it has had enough at once
  };

  bool was_reset() const { return sides_[0].reset || sides_[1].reset; }
  bool is_over() const { return was_reset() || (sides_[0].fin && sides_[1].fin); }
  bool note_syn(NatDirection direction, const wire::TcpView& segment);
  bool note_reset(NatDirection direction, const wire::TcpView& segment);
  static bool fits(const wire::TcpView& segment, const Side& receiver);
  static void note_ack(const wire::TcpView& segment, Side& sender, const Side& receiver);

  Side& side(NatDirection d) { return sides_[static_cast<std::size_t>(d)]; }
  Side& other(NatDirection d) { return sides_[1 - static_cast<std::size_t>(d)]; }

  std::array<Side, 2> sides_{};
};

}  // namespace naru::ip
