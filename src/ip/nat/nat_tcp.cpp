#include "ip/nat/nat_tcp.hpp"

#include <algorithm>

#include "wire/tcp_options.hpp"

namespace naru::ip {
namespace {

// Old segments come again, and a NAT may have missed some: this much before and behind the
// window is believed too.
constexpr std::uint32_t kSlack = 65'535;
constexpr unsigned kMaxScale = 14;  // RFC 7323 2.3

// a - b in sequence space (RFC 9293 3.4).
std::int32_t distance(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b); }

std::uint32_t length_of(const wire::TcpView& segment) {
  return static_cast<std::uint32_t>(segment.payload().size()) + (segment.has(wire::kSyn) ? 1 : 0) +
         (segment.has(wire::kFin) ? 1 : 0);
}

}  // namespace

bool NatTcp::note(NatDirection direction, const wire::TcpView& segment) {
  if (segment.has(wire::kRst)) return note_reset(direction, segment);
  if (segment.has(wire::kSyn)) return note_syn(direction, segment);
  Side& sender = side(direction);
  const Side& receiver = other(direction);
  if (!fits(segment, receiver)) return false;
  const std::uint32_t end = segment.seq() + length_of(segment);
  if (!sender.seen || distance(end, sender.end) > 0) sender.end = end;
  sender.seen = true;
  sender.window = std::max(sender.window, std::uint32_t{segment.window()} << sender.scale);
  note_ack(segment, sender, receiver);
  if (segment.has(wire::kFin)) sender.fin = true;
  // Who goes on after a reset has not believed it (RFC 7857 2.2).
  if (direction == NatDirection::out) sides_[0].reset = sides_[1].reset = false;
  return true;
}

// A new connection where there was one before begins anew (RFC 9293 3.6.1), if it is over or
// the one inside says so. A SYN that does not answer the one that there is, is somebody else's.
bool NatTcp::note_syn(NatDirection direction, const wire::TcpView& segment) {
  const bool answers = segment.has(wire::kAck);
  const bool is_new =
      !answers && (is_over() || (direction == NatDirection::out && is_established()));
  if (is_new) *this = NatTcp();
  Side& sender = side(direction);
  const Side& receiver = other(direction);
  if (is_established() || (answers && receiver.seen && segment.ack() != receiver.end)) return false;
  sender.end = segment.seq() + length_of(segment);
  sender.seen = true;
  sender.window = segment.window();
  const unsigned scale = wire::TcpOptions::parse(segment.options()).window_scale.value_or(0);
  sender.scale = static_cast<std::uint8_t>(std::min(scale, kMaxScale));
  note_ack(segment, sender, receiver);
  return true;
}

// Only the next byte that the receiver waits for, or the next that the sender would send:
// any other is a challenge at most (RFC 5961 3), or a guess.
bool NatTcp::note_reset(NatDirection direction, const wire::TcpView& segment) {
  Side& sender = side(direction);
  const Side& receiver = other(direction);
  const bool refuses =
      !sender.seen && receiver.seen && segment.has(wire::kAck) && segment.ack() == receiver.end;
  const bool is_next = (receiver.acked && segment.seq() == receiver.ack) ||
                       (sender.seen && segment.seq() == sender.end);
  if (!refuses && !is_next) return false;
  sender.reset = true;
  return true;
}

// Within what the receiver is known to want; anything, where nothing is known.
bool NatTcp::fits(const wire::TcpView& segment, const Side& receiver) {
  if (!receiver.acked) return true;
  return distance(segment.seq() + length_of(segment), receiver.ack - kSlack) >= 0 &&
         distance(segment.seq(), receiver.ack + receiver.window + kSlack) <= 0;
}

// What was never sent is not acknowledged, and the first time nothing that is long past.
void NatTcp::note_ack(const wire::TcpView& segment, Side& sender, const Side& receiver) {
  if (!segment.has(wire::kAck)) return;
  if (receiver.seen && distance(segment.ack(), receiver.end) > 0) return;
  const std::uint32_t lowest = sender.acked ? sender.ack : receiver.end - sender.window - kSlack;
  if ((sender.acked || receiver.seen) && distance(segment.ack(), lowest) < 0) return;
  sender.ack = segment.ack();
  sender.acked = true;
}

}  // namespace naru::ip
