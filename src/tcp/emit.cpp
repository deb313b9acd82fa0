#include "tcp/emit.hpp"

#include <algorithm>

#include "tcp/lifecycle.hpp"
#include "tcp/seq.hpp"
#include "tcp/window.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint32_t kIpv4Header = 20;
constexpr std::uint32_t kIpv6Header = 40;

std::uint32_t fixed_headers(const IpAddr& addr) {
  return wire::Tcp::kHeaderSize + (addr.is_v4() ? kIpv4Header : kIpv6Header);
}

std::size_t emit_syn(Tcp& t, Connection& c, const PathLimits& limits, std::uint8_t flags,
                     std::uint8_t* p) {
  const bool answer = (flags & wire::kAck) != 0;  // then only what the peer offered
  wire::TcpOptions o;
  o.mss = advertised_mss(t, c, limits.mtu);
  if (answer ? c.has(kTimestamps) : t.options->on(Option::tcp_timestamps)) {
    o.timestamps = {t.timestamp(c.ts_offset), answer ? c.ts_recent : 0};
  }
  o.sack_permitted = answer ? c.has(kSack) : t.options->on(Option::tcp_sack);
  if (answer ? c.has(kWindowScale) : t.options->on(Option::tcp_window_scaling)) {
    o.window_scale = c.rcv_scale;
  }
  return wire::emit_syn_options(p, o);
}

// SACK blocks for an ACK that does not acknowledge everything (RFC 2018 4), a
// duplicate first (RFC 2883).
unsigned sack_blocks(const Connection& c, Flow& f, std::span<wire::SackBlock> out) {
  if (!c.has(kSack) || out.empty()) return 0;
  unsigned n = 0;
  if (f.dsack_start != f.dsack_end) {
    out[n++] = {f.dsack_start, f.dsack_end};
    f.dsack_start = f.dsack_end;
  }
  if (f.reassembly != nullptr) n += f.reassembly->sack_blocks(out.subspan(n));
  return n;
}

// A full segment has no room beyond the timestamps, so its SACK blocks wait for the
// next ACK.
std::size_t emit_sack(const Connection& c, Flow& f, std::uint32_t length, std::uint8_t* p) {
  const std::uint32_t room = length == 0       ? wire::Tcp::kMaxOptions
                             : length < c.smss ? c.smss - length
                                               : 0;
  if (room < wire::sack_size(1)) return 0;
  std::array<wire::SackBlock, wire::TcpOptions::kMaxSackBlocks> blocks;
  const std::size_t most =
      std::min<std::size_t>((room - 4) / 8, wire::max_sack_blocks(c.has(kTimestamps)));
  const unsigned n = sack_blocks(c, f, std::span(blocks).first(most));
  if (n != 0) wire::emit_sack(p, std::span(blocks).first(n));
  return wire::sack_size(n);
}

inline std::size_t emit_options(const Tcp& t, const Connection& c, Flow* f, std::uint32_t length,
                                std::uint8_t* p) {
  std::size_t size = 0;
  if (c.has(kTimestamps)) {
    wire::emit_timestamps(p, {t.timestamp(c.ts_offset), c.ts_recent});
    size = wire::TcpOptions::kTimestampsSize;
  }
  const bool sack_due =
      f != nullptr && (f->reassembly != nullptr || f->dsack_start != f->dsack_end);
  if (sack_due) [[unlikely]]
    size += emit_sack(c, *f, length, p + size);
  return size;
}

// The ACK that this segment carries settles what was owed.
void on_ack_sent(Connection& c, Flow* f) {
  c.clear(kAckNow);
  if (f == nullptr) return;
  f->ack_at = kTimeNever;
  f->last_ack_sent = c.rcv.nxt;
}

}  // namespace

std::uint32_t data_options_size(const Connection& c) {
  return c.has(kTimestamps) ? wire::TcpOptions::kTimestampsSize : 0;
}

std::uint16_t effective_mss(const Tcp& t, const Connection& c, std::uint32_t mtu) {
  const std::uint32_t headers = fixed_headers(c.remote_addr);
  const std::uint32_t path = mtu > headers ? mtu - headers : 0;
  std::uint32_t mss = std::min<std::uint32_t>(c.peer_mss, path);
  if (const Extra* x = t.extra_of(c); x != nullptr && x->max_segment != 0) {
    mss = std::min<std::uint32_t>(mss, x->max_segment);
  }
  const auto least = std::min(t.options->u32(Option::tcp_min_send_mss), path);
  mss = std::max(mss, least);
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(mss, 0xffffU) - data_options_size(c));
}

std::uint16_t advertised_mss(const Tcp& t, const Connection& c, std::uint32_t mtu) {
  std::uint32_t mss = std::min<std::uint32_t>(mtu - fixed_headers(c.remote_addr), 0xffffU);
  if (const Extra* x = t.extra_of(c); x != nullptr && x->max_segment != 0) {
    mss = std::min<std::uint32_t>(mss, x->max_segment);
  }
  return static_cast<std::uint16_t>(mss);
}

void emit(Tcp& t, Connection& c, const PathLimits& limits, const Outgoing& out, TxFrame& frame) {
  std::uint8_t* p = frame.header.data() + limits.transport_offset;
  std::uint8_t* options = p + wire::Tcp::kHeaderSize;
  const bool syn = (out.flags & wire::kSyn) != 0;
  Flow* f = t.flow_of(c);

  wire::Tcp header;
  header.src_port = c.local_port;
  header.dst_port = c.remote_port;
  header.seq = out.seq;
  header.flags = out.flags;
  header.ack = (out.flags & wire::kAck) != 0 ? c.rcv.nxt : 0;
  header.window = advertise_window(c, f, syn);
  if (c.has(kUrgentOut) && seq_gt(f->snd_up, out.seq) && f->snd_up - out.seq <= 0xffffU) {
    header.flags |= wire::kUrg;
    header.urgent_pointer = static_cast<std::uint16_t>(f->snd_up - out.seq);
  }
  const std::size_t options_size =
      syn ? emit_syn(t, c, limits, out.flags, options) : emit_options(t, c, f, out.length, options);
  header.emit(p, options_size);

  frame.transport_offset = limits.transport_offset;
  frame.header_length =
      static_cast<std::uint16_t>(limits.transport_offset + wire::Tcp::kHeaderSize + options_size);
  frame.protocol = Protocol::tcp;
  frame.needs_checksum = true;
  frame.gso_size = out.length > c.smss ? c.smss : 0;
  frame.span_count = 0;
  frame.payload_length = 0;
  if (out.length != 0) f->send.gather(out.offset, out.length, frame);
  if ((out.flags & wire::kAck) != 0) on_ack_sent(c, f);

  t.counters->add(Counter::tcp_out);
  if (t.trace->on()) [[unlikely]] {
    trace::Event e = event(t, c, trace::Kind::segment_out);
    e.flags = header.flags;
    e.seq = out.seq;
    e.ack = header.ack;
    e.length = out.length;
    e.extra = syn ? advertised_mss(t, c, limits.mtu) : c.smss;
    t.trace->emit(e);
  }
}

void Tcp::emit_reply(const Reply& reply, const PathLimits& limits, TxFrame& frame) {
  std::uint8_t* p = frame.header.data() + limits.transport_offset;
  std::uint8_t* options_at = p + wire::Tcp::kHeaderSize;
  wire::Tcp header;
  header.src_port = reply.local.port;
  header.dst_port = reply.remote.port;
  header.seq = reply.seq;
  header.ack = reply.ack;
  header.flags = reply.flags;
  header.window = reply.window;
  std::size_t size = 0;
  if (reply.is_syn_cookie) {
    wire::TcpOptions o = reply.options;
    o.mss = static_cast<std::uint16_t>(
        std::min<std::uint32_t>(limits.mtu - fixed_headers(reply.remote.addr), 0xffffU));
    size = wire::emit_syn_options(options_at, o);
  } else if (reply.options.timestamps) {
    wire::emit_timestamps(options_at, *reply.options.timestamps);
    size = wire::TcpOptions::kTimestampsSize;
  }
  header.emit(p, size);
  frame.transport_offset = limits.transport_offset;
  frame.header_length =
      static_cast<std::uint16_t>(limits.transport_offset + wire::Tcp::kHeaderSize + size);
  frame.protocol = Protocol::tcp;
  frame.needs_checksum = true;
  frame.gso_size = 0;
  frame.span_count = 0;
  frame.payload_length = 0;
  counters->add(Counter::tcp_out);
  if (trace->on()) {
    trace::Event e;
    e.at = now;
    e.kind = trace::Kind::segment_out;
    e.protocol = Protocol::tcp;
    e.object = kNoIndex;
    e.local = reply.local;
    e.remote = reply.remote;
    e.flags = reply.flags;
    e.seq = reply.seq;
    e.ack = reply.ack;
    trace->emit(e);
  }
}

}  // namespace naru::tcp
