// Port: where either end of DHCP speaks, on one interface and to everybody there.
#pragma once

#include <array>
#include <cstdint>

#include <naru/stack/stack.hpp>

namespace naru::dhcp {

class Port {
 public:
  // The stack outlives it.
  Port(Stack& stack, std::uint8_t interface, const Endpoint& local)
      : stack_(stack), interface_(interface), local_(local) {}
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  // The errors of open_udp, set_option and bind; then nothing is left open.
  Status open();
  // Opens it again where it is gone: a stack that several processes share and that recovers
  // from the death of one closes what no program has.
  void hold();

  // What is lost is the sender's to repeat.
  void send(Bytes message, const Endpoint& to);
  // f(message, info) for what has come, in order and a burst at the most.
  template <class F>
  void receive(const F& f) {
    constexpr int kBurst = 64;
    std::array<std::uint8_t, 2048> room{};
    DatagramInfo info;
    for (int i = 0; i < kBurst; ++i) {
      const auto got = stack_.recv_from(socket_, room, info);
      if (!got && got.error() == Error::would_block) return;
      if (got && !info.truncated) f(Bytes(room).first(*got), info);
    }
  }

 private:
  Stack& stack_;
  std::uint8_t interface_;
  Endpoint local_;
  SocketId socket_;
};

}  // namespace naru::dhcp
