#include <naru/config/counters.hpp>

namespace naru {
namespace {

constexpr std::array<CounterSpec, kCounterCount> kCounterSpecs{{
    {"frames_in", "frames received"},
    {"frames_out", "frames sent (a large segment counts once)"},
    {"bytes_in", "bytes of frames received"},
    {"bytes_out", "bytes of frames sent"},
    {"packets_merged", "received segments joined to the one before"},
    {"tx_blocked", "times an interface refused frames"},
    {"arp.requests_out", "ARP requests sent"},
    {"arp.replies_out", "ARP replies sent"},
    {"arp.in", "ARP packets received"},
    {"arp.conflicts", "address conflicts noticed"},
    {"arp.changes", "neighbours whose MAC address changed"},
    {"ip.in", "IP packets received"},
    {"ip.out", "IP packets sent"},
    {"ip.forwarded", "IP packets forwarded"},
    {"ip.fragments_in", "fragments received"},
    {"ip.fragments_out", "fragments sent"},
    {"ip.reassembled", "packets put together from fragments"},
    {"icmp.in", "ICMP messages received"},
    {"icmp.out", "ICMP messages sent"},
    {"icmp.errors_out", "ICMP errors sent"},
    {"udp.in", "datagrams received"},
    {"udp.out", "datagrams sent"},
    {"tcp.in", "segments received (merged ones count once)"},
    {"tcp.out", "segments sent (a large segment counts once)"},
    {"tcp.active_opens", "connections opened by connect"},
    {"tcp.passive_opens", "connections opened by listeners"},
    {"tcp.established", "connections that reached ESTABLISHED"},
    {"tcp.failed", "connection attempts that failed"},
    {"tcp.resets_in", "resets taken"},
    {"tcp.resets_out", "resets sent"},
    {"tcp.challenge_acks", "challenge ACKs sent"},
    {"tcp.retransmits", "segments sent again"},
    {"tcp.fast_retransmits", "fast recoveries entered"},
    {"tcp.timeouts", "retransmission timeouts"},
    {"tcp.spurious", "retransmissions that proved needless"},
    {"tcp.duplicate_acks_in", "duplicate ACKs received"},
    {"tcp.sack_blocks_ignored", "SACK blocks that made no sense"},
    {"tcp.out_of_order", "segments received out of order"},
    {"tcp.zero_window_probes", "zero-window probes sent"},
    {"tcp.keepalive_probes", "keep-alive probes sent"},
    {"tcp.delayed_acks", "ACKs sent by the delayed-ACK timer"},
    {"tcp.syn_cookies_out", "SYN cookies sent"},
    {"tcp.syn_cookies_in", "connections opened by SYN cookies"},
    {"tcp.time_wait", "connections that entered TIME-WAIT"},
    {"tcp.time_wait_reused", "TIME-WAIT ended by a new SYN"},
    {"tcp.time_wait_evicted", "TIME-WAIT forgotten early: table full"},
    {"tcp.orphans_reset", "closed without delivery: tcp.max_orphans"},
}};

constexpr std::array<CounterSpec, kDropCount> kDropSpecs{{
    {"drop.none", "taken, not dropped"},
    {"drop.bad_fcs", "frame check sequence wrong"},
    {"drop.ring_full", "receive ring full"},
    {"drop.no_buffer", "no packet buffer free"},
    {"drop.tx_refused", "link refused a frame and the holding queue was full"},
    {"drop.bad_offload", "offload metadata from the device was contradictory"},
    {"drop.frame_truncated", "shorter than its header"},
    {"drop.frame_not_for_us", "other unicast MAC address"},
    {"drop.unknown_ether_type", "no protocol for the type field, or a length (802.3)"},
    {"drop.vlan_unknown", "tagged for a VLAN not configured, or too many tags"},
    {"drop.arp_malformed", "wrong hardware, protocol or address lengths"},
    {"drop.arp_bad_sender", "sender address that no host may have"},
    {"drop.arp_conflict", "sender uses one of our addresses"},
    {"drop.arp_queue_full", "too many packets waiting for a neighbour"},
    {"drop.neighbour_table_full", "no neighbour entry could be freed"},
    {"drop.neighbour_unreachable", "next hop did not answer ARP"},
    {"drop.ip_truncated", "total length beyond the bytes received"},
    {"drop.ip_bad_header", "version or header length wrong"},
    {"drop.ip_bad_checksum", "header checksum wrong"},
    {"drop.ip_bad_source", "source address that may never be one"},
    {"drop.ip_not_for_us", "destination not ours, and not forwarding"},
    {"drop.ip_option_malformed", "option length wrong"},
    {"drop.ip_source_route", "source routed (RFC 7126)"},
    {"drop.ip_unknown_protocol", "no protocol of that number"},
    {"drop.ip_no_route", "no route to the destination"},
    {"drop.ip_ttl_expired", "TTL ran out on the way"},
    {"drop.ip_needs_fragmentation", "larger than the next MTU, with DF set"},
    {"drop.ip_martian", "address that may not be forwarded"},
    {"drop.ip_reverse_path", "source not reachable that way (RFC 3704)"},
    {"drop.ip_link_broadcast", "unicast packet in a broadcast frame"},
    {"drop.fragment_malformed", "offset, length or end contradictory"},
    {"drop.fragment_overlap", "overlaps another fragment"},
    {"drop.fragment_limit", "too many fragments in one packet"},
    {"drop.fragment_memory", "evicted to keep the memory bound"},
    {"drop.fragment_timeout", "not complete in time"},
    {"drop.fragment_ecn", "fragments with and without ECN (RFC 3168 5.3)"},
    {"drop.icmp_malformed", "truncated"},
    {"drop.icmp_bad_checksum", "checksum wrong"},
    {"drop.icmp_ignored", "type that is not answered"},
    {"drop.icmp_rate_limited", "error not sent: rate limit"},
    {"drop.icmp_no_match", "error about nothing that we sent"},
    {"drop.icmp_buffer_full", "receive buffer of an ICMP socket full"},
    {"drop.udp_malformed", "length field contradicts the packet"},
    {"drop.udp_bad_checksum", "checksum wrong"},
    {"drop.udp_no_port", "nobody listens"},
    {"drop.udp_bad_source", "source not one host"},
    {"drop.udp_buffer_full", "receive buffer full"},
    {"drop.tcp_malformed", "data offset wrong"},
    {"drop.tcp_bad_checksum", "checksum wrong"},
    {"drop.tcp_option_malformed", "option length illegal (RFC 9293 MUST-7)"},
    {"drop.tcp_bad_address", "not from one host to one host"},
    {"drop.tcp_no_connection", "no connection and no listener"},
    {"drop.tcp_bad_flags", "flags that make no sense together"},
    {"drop.tcp_unacceptable_seq", "outside the receive window"},
    {"drop.tcp_unacceptable_ack", "acknowledges what was never sent, or too old"},
    {"drop.tcp_paws", "timestamp too old (RFC 7323 5)"},
    {"drop.tcp_reset_challenged", "RST in window but not exact (RFC 5961 3)"},
    {"drop.tcp_syn_challenged", "SYN in a synchronised state (RFC 5961 4)"},
    {"drop.tcp_no_ack_flag", "no ACK flag where one is required"},
    {"drop.tcp_out_of_window", "data beyond the window"},
    {"drop.tcp_old_duplicate", "data received before"},
    {"drop.tcp_reassembly_full", "out-of-order queue full"},
    {"drop.tcp_accept_queue_full", "accept queue full"},
    {"drop.tcp_accept_deferred", "ACK of a handshake whose listener waits for data"},
    {"drop.tcp_syn_queue_full", "SYN queue full"},
    {"drop.tcp_after_close", "data for a socket that the program has closed"},
    {"drop.tcp_bad_cookie", "ACK with no valid SYN cookie"},
    {"drop.tcp_no_memory", "a bounded table or pool is full"},
}};

constexpr bool complete() {
  for (const CounterSpec& s : kCounterSpecs) {
    if (s.name.empty()) return false;
  }
  for (const CounterSpec& s : kDropSpecs) {
    if (s.name.empty()) return false;
  }
  return true;
}
static_assert(complete(), "every counter has a name");

}  // namespace

const std::array<CounterSpec, kCounterCount>& counter_specs() { return kCounterSpecs; }
const std::array<CounterSpec, kDropCount>& drop_specs() { return kDropSpecs; }

}  // namespace naru
