#include "tcp/window.hpp"

#include <algorithm>

#include "tcp/lifecycle.hpp"
#include "tcp/seq.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint32_t kMaxField = 65'535;

// Room in the receive buffer.
inline std::uint32_t free_space(const Connection& c, const Flow* f) {
  if (f == nullptr) return c.receive_buffer;
  const std::uint32_t held =
      f->receive.size() + (f->reassembly == nullptr ? 0 : f->reassembly->bytes);
  return held < c.receive_buffer ? c.receive_buffer - held : 0;
}

// The right edge that could be told now.
inline std::uint32_t possible_edge(const Connection& c, const Flow* f) {
  const std::uint32_t most = kMaxField << c.rcv_scale;
  // Whole units of the scale, so that the peer reads what we mean (RFC 7323 2.4).
  const std::uint32_t window = std::min(free_space(c, f), most) >> c.rcv_scale << c.rcv_scale;
  return c.rcv.nxt + window;
}

}  // namespace

std::uint8_t window_shift(const Options& options) {
  std::uint8_t shift = 0;
  const auto most = static_cast<std::uint64_t>(options.get(Option::tcp_receive_buffer_max));
  while (shift < 14 && (std::uint64_t{kMaxField} << shift) < most) ++shift;
  return shift;
}

std::uint16_t current_window(const Connection& c) {
  const std::uint32_t window = c.rcv.adv - c.rcv.nxt;
  return static_cast<std::uint16_t>(std::min(window >> c.rcv_scale, kMaxField));
}

std::uint16_t advertise_window(Connection& c, const Flow* f, bool on_syn) {
  if (on_syn) {  // not scaled (RFC 7323 2.2)
    const std::uint32_t window = std::min(free_space(c, f), kMaxField);
    c.rcv.adv = seq_max(c.rcv.adv, c.rcv.nxt + window);
    return static_cast<std::uint16_t>(std::min(c.rcv.adv - c.rcv.nxt, kMaxField));
  }
  const std::uint32_t edge = possible_edge(c, f);
  const std::uint32_t step = std::min<std::uint32_t>(c.receive_buffer / 2, c.smss);
  if (seq_gt(edge, c.rcv.adv) && edge - c.rcv.adv >= step) c.rcv.adv = edge;
  return current_window(c);
}

void on_read(Tcp& t, Connection& c, Flow& f, std::uint32_t n) {
  f.read_bytes += n;
  const Duration rtt = c.rtt.has_sample() ? std::max<Duration>(c.rtt.srtt(), 1ms) : Duration(100ms);
  if (t.now - f.read_epoch >= rtt) {
    // Dynamic right-sizing: the peer's window should be twice what it delivers in
    // a round trip, so that a doubling congestion window is not held back.
    const std::uint64_t wanted = std::uint64_t{f.read_bytes} * 4;
    const auto most = static_cast<std::uint64_t>(t.options->get(Option::tcp_receive_buffer_max));
    if (!c.has(kFixedReceiveBuffer) && wanted > c.receive_buffer) {
      c.receive_buffer = static_cast<std::uint32_t>(
          std::min(wanted, std::max<std::uint64_t>(most, c.receive_buffer)));
    }
    f.read_bytes = 0;
    f.read_epoch = t.now;
  }
  if (!can_receive_data(c.state)) return;
  const std::uint32_t told = c.rcv.adv - c.rcv.nxt;
  const std::uint32_t edge = possible_edge(c, &f);
  const std::uint32_t step = std::min<std::uint32_t>(c.receive_buffer / 2, 2U * c.smss);
  if (seq_gt(edge, c.rcv.adv) && edge - c.rcv.adv >= step && edge - c.rcv.nxt >= 2 * told) {
    c.set(kAckNow);
    mark_dirty(t, c);
  }
}

void grow_send_buffer(const Tcp& t, Connection& c, const Flow& f) {
  if (c.has(kFixedSendBuffer)) return;
  const auto most = static_cast<std::uint64_t>(t.options->get(Option::tcp_send_buffer_max));
  const std::uint64_t wanted = std::min(std::uint64_t{f.congestion.cwnd()} * 2, most);
  c.send_buffer = static_cast<std::uint32_t>(std::max<std::uint64_t>(c.send_buffer, wanted));
}

std::uint32_t send_space(const Connection& c, const Flow* f) {
  const std::uint32_t used = f == nullptr ? 0 : f->send.size();
  return used < c.send_buffer ? c.send_buffer - used : 0;
}

bool has_send_space(const Connection& c, const Flow* f) {
  const std::uint32_t space = send_space(c, f);
  return space != 0 && space >= (c.send_buffer - space) / 2;
}

}  // namespace naru::tcp
