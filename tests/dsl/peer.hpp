// Peer: the scripted other end of TCP connections with the host.
//
//   Peer peer(wire);                      10.0.0.2:40000, talks to port 80
//   peer.inject(tcp().syn().mss(1460));
//   peer.expect(tcp().syn().ack(1));      "ack" counts from the peer's own ISS
//   peer.inject(tcp().ack());             acknowledges all that was expected so far
//
// It is no TCP: it sends what the script says and remembers only how far both
// sides' sequence numbers have come, to fill in what the script leaves out.
#pragma once

#include <deque>
#include <vector>

#include "dsl/failure.hpp"
#include "dsl/segment.hpp"
#include "dsl/wire.hpp"

namespace naru::test {

class Peer {
 public:
  explicit Peer(Wire& wire, const IpAddr& addr = Wire::kPeer, std::uint16_t port = 40'000,
                std::uint16_t host_port = 80);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  Wire& wire() const { return wire_; }
  Endpoint endpoint() const { return {side_.path.src, side_.sport}; }
  std::uint16_t port() const { return side_.sport; }
  std::uint16_t host_port() const { return side_.dport; }

  // Starts over as another client: a new port, and all numbers forgotten.
  void restart(std::uint16_t port, std::uint16_t host_port = 80);
  // The initial sequence number of the connections to come.
  void set_iss(std::uint32_t iss);
  std::uint32_t iss() const { return side_.iss; }
  // The host's, since its SYN was seen.
  std::uint32_t irs() const { return side_.irs; }
  // Active opens of the host come from kBoundPort, not from a fresh port (states.hpp).
  bool host_is_bound = false;
  // The window field of segments that do not say.
  void set_window(std::uint16_t field) { side_.window = field; }
  // What segments that do not say carry as sequence number (counted from the ISS),
  // and what ack() acknowledges.
  std::uint32_t snd_nxt() const { return side_.snd_nxt - side_.iss; }
  std::uint32_t rcv_nxt() const { return side_.rcv_nxt - side_.irs; }
  void set_snd_nxt(std::uint32_t n) { side_.snd_nxt = side_.iss + n; }
  void set_rcv_nxt(std::uint32_t n) { side_.rcv_nxt = side_.irs + n; }

  // --- toward the stack ------------------------------------------------------
  void inject(const Segment& segment) { wire_.inject(render(segment)); }
  // All in one burst.
  void inject_all(std::initializer_list<Segment> segments);
  // The frame, counted as sent.
  Buffer render(const Segment& segment);
  // The frame, not counted.
  Buffer preview(const Segment& segment) const { return segment.render(side_); }
  // An ICMP error about a segment that the host sent, from `from` (or the peer).
  void inject_error(IcmpMessage error, const Seen& about, std::size_t quote = 8);

  // --- from the stack --------------------------------------------------------
  // The next segment for this peer has to be this one.
  Seen expect(const Segment& expected, Where where = Where::current());
  // It comes when between `min` and `max` from now have passed.
  Seen expect_between(Duration min, Duration max, const Segment& expected,
                      Where where = Where::current());
  // It comes `after` from now, give or take 10 ms (timers count in ticks).
  Seen expect_after(Duration after, const Segment& expected, Where where = Where::current()) {
    return expect_between(after - std::min(after, Duration(10ms)), after + 10ms, expected, where);
  }
  // Nothing for this peer (now, or in the time given).
  void expect_silence(Where where = Where::current());
  void expect_silence(Duration duration, Where where = Where::current());
  // The next segment, whatever it is; and all that wait.
  Seen next(Where where = Where::current());
  std::vector<Seen> drain();
  const std::deque<Frame>& waiting() const { return queue_; }
  bool quiet() const { return queue_.empty(); }

 private:
  friend class Wire;

  bool is_for(const Frame& frame) const;
  void receive(Frame frame);
  // The host's view of the numbers.
  Segment::Side host() const;
  Frame take(const std::string& expected, const Where& where);
  Seen see(const Frame& frame);

  Wire& wire_;
  Segment::Side side_;
  std::deque<Frame> queue_;
};

}  // namespace naru::test
