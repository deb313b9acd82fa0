// What TCP_INFO tells.

#include "tcp/emit.hpp"
#include "tcp/timers.hpp"
#include "tcp/user.hpp"

namespace naru::tcp {
namespace {

void add_flow(TcpInfo& i, const Connection& c, const Flow& f) {
  const std::uint32_t smss = c.smss;
  const auto segments = [smss](std::uint32_t bytes) { return (bytes + smss - 1) / smss; };
  const Recovery& r = f.recovery;
  i.recovery = r.phase() == Recovery::Phase::loss                     ? 4
               : r.phase() == Recovery::Phase::recovery               ? 3
               : r.duplicate_acks() != 0 || (f.sack && f.sack->count) ? 1
                                                                      : 0;
  i.min_rtt = f.min_rtt.get();
  i.sacked = f.sack == nullptr ? 0 : segments(f.sack->sacked);
  i.total_retransmits = f.retransmits;
  i.cwnd = f.congestion.cwnd() / smss;
  i.ssthresh =
      f.congestion.ssthresh() == kNoThreshold ? 0x7fffffffU : f.congestion.ssthresh() / smss;
  i.receive_mss = f.receive_mss;
  i.bytes_acked = f.bytes_acked;
  i.bytes_received = f.bytes_received;
  i.send_queue = f.send.size();
  i.receive_queue = f.receive.size();
}

}  // namespace

TcpInfo info(const Tcp& t, const Connection& c, std::uint32_t mtu) {
  TcpInfo i;
  i.state = c.state;
  i.retransmits = c.retries;
  i.backoff = static_cast<std::uint8_t>(c.rtt.backoffs());
  i.timestamps = c.has(kTimestamps);
  i.sack = c.has(kSack);
  i.window_scaling = c.has(kWindowScale);
  i.send_scale = c.snd_scale;
  i.receive_scale = c.rcv_scale;
  i.rto = current_rto(t, c);
  i.srtt = c.rtt.srtt();
  i.rttvar = c.rtt.rttvar();
  i.send_mss = c.smss;
  i.receive_mss = 536;
  i.advertised_mss = advertised_mss(t, c, mtu);
  i.path_mtu = mtu;
  i.unacked = c.smss == 0 ? 0 : (c.in_flight() + c.smss - 1U) / c.smss;
  i.reordering = 3;
  i.cwnd = c.saved_cwnd != 0 ? c.saved_cwnd : t.options->u32(Option::tcp_initial_window);
  i.ssthresh = c.saved_ssthresh == 0xffff ? 0x7fffffffU : c.saved_ssthresh;
  i.send_window = c.snd.wnd;
  i.receive_window = c.rcv.adv - c.rcv.nxt;
  i.receive_space = c.receive_buffer;
  if (const Flow* f = t.flow_of(c); f != nullptr) add_flow(i, c, *f);
  return i;
}

}  // namespace naru::tcp
