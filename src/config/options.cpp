#include <limits>

#include <naru/config/options.hpp>

namespace naru {
namespace {

using enum Option;
using enum Unit;

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;

constexpr std::array<OptionSpec, kOptionCount> kSpecs{{
    {max_connections, "max_connections", number, 65'536, 1, 16'000'000,
     "TCP connections and listeners, TIME-WAIT not counted"},
    {max_time_wait, "max_time_wait", number, 65'536, 0, 16'000'000,
     "connections in TIME-WAIT; beyond it the oldest is forgotten"},
    {max_listeners, "max_listeners", number, 1'024, 1, 65'536, "listening TCP sockets"},
    {max_udp_sockets, "max_udp_sockets", number, 4'096, 0, 1'000'000, "UDP sockets"},
    {max_small_packets, "max_small_packets", number, 16'384, 16, 4'000'000, "2 KiB packet buffers"},
    {max_large_packets, "max_large_packets", number, 512, 4, 100'000,
     "64 KiB packet buffers, and as many of 4 KiB and of 16 KiB"},
    {max_send_blocks, "max_send_blocks", number, 65'536, 16, 16'000'000,
     "4 KiB blocks of all send queues together"},
    {max_flows, "max_flows", number, 65'536, 16, 16'000'000,
     "connections that hold data or have some in flight at one time"},
    {max_neighbours, "max_neighbours", number, 1'024, 4, 1'000'000,
     "neighbour (ARP) cache entries"},
    {max_routes, "max_routes", number, 1'024, 4, 4'000'000, "routes"},
    {max_destinations, "max_destinations", number, 65'536, 16, 16'000'000,
     "destination cache entries (next hop and path MTU)"},

    {ip_default_ttl, "ip.default_ttl", number, 64, 1, 255,
     "TTL of packets sent (RFC 1122 3.2.1.7)"},
    {ip_forwarding, "ip.forwarding", boolean, 0, 0, 1,
     "act as a router between interfaces, for both families"},
    {ip_reverse_path_filter, "ip.reverse_path_filter", number, 0, 0, 2,
     "check sources of received packets (RFC 3704): 0 off, 1 strict, 2 loose"},
    {ip_reassembly_memory, "ip.reassembly_memory", bytes, 4 * kMiB, 64 * kKiB, 1024 * kMiB,
     "buffers held by fragments of incomplete packets"},
    {ip_reassembly_timeout, "ip.reassembly_timeout", milliseconds, 60'000, 1'000, 120'000,
     "life of an incomplete packet from its first fragment (RFC 1122 3.3.2)"},
    {ip_reassembly_fragments, "ip.reassembly_fragments", number, 64, 2, 8'192,
     "fragments of one packet"},
    {ip_accept_redirects, "ip.accept_redirects", boolean, 0, 0, 1,
     "take ICMP redirects from the gateway in use (RFC 1122 3.2.2.2)"},
    {ip_send_redirects, "ip.send_redirects", boolean, 1, 0, 1,
     "as a router, tell hosts of a shorter way (RFC 1812 5.2.7.2)"},
    {icmp_echo, "icmp.echo", boolean, 1, 0, 1, "answer echo requests"},
    {icmp_echo_broadcast, "icmp.echo_broadcast", boolean, 0, 0, 1,
     "answer echo requests to broadcast addresses"},
    {icmp_error_rate, "icmp.error_rate", number, 1'000, 0, 1'000'000,
     "ICMP errors sent per second (RFC 1812 4.3.2.8)"},
    {icmp_error_burst, "icmp.error_burst", number, 50, 1, 100'000, "ICMP errors sent in one burst"},
    {arp_reachable_time, "arp.reachable_time", milliseconds, 30'000, 100, 1'200'000,
     "how long a neighbour is believed without confirmation"},
    {arp_retransmit_interval, "arp.retransmit_interval", milliseconds, 1'000, 10, 60'000,
     "between requests for one neighbour (RFC 1122 2.3.2.1: at most one a second)"},
    {arp_attempts, "arp.attempts", number, 3, 1, 100, "requests before a neighbour is unreachable"},
    {arp_queue_length, "arp.queue_length", number, 16, 1, 1'024,
     "packets waiting for one neighbour's address"},
    {arp_probe_count, "arp.probe_count", number, 0, 0, 10,
     "probes before an address is used (RFC 5227: 3, RFC 4862: 1; 0 uses it at once)"},
    {arp_announce_count, "arp.announce_count", number, 2, 0, 10,
     "announcements of a new address (RFC 5227)"},

    {ndp_accept_ra, "ndp.accept_ra", number, 1, 0, 2,
     "router advertisements, where an interface configures itself: 0 ignored, 1 believed by "
     "hosts, 2 by routers, too"},
    {ndp_dad_transmits, "ndp.dad_transmits", number, 1, 0, 10,
     "probes before an address that was made up is used (RFC 4862 5.1)"},
    {ndp_temporary_addresses, "ndp.temporary_addresses", boolean, 0, 0, 1,
     "make, prefer and replace temporary addresses (RFC 8981)"},

    {nat_max_sessions, "nat.max_sessions", number, 0, 0, 4'000'000,
     "sessions of a NAT, read once when the stack is made; 0: it can be none"},
    {nat_sessions_per_host, "nat.sessions_per_host", number, 2'048, 1, 4'000'000,
     "sessions, and outside ports, that one inside host may have (RFC 6888 REQ-4)"},
    {nat_filtering, "nat.filtering", number, 1, 0, 2,
     "who may answer (RFC 4787 5): 0 anybody, 1 the address spoken to, 2 its port only"},
    {nat_udp_timeout, "nat.udp_timeout", milliseconds, 300'000, 120'000, 86'400'000,
     "a UDP session that the inside does not use (RFC 4787 REQ-5)"},
    {nat_tcp_timeout, "nat.tcp_timeout", milliseconds, 7'440'000, 7'440'000, 864'000'000,
     "an idle TCP connection (RFC 5382 REQ-5)"},
    {nat_tcp_transitory_timeout, "nat.tcp_transitory_timeout", milliseconds, 240'000, 240'000,
     86'400'000, "one that is opening, closed or reset (RFC 5382 REQ-5)"},
    {nat_icmp_timeout, "nat.icmp_timeout", milliseconds, 60'000, 60'000, 86'400'000,
     "an ICMP query (RFC 5508 REQ-2)"},
    {nat_hold_down, "nat.hold_down", milliseconds, 120'000, 0, 86'400'000,
     "before an outside port goes to another inside endpoint (RFC 6888 REQ-8)"},

    {udp_receive_buffer, "udp.receive_buffer", bytes, 212'992, 2'304, 1024 * kMiB,
     "default SO_RCVBUF: memory of waiting datagrams"},
    {udp_send_buffer, "udp.send_buffer", bytes, 212'992, 4'608, 1024 * kMiB, "default SO_SNDBUF"},

    {port_range_first, "port_range_first", number, 32'768, 1, 65'535, "lowest ephemeral port"},
    {port_range_last, "port_range_last", number, 60'999, 1, 65'535, "highest ephemeral port"},

    {tcp_send_buffer, "tcp.send_buffer", bytes, 64 * kKiB, 4'608, 1024 * kMiB,
     "send buffer at the start; grows with the congestion window"},
    {tcp_send_buffer_max, "tcp.send_buffer_max", bytes, 4 * kMiB, 4'608, 1024 * kMiB,
     "send buffer at most"},
    {tcp_receive_buffer, "tcp.receive_buffer", bytes, 128 * kKiB, 2'304, 1024 * kMiB,
     "receive buffer at the start; grows with what the program reads in a round trip"},
    {tcp_receive_buffer_max, "tcp.receive_buffer_max", bytes, 15 * kMiB, 2'304, 1024 * kMiB,
     "receive buffer at most; sets the window scale"},
    {tcp_window_scaling, "tcp.window_scaling", boolean, 1, 0, 1,
     "offer window scaling (RFC 7323 2)"},
    {tcp_timestamps, "tcp.timestamps", boolean, 1, 0, 1, "offer timestamps (RFC 7323 3)"},
    {tcp_sack, "tcp.sack", boolean, 1, 0, 1, "offer selective acknowledgements (RFC 2018)"},
    {tcp_congestion_control, "tcp.congestion_control", number, kCongestionCubic, 0, 1,
     "0 NewReno (RFC 5681), 1 CUBIC (RFC 9438)"},
    {tcp_initial_window, "tcp.initial_window", segments, 10, 1, 100,
     "initial congestion window (RFC 6928)"},
    {tcp_initial_rto, "tcp.initial_rto", milliseconds, 1'000, 10, 60'000,
     "retransmission timeout before the first sample (RFC 6298 2.1)"},
    {tcp_rto_min, "tcp.rto_min", milliseconds, 200, 1, 10'000,
     "least variance term of the retransmission timeout, as Linux (RFC 6298 2.4 says 1 s)"},
    {tcp_rto_max, "tcp.rto_max", milliseconds, 120'000, 1'000, 600'000,
     "largest retransmission timeout (RFC 6298 2.5)"},
    {tcp_delayed_ack, "tcp.delayed_ack", milliseconds, 200, 1, 499,
     "longest delay of an ACK (RFC 9293 3.8.6.3)"},
    {tcp_delayed_ack_min, "tcp.delayed_ack_min", milliseconds, 40, 1, 499,
     "delay of an ACK when data flows both ways"},
    {tcp_quick_acks, "tcp.quick_acks", segments, 16, 0, 1'000,
     "segments acknowledged at once when a connection starts"},
    {tcp_syn_retries, "tcp.syn_retries", number, 7, 0, 127,
     "retransmissions of a SYN; 7 take four minutes, 6 (Linux) less than the three of RFC 9293 "
     "3.8.3"},
    {tcp_synack_retries, "tcp.synack_retries", number, 5, 0, 127, "retransmissions of a SYN-ACK"},
    {tcp_retries1, "tcp.retries1", number, 3, 1, 127,
     "retransmissions before the route is doubted (R1, RFC 9293 3.8.3)"},
    {tcp_retries2, "tcp.retries2", number, 15, 1, 127,
     "retransmissions before the connection is given up (R2)"},
    {tcp_orphan_retries, "tcp.orphan_retries", number, 8, 0, 127,
     "as retries2, for connections that the program has closed"},
    {tcp_keepalive_idle, "tcp.keepalive_idle", milliseconds, 7'200'000, 1'000, 32'767'000,
     "silence before the first keep-alive probe (RFC 9293 3.8.4)"},
    {tcp_keepalive_interval, "tcp.keepalive_interval", milliseconds, 75'000, 1'000, 32'767'000,
     "between keep-alive probes"},
    {tcp_keepalive_count, "tcp.keepalive_count", number, 9, 1, 127,
     "unanswered probes before the connection is given up"},
    {tcp_fin_timeout, "tcp.fin_timeout", milliseconds, 60'000, 1'000, 600'000,
     "life of a closed connection in FIN-WAIT-2"},
    {tcp_time_wait, "tcp.time_wait", milliseconds, 60'000, 0, 240'000,
     "2 MSL: life of TIME-WAIT (RFC 9293 3.6.1)"},
    {tcp_syn_cookies, "tcp.syn_cookies", number, 1, 0, 2,
     "SYN cookies (RFC 4987): 0 never, 1 when the SYN queue is full, 2 always"},
    {tcp_syn_backlog, "tcp.syn_backlog", number, 4'096, 1, 1'000'000,
     "connections in SYN-RECEIVED per listener"},
    {tcp_challenge_ack_interval, "tcp.challenge_ack_interval", milliseconds, 500, 0, 60'000,
     "between challenge ACKs of one connection (RFC 5961 7)"},
    {tcp_min_send_mss, "tcp.min_send_mss", bytes, 216, 48, 1'460,
     "segments are not cut smaller than this, whatever MSS a peer asks for"},
    {tcp_path_mtu_discovery, "tcp.path_mtu_discovery", boolean, 1, 0, 1,
     "set DF and follow ICMP (RFC 1191)"},
    {tcp_quiet_flows, "tcp.quiet_flows", number, 1'024, 0, 1'000'000,
     "idle connections that keep their buffers and congestion state warm"},
    {tcp_max_orphans, "tcp.max_orphans", number, 8'192, 1, 16'000'000,
     "closed connections that still have data or a FIN to deliver"},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kSpecs.size(); ++i) {
    const OptionSpec& s = kSpecs[i];
    if (static_cast<std::size_t>(s.option) != i || s.initial < s.min || s.initial > s.max)
      return false;
  }
  return true;
}
static_assert(in_order(), "option_specs() follows the enumeration, and defaults lie in range");

}  // namespace

const std::array<OptionSpec, kOptionCount>& option_specs() { return kSpecs; }

std::optional<Option> find_option(std::string_view name) {
  for (const OptionSpec& spec : kSpecs) {
    if (spec.name == name) return spec.option;
  }
  return std::nullopt;
}

Options::Options() {
  for (const OptionSpec& spec : kSpecs)
    values_[static_cast<std::size_t>(spec.option)] = spec.initial;
}

Status Options::set(Option o, std::int64_t value) {
  const OptionSpec& spec = kSpecs[static_cast<std::size_t>(o)];
  if (value < spec.min || value > spec.max) return std::unexpected(Error::invalid);
  values_[static_cast<std::size_t>(o)] = value;
  return {};
}

}  // namespace naru
