// Wire: one stack, one raw network card, a virtual clock, and a script in place
// of the rest of the world.
//
//        host 10.0.0.1/24                     everybody else
//   | Stack |── RawLink ──── the wire ──── Peer 10.0.0.2, Peer ..., the test
//
// Nothing happens by itself: time stands still until advance(), and then every
// timer fires at its own time, in order. After every event the stack's
// invariants are checked, and every frame that it sent is checked for right
// lengths and checksums.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <naru/stack/stack.hpp>

#include "dsl/datagram.hpp"
#include "dsl/failure.hpp"
#include "dsl/raw_link.hpp"

namespace naru::test {

class Peer;
class Socket;

class Wire {
 public:
  static constexpr IpAddr kHost = IpAddr::v4(10, 0, 0, 1);
  static constexpr IpAddr kPeer = IpAddr::v4(10, 0, 0, 2);
  static constexpr IpAddr kGateway = IpAddr::v4(10, 0, 0, 254);
  // Every address of the wire has a MAC of its own: 02:00 and the address.
  static MacAddr mac_of(const IpAddr& addr);
  // The path of a frame from `from` to the host; from afar it comes by the gateway.
  static Path path_from(const IpAddr& from);

  Wire();
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // --- before and at the start ---------------------------------------------
  // What the stack is made with: small tables, a seeded Random. The stack is made
  // at the first use; then options that can change are set in it.
  StackConfig config;
  void set(Option option, std::int64_t value);
  RawLink link;
  // ARP requests of the host are answered, and not shown, but for these addresses.
  bool answer_arp = true;
  std::set<IpAddr> silent;

  Stack& stack();
  std::uint8_t interface() const { return interface_; }

  // --- events --------------------------------------------------------------
  Time now() const { return now_; }
  // Puts a frame on the wire; the stack takes it at once.
  void inject(Buffer frame);
  // All of them lie in the card's ring before the stack looks.
  void inject_all(std::vector<Buffer> frames);
  // A datagram, message or packet in words, from 10.0.0.2 where it does not say.
  template <class Builder>
  void inject(const Builder& builder) {
    inject(builder.render(path_from(source_of_builder(builder))));
  }
  // Lets the time pass, with every timer at its time.
  void advance(Duration duration) { advance_to(now_ + duration); }
  void advance_to(Time time);
  // To the next deadline of the stack; false when that is after `limit`.
  bool step(Time limit);
  // Lets the stack do what it can do now. Every call of a Socket ends with it.
  void settle();

  // --- what the stack sent ---------------------------------------------------
  // Frames that are for no Peer. The next one has to be this one.
  template <class Builder>
  Frame expect(const Builder& expected, Where where = Where::current()) {
    return match(take(expected.to_string(), where), expected, where);
  }
  // The next one comes when between `min` and `max` from now have passed.
  template <class Builder>
  Frame expect_between(Duration min, Duration max, const Builder& expected,
                       Where where = Where::current()) {
    const Time start = now_;
    run_until_sent(start + max, frames_);
    const Frame frame = match(take(expected.to_string(), where), expected, where);
    check_time(frame, start, min, where);
    return frame;
  }
  // Nothing was sent (now, or in the time given), to no one.
  void expect_silence(Where where = Where::current());
  void expect_silence(Duration duration, Where where = Where::current());
  // The frames that wait, and out of mind; the peers' stay.
  std::deque<Frame> drain() { return std::exchange(frames_, {}); }
  const std::deque<Frame>& frames() const { return frames_; }

  // --- what the stack told -----------------------------------------------------
  // The readiness events since the last call, the oldest first.
  std::vector<SocketEvent> take_events() { return std::exchange(events_, {}); }

  // --- sockets -----------------------------------------------------------------
  Socket tcp_socket();
  Socket udp_socket();
  // The listener on a port: the one that is there, or a new one.
  Socket listener(std::uint16_t port = 80, int backlog = 16);
  void close_listener(std::uint16_t port);

  // --- the end -----------------------------------------------------------------
  // Nothing unexpected was sent; sockets that are left are aborted; then nothing
  // is in use any more and the wire is quiet. The fixture calls it.
  void finish(Where where = Where::current());
  // The test does not care what else was sent, or for what is left over.
  void forget_frames();

  // The last frames in both directions, for messages.
  std::string history() const;

 private:
  friend class Peer;
  friend class Socket;

  template <class Builder>
  static IpAddr source_of_builder(const Builder& builder) {
    if constexpr (requires { builder.ip(); }) return builder.ip().src.value_or(kPeer);
    return kPeer;
  }
  template <class Builder>
  Frame match(Frame frame, const Builder& expected, const Where& where) const {
    const std::string differences = expected.differences(frame);
    if (!differences.empty()) mismatch(frame, expected.to_string(), differences, where);
    return frame;
  }

  void start();
  void settle_once();
  void collect();
  void file(Frame frame);
  bool take_arp(const Frame& frame);
  void run_until_sent(Time limit, const std::deque<Frame>& queue);
  Frame take(const std::string& expected, const Where& where);
  void check_time(const Frame& frame, Time start, Duration min, const Where& where) const;
  [[noreturn]] void mismatch(const Frame& frame, const std::string& expected,
                             const std::string& differences, const Where& where) const;
  std::string leftovers() const;
  void abort_sockets();
  void expect_nothing_in_use(const Where& where);

  struct Past {
    bool out;
    Frame frame;
  };

  Time now_ = Time(100s);
  Time start_ = now_;
  std::optional<ArenaMapping> arena_;
  std::unique_ptr<Stack> stack_;
  std::uint8_t interface_ = 0;
  std::vector<Peer*> peers_;
  std::deque<Frame> frames_;
  std::deque<Past> past_;
  std::vector<SocketEvent> events_;
  std::vector<SocketId> sockets_;
  std::vector<std::pair<std::uint16_t, SocketId>> listeners_;
};

}  // namespace naru::test
