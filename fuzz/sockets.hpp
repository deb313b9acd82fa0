// Sockets: the programs of a host, as many as eight sockets, doing whatever the
// input says. Closed ids are used on, to be refused.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include <naru/stack/stack.hpp>

#include "base/check.hpp"
#include "content.hpp"
#include "input.hpp"

namespace naru::fuzz {

struct Slot {
  SocketId id;
  std::uint64_t sent = 0;  // bytes, all of them content()
  std::uint64_t received = 0;
  // The stream is no longer what the other side wrote: urgent bytes are left out.
  bool has_gaps = false;
};

class Sockets {
 public:
  // `peers` are the addresses that are connected and sent to.
  Sockets(Stack& stack, std::vector<IpAddr> peers) : stack_(stack), peers_(std::move(peers)) {}

  // Is told of every piece of a stream that was received (slot.received stands
  // before it).
  std::function<void(Slot&, Bytes)> on_received;

  // One call, as the input says.
  void call(Input& in);
  // Reads all that every stream has.
  void read_all();
  std::array<Slot, 8>& slots() { return slots_; }
  // Bytes that are not read with the others were sent.
  bool has_sent_urgent() const { return has_sent_urgent_; }

  void abort_all() {
    for (const Slot& slot : slots_) (void)stack_.abort(slot.id);
    slots_ = {};
  }

 private:
  void open(Input& in, Slot& slot);
  void accept(Slot& listener, Slot& into);
  void connect(Slot& slot, const Endpoint& remote);
  void send(Input& in, Slot& slot);
  void receive(Slot& slot, std::uint32_t size, unsigned flags);
  void look(Slot& slot);
  void drain_events();

  Endpoint endpoint(Input& in, const std::vector<IpAddr>& addresses) {
    static constexpr std::uint16_t kPorts[] = {80, 81, 40'000, 40'001, 0, 53, 65'535, 33'333};
    const IpAddr addr = addresses[in.u8() % addresses.size()];
    return {addr, in.one_of(kPorts)};
  }

  Stack& stack_;
  std::vector<IpAddr> peers_;
  std::array<Slot, 8> slots_;
  bool has_sent_urgent_ = false;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(65'536);
};

inline void Sockets::open(Input& in, Slot& slot) {
  (void)stack_.abort(slot.id);
  const auto id = in.u8() % 4 == 0 ? stack_.open_udp() : stack_.open_tcp();
  slot = {};
  if (id) slot.id = *id;
  if (id) stack_.set_cookie(*id, 7);
}

inline void Sockets::accept(Slot& listener, Slot& into) {
  const auto accepted = stack_.accept(listener.id);
  if (!accepted) return;
  if (into.id != listener.id) (void)stack_.abort(into.id);
  if (into.id == listener.id) {
    (void)stack_.close(accepted->socket);
    return;
  }
  into = {};
  into.id = accepted->socket;
}

// A socket whose connection has ended may open another one: a new stream.
inline void Sockets::connect(Slot& slot, const Endpoint& remote) {
  const Status status = stack_.connect(slot.id, remote);
  if (status || status.error() != Error::in_progress) return;
  slot.sent = 0;
  slot.received = 0;
  slot.has_gaps = false;
}

inline void Sockets::send(Input& in, Slot& slot) {
  const std::uint32_t size = in.size();
  const unsigned flags = in.u8() & (msg::kMore | msg::kOob);
  const auto sent = stack_.send(slot.id, content(slot.sent, size), flags);
  NARU_CHECK(!sent || *sent <= size);
  has_sent_urgent_ |= sent && (flags & msg::kOob) != 0;
  if (sent && slot.id.kind() == SocketId::Kind::tcp) slot.sent += *sent;
}

inline void Sockets::read_all() {
  for (Slot& slot : slots_) {
    if (slot.id.kind() != SocketId::Kind::tcp) continue;
    for (std::uint64_t before = slot.received + 1; before != slot.received;) {
      before = slot.received;
      receive(slot, static_cast<std::uint32_t>(buffer_.size()), 0);
    }
  }
}

inline void Sockets::receive(Slot& slot, std::uint32_t size, unsigned flags) {
  const MutableBytes room(buffer_.data(), size);
  const bool is_tcp = slot.id.kind() == SocketId::Kind::tcp;
  const auto got = stack_.recv(slot.id, room, flags);
  if (!got || !is_tcp || (flags & msg::kOob) != 0) return;
  NARU_CHECK(*got <= size);
  if (on_received && !slot.has_gaps) on_received(slot, room.first(*got));
  if ((flags & msg::kPeek) == 0) slot.received += *got;
}

// Calls that only look.
inline void Sockets::look(Slot& slot) {
  (void)stack_.readiness(slot.id);
  (void)stack_.local(slot.id);
  (void)stack_.remote(slot.id);
  (void)stack_.tcp_info(slot.id);
  (void)stack_.take_error(slot.id);
  for (int o = 0; o <= static_cast<int>(SocketOption::unsent_bytes); ++o) {
    (void)stack_.option(slot.id, static_cast<SocketOption>(o));
  }
}

// Each socket at most once between two drains: the list ends.
inline void Sockets::drain_events() {
  for (int events = 0; stack_.next_event(); ++events) NARU_CHECK(events < 1000);
}

inline void Sockets::call(Input& in) {
  static const std::vector<IpAddr> kOwn{IpAddr::any_v4(), IpAddr::v4(10, 0, 0, 1),
                                        IpAddr::loopback_v4(), IpAddr::v4(10, 0, 0, 9)};
  const std::uint8_t what = in.u8() % 16;
  const std::uint8_t which = in.u8();
  Slot& slot = slots_[which % slots_.size()];
  switch (what) {
    case 0:
      return open(in, slot);
    case 1:
      return (void)stack_.bind(slot.id, endpoint(in, kOwn));
    case 2:
      return (void)stack_.listen(slot.id, in.u8() % 8);
    case 3:
      return accept(slot, slots_[which / slots_.size() % slots_.size()]);
    case 4:
      return connect(slot, endpoint(in, peers_));
    case 5:
    case 6:
      return send(in, slot);
    case 7:
    case 8: {
      const std::uint32_t size = in.size();
      return receive(slot, size, in.u8() & (msg::kOob | msg::kPeek | msg::kTrunc));
    }
    case 9:
      return (void)stack_.shutdown(slot.id, static_cast<Shutdown>(in.u8() % 3));
    case 10:
      return (void)stack_.close(slot.id);
    case 11:
      return (void)stack_.abort(slot.id);
    case 12: {
      static constexpr std::int64_t kValues[] = {0, 1, -1, 2, 10, 536, 2000, 5000, 65'536, 1 << 30};
      const auto option = static_cast<SocketOption>(
          in.u8() % (static_cast<unsigned>(SocketOption::unsent_bytes) + 1));
      if (option == SocketOption::oob_inline) slot.has_gaps = true;
      return (void)stack_.set_option(slot.id, option, in.one_of(kValues));
    }
    case 13:
      return look(slot);
    case 14: {
      const std::uint32_t size = in.size();
      const Endpoint to = endpoint(in, peers_);
      if (slot.id.kind() == SocketId::Kind::tcp) return;
      return (void)stack_.send_to(slot.id, content(0, size), to);
    }
    default:
      return drain_events();
  }
}

}  // namespace naru::fuzz
