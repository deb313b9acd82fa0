// Header prediction: most segments are what the connection waits for.

#include "tcp/input.hpp"
#include "tcp/lifecycle.hpp"
#include "tcp/seq.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint8_t kAnswerable = static_cast<std::uint8_t>(~wire::kPsh);

// The two timestamps, where they are all of the options.
struct Stamps {
  std::uint32_t value = 0;
  std::uint32_t echo = 0;
};

// The options are those of every data segment: none, or timestamps alone.
bool has_usual_options(const Connection& c, const wire::TcpView& view, Stamps& stamps) {
  const Bytes options = view.options();
  if (!c.has(kTimestamps)) return options.empty();
  if (options.size() != wire::TcpOptions::kTimestampsSize ||
      load_be32(options.data()) != wire::kNopNopTimestamps) {
    return false;
  }
  stamps = {load_be32(options.data() + 4), load_be32(options.data() + 8)};
  return seq_ge(stamps.value, c.ts_recent);
}

// Nothing is missing, in either direction.
bool is_undisturbed(const Flow& f) {
  return f.reassembly == nullptr && f.sack == nullptr && f.urgent == Urgent::none &&
         f.recovery.phase() == Recovery::Phase::open && f.recovery.duplicate_acks() == 0;
}

}  // namespace

bool take_predicted(Tcp& t, Connection& c, Packet* packet, const wire::TcpView& view) {
  if (c.state != TcpState::established || (view.flags() & kAnswerable) != wire::kAck) return false;
  Stamps stamps;
  if (view.seq() != c.rcv.nxt || !has_usual_options(c, view, stamps)) return false;
  const auto length = static_cast<std::uint32_t>(view.payload().size());
  const std::uint32_t acked = view.ack() - c.snd.una;
  if (length > c.rcv.adv - c.rcv.nxt || acked > c.in_flight() || (length | acked) == 0)
    return false;
  Flow* f = t.flow_of(c);
  // Without a flow nothing is in flight, and what comes begins one.
  if (f != nullptr ? !is_undisturbed(*f) : acked != 0) return false;
  if (!c.has(kOwned) && c.listener == kNoIndex) return false;
  if (length != 0 && !may_keep(t, *packet, true)) return false;

  f = take_flow(t, c);  // off the quiet list
  if (f == nullptr) return false;
  c.active_ms = t.now_ms;
  if (c.has(kTimestamps) && seq_le(c.rcv.nxt, f->last_ack_sent)) {
    c.ts_recent = stamps.value;
    c.ts_recent_at = t.now_ms;
  }
  const AckNews news{view.seq(), view.ack(), std::uint32_t{view.window()} << c.snd_scale,
                     stamps.echo};
  update_window(t, c, f, news);
  if (acked != 0) {
    advance(t, c, *f, news, 0);
    pursue(t, c, *f);
  }
  if (length != 0) {
    packet->pull(static_cast<std::uint32_t>(view.header_size()));
    take_in_order(t, c, *f, packet);
  } else {
    t.packets->give_back(packet);
    settle(t, c);
  }
  return true;
}

}  // namespace naru::tcp
