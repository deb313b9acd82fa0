#include "socket/linux_tcp_info.hpp"

namespace naru {
namespace {

// Linux's numbers of the states.
std::uint8_t linux_state(TcpState state) {
  static constexpr std::uint8_t kNumbers[] = {7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
  return kNumbers[static_cast<std::size_t>(state)];
}

std::uint32_t in_us(Duration d) { return static_cast<std::uint32_t>(d / 1us); }

}  // namespace

tcp_info to_linux(const TcpInfo& info) {
  tcp_info out{};
  out.tcpi_state = linux_state(info.state);
  out.tcpi_ca_state = info.recovery;
  out.tcpi_retransmits = info.retransmits;
  out.tcpi_probes = info.probes;
  out.tcpi_backoff = info.backoff;
  out.tcpi_options = static_cast<std::uint8_t>((info.timestamps ? TCPI_OPT_TIMESTAMPS : 0) |
                                               (info.sack ? TCPI_OPT_SACK : 0) |
                                               (info.window_scaling ? TCPI_OPT_WSCALE : 0));
  out.tcpi_snd_wscale = info.send_scale & 0xfU;
  out.tcpi_rcv_wscale = info.receive_scale & 0xfU;
  out.tcpi_rto = in_us(info.rto);
  out.tcpi_snd_mss = info.send_mss;
  out.tcpi_rcv_mss = info.receive_mss;
  out.tcpi_unacked = info.unacked;
  out.tcpi_sacked = info.sacked;
  out.tcpi_lost = info.lost;
  out.tcpi_retrans = info.retransmitted;
  out.tcpi_pmtu = info.path_mtu;
  out.tcpi_rtt = in_us(info.srtt);
  out.tcpi_rttvar = in_us(info.rttvar);
  out.tcpi_snd_ssthresh = info.ssthresh;
  out.tcpi_snd_cwnd = info.cwnd;
  out.tcpi_advmss = info.advertised_mss;
  out.tcpi_reordering = info.reordering;
  out.tcpi_rcv_space = info.receive_space;
  out.tcpi_total_retrans = info.total_retransmits;
  out.tcpi_bytes_acked = info.bytes_acked;
  out.tcpi_bytes_received = info.bytes_received;
  out.tcpi_segs_out = info.segments_out;
  out.tcpi_segs_in = info.segments_in;
  out.tcpi_notsent_bytes = info.send_queue;
  out.tcpi_min_rtt = in_us(info.min_rtt);
  out.tcpi_delivered = info.delivered;
  out.tcpi_snd_wnd = info.send_window;
  return out;
}

}  // namespace naru
