// Busy programs: pairs of programs that talk over the loopback of one stack, for ever.
//
// All of their state is plain data, so it can lie in shared memory beside the stack, and
// whoever comes after a death knows what every program was doing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include <naru/stack/stack.hpp>

#include "dsl/bytes.hpp"

namespace naru::test {

class BusyPrograms {
 public:
  static constexpr std::uint32_t kPairs = 12;
  static constexpr Endpoint kServer{IpAddr::loopback_v4(), 80};

  // `text` is what they say, of kText bytes; the same in every process.
  static constexpr std::uint32_t kText = 65'536;
  BusyPrograms(std::uint64_t seed, const std::uint8_t* text) : text_(text), state_(seed | 1U) {}

  void open(Stack& stack) {
    listener_ = *stack.open_tcp();
    (void)stack.bind(listener_, kServer);
    (void)stack.listen(listener_, 64);
    for (Datagrams& d : datagrams_) {
      d.socket = *stack.open_udp();
      (void)stack.bind(d.socket, port_of(d));
    }
  }

  // One program makes one call; then the stack has its turn, mostly.
  void step(Stack& stack, Duration pace = 20us) {
    const std::uint32_t who = below(2 * kPairs + 4);
    now += pace;
    stack.set_now(now);
    busy_ = who;
    if (who < 2 * kPairs) {
      act(stack, pairs_[who / 2], who % 2 == 0);
    } else if (who < 2 * kPairs + 2) {
      accept(stack);
    } else {
      exchange(stack, datagrams_[who % 2], datagrams_[1 - who % 2]);
    }
    busy_ = kNobody;
    if (below(4) != 0) stack.poll(now);
    while (stack.next_event()) {
    }
  }

  // Goes on until every pair has finished a conversation, slowly, so that what is lost is
  // soon sent again; false when that never happens.
  bool finish_a_round(Stack& stack) {
    const std::uint64_t heard = datagrams_heard;
    const auto rounds = rounds_of_all();
    std::uint64_t before = ~0U;
    int idle = 0;
    for (int i = 0; i < kPatience; ++i) {
      step(stack, 1ms);
      const auto reached = rounds_of_all();
      const bool done = std::equal(rounds.begin(), rounds.end(), reached.begin(),
                                   [](auto old, auto is) { return is > old; });
      if (done && datagrams_heard != heard) return true;
      idle = bytes_heard == before ? idle + 1 : 0;
      before = bytes_heard;
      if (idle < kIdle) continue;
      idle = 0;
      now = std::max(now, std::min(stack.next_deadline(), now + 10s));
    }
    return false;
  }

  // The program that was in the middle of a call has died, and what it had open is closed:
  // also a socket of which nobody knows yet.
  void bury(Stack& stack) {
    if (busy_ < 2 * kPairs) drop(stack, pairs_[busy_ / 2]);
    busy_ = kNobody;
    stack.for_each_socket([&](SocketId id, std::uint64_t) {
      if (!is_known(id)) (void)stack.abort(id);
    });
  }

  void close_all(Stack& stack) {
    for (Pair& p : pairs_) drop(stack, p);
    for (const Datagrams& d : datagrams_) (void)stack.close(d.socket);
    (void)stack.close(listener_);
  }

  Time now = Time(1s);
  std::uint64_t bytes_heard = 0;
  std::uint64_t datagrams_heard = 0;
  std::uint32_t failures = 0;  // conversations that were reset
  std::uint32_t wrong = 0;     // bytes or datagrams that nobody has said

 private:
  static constexpr std::uint32_t kNobody = ~0U;
  static constexpr std::uint32_t kLongest = 40'000;
  static constexpr int kPatience = 400'000;
  static constexpr int kIdle = 300;

  struct End {
    SocketId socket;
    std::uint32_t said = 0;
    std::uint32_t heard = 0;
    bool said_all = false;
    bool heard_all = false;
  };
  struct Pair {
    End client;
    End server;
    std::uint32_t size = 0;   // of what each says
    std::uint32_t begin = 0;  // where in the text
    std::uint32_t rounds = 0;
  };
  struct Datagrams {
    SocketId socket;
    std::uint32_t said = 0;
  };

  std::uint32_t below(std::uint32_t bound) {  // xorshift64
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return static_cast<std::uint32_t>((state_ >> 32U) % bound);
  }
  Endpoint port_of(const Datagrams& d) const {
    return {IpAddr::loopback_v4(), static_cast<std::uint16_t>(7000 + (&d - datagrams_.data()))};
  }
  std::array<std::uint32_t, kPairs> rounds_of_all() const {
    std::array<std::uint32_t, kPairs> rounds;
    std::transform(pairs_.begin(), pairs_.end(), rounds.begin(),
                   [](const Pair& p) { return p.rounds; });
    return rounds;
  }
  bool is_known(SocketId id) const {
    const bool is_end = std::any_of(pairs_.begin(), pairs_.end(), [&](const Pair& p) {
      return p.client.socket == id || p.server.socket == id;
    });
    return is_end || id == listener_ || id == datagrams_[0].socket || id == datagrams_[1].socket;
  }

  void drop(Stack& stack, Pair& p) {
    if (p.client.socket) (void)stack.abort(p.client.socket);
    if (p.server.socket) (void)stack.abort(p.server.socket);
    p.client = p.server = {};
  }
  void fail(Stack& stack, Pair& p) {
    ++failures;
    drop(stack, p);
  }

  void act(Stack& stack, Pair& p, bool is_client) {
    End& e = is_client ? p.client : p.server;
    if (!e.socket) {
      if (is_client) begin(stack, p);
      return;
    }
    const bool speaks = below(2) == 0;
    const bool is_well = speaks ? say(stack, p, e) : hear(stack, p, e);
    if (!is_well) {
      fail(stack, p);
      return;
    }
    const bool is_over =
        p.client.said_all && p.client.heard_all && p.server.said_all && p.server.heard_all;
    if (!is_over) return;
    (void)stack.close(p.client.socket);
    (void)stack.close(p.server.socket);
    p.client = p.server = {};
    ++p.rounds;
  }

  void begin(Stack& stack, Pair& p) {
    const auto socket = stack.open_tcp();
    if (!socket) return;
    p.client.socket = *socket;
    p.size = 1 + below(below(4) == 0 ? kLongest : 500);
    p.begin = below(kText - kLongest);
    const Status connecting = stack.connect(*socket, kServer);
    if (connecting.error() != Error::in_progress) fail(stack, p);
  }

  static bool is_patience(Error e) { return e == Error::would_block || e == Error::no_buffers; }

  bool say(Stack& stack, const Pair& p, End& e) {
    if (e.said_all) return true;
    const std::uint32_t piece = std::min(1 + below(9000), p.size - e.said);
    const auto n = stack.send(e.socket, Bytes(text_ + p.begin + e.said, piece));
    if (!n) return is_patience(n.error());
    e.said += static_cast<std::uint32_t>(*n);
    if (e.said != p.size) return true;
    e.said_all = true;
    return stack.shutdown(e.socket, Shutdown::send).has_value();
  }

  bool hear(Stack& stack, const Pair& p, End& e) {
    std::array<std::uint8_t, 9000> room;
    const auto n = stack.recv(e.socket, MutableBytes(room).first(1 + below(room.size())));
    if (!n) return is_patience(n.error());
    const bool is_right = e.heard + *n <= p.size &&
                          std::memcmp(room.data(), text_ + p.begin + e.heard, *n) == 0 &&
                          (*n != 0 || e.heard == p.size);
    if (!is_right) ++wrong;
    e.heard += static_cast<std::uint32_t>(*n);
    e.heard_all = *n == 0;
    bytes_heard += *n;
    return is_right;
  }

  void accept(Stack& stack) {
    const auto accepted = stack.accept(listener_);
    if (!accepted) return;
    for (Pair& p : pairs_) {
      if (!p.client.socket || p.server.socket) continue;
      if (*stack.local(p.client.socket) != accepted->peer) continue;
      p.server.socket = accepted->socket;
      return;
    }
    (void)stack.abort(accepted->socket);
  }

  void exchange(Stack& stack, Datagrams& from, const Datagrams& to) {
    const std::uint32_t size = 4 + from.said % 1000;
    (void)stack.send_to(from.socket, Bytes(text_ + from.said % 1000, size), port_of(to));
    ++from.said;
    std::array<std::uint8_t, 2000> room;
    DatagramInfo info;
    const auto n = stack.recv_from(to.socket, room, info);
    if (!n) return;
    ++datagrams_heard;
    if (*n < 4 || std::memcmp(room.data(), text_ + *n - 4, *n) != 0) ++wrong;
  }

  const std::uint8_t* text_;
  std::uint64_t state_;
  std::uint32_t busy_ = kNobody;
  SocketId listener_;
  std::array<Pair, kPairs> pairs_{};
  std::array<Datagrams, 2> datagrams_{};
};

}  // namespace naru::test
