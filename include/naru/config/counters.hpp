// Every statistic of a stack, once: what was dropped and why, and what happened.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace naru {

// Why a frame, packet, segment or datagram went no further. Dropping is normal;
// each reason is counted under its own name.
enum class Drop : std::uint8_t {
  none,  // it was taken
  // link
  bad_fcs,
  ring_full,
  no_buffer,
  tx_refused,
  bad_offload,
  // Ethernet
  frame_truncated,
  frame_not_for_us,
  unknown_ether_type,
  vlan_unknown,
  // ARP
  arp_malformed,
  arp_bad_sender,
  arp_conflict,
  arp_queue_full,
  neighbour_table_full,
  ndp_table_full,
  neighbour_unreachable,
  ndp_malformed,
  // IPv4
  ip_truncated,
  ip_bad_header,
  ip_bad_checksum,
  ip_bad_source,
  ip_not_for_us,
  ip_option_malformed,
  ip_source_route,
  ip_unknown_protocol,
  ip_no_route,
  ip_ttl_expired,
  ip_needs_fragmentation,
  ip_martian,
  ip_reverse_path,
  ip_link_broadcast,
  fragment_malformed,
  fragment_overlap,
  fragment_limit,
  fragment_memory,
  fragment_timeout,
  fragment_ecn,
  // ICMP
  icmp_malformed,
  icmp_bad_checksum,
  icmp_ignored,
  icmp_rate_limited,
  icmp_no_match,
  icmp_buffer_full,
  // IGMP
  igmp_malformed,
  igmp_bad_checksum,
  igmp_ignored,
  // MLD
  mld_malformed,
  mld_ignored,
  // NAT
  nat_malformed,
  nat_filtered,
  nat_full,
  // UDP
  udp_malformed,
  udp_bad_checksum,
  udp_no_port,
  udp_bad_source,
  udp_buffer_full,
  // TCP
  tcp_malformed,
  tcp_bad_checksum,
  tcp_option_malformed,
  tcp_bad_address,
  tcp_no_connection,
  tcp_bad_flags,
  tcp_unacceptable_seq,
  tcp_unacceptable_ack,
  tcp_paws,
  tcp_reset_challenged,
  tcp_syn_challenged,
  tcp_no_ack_flag,
  tcp_out_of_window,
  tcp_old_duplicate,
  tcp_reassembly_full,
  tcp_accept_queue_full,
  tcp_accept_deferred,
  tcp_syn_queue_full,
  tcp_after_close,
  tcp_bad_cookie,
  tcp_no_memory,
  count,
};

// What happened, apart from drops.
enum class Counter : std::uint8_t {
  frames_in,
  frames_out,
  bytes_in,
  bytes_out,
  packets_merged,  // received segments joined to the one before (GRO)
  tx_blocked,      // times an interface refused frames
  arp_requests_out,
  arp_replies_out,
  arp_in,
  arp_conflicts,
  arp_changes,  // a neighbour's address changed
  ndp_in,
  ndp_solicitations_out,
  ndp_advertisements_out,
  ndp_router_solicitations_out,
  ndp_router_advertisements_in,
  ndp_router_advertisements_out,
  ip_in,
  ip_out,
  ip_forwarded,
  ip_fragments_in,
  ip_fragments_out,
  ip_reassembled,
  igmp_in,
  igmp_out,
  mld_in,
  mld_out,
  nat_translated,
  nat_sessions,
  nat_evicted,
  icmp_in,
  icmp_out,
  icmp_errors_out,
  udp_in,
  udp_out,
  tcp_in,
  tcp_out,
  tcp_active_opens,
  tcp_passive_opens,
  tcp_established,
  tcp_failed,
  tcp_resets_in,
  tcp_resets_out,
  tcp_challenge_acks,
  tcp_retransmits,
  tcp_fast_retransmits,
  tcp_timeouts,
  tcp_spurious,
  tcp_duplicate_acks_in,
  tcp_sack_blocks_ignored,
  tcp_out_of_order,
  tcp_zero_window_probes,
  tcp_keepalive_probes,
  tcp_delayed_acks,
  tcp_syn_cookies_out,
  tcp_syn_cookies_in,
  tcp_time_wait,
  tcp_time_wait_reused,
  tcp_time_wait_evicted,
  tcp_orphans_reset,
  count,
};

struct CounterSpec {
  std::string_view name;  // "tcp.retransmits", "drop.tcp_bad_checksum"
  std::string_view doc;
};

inline constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::count);
inline constexpr std::size_t kCounterCount = static_cast<std::size_t>(Counter::count);

// The names and meanings, in the order of the enumerations.
const std::array<CounterSpec, kCounterCount>& counter_specs();
const std::array<CounterSpec, kDropCount>& drop_specs();
inline std::string_view to_string(Drop d) { return drop_specs()[static_cast<std::size_t>(d)].name; }

// The counts of one stack. Plain data.
class Counters {
 public:
  void add(Counter c, std::uint64_t n = 1) { counters_[static_cast<std::size_t>(c)] += n; }
  // Counts the drop and hands the reason on, so that `return counters.drop(x)` reads well.
  Drop drop(Drop d) {
    ++drops_[static_cast<std::size_t>(d)];
    return d;
  }
  std::uint64_t get(Counter c) const { return counters_[static_cast<std::size_t>(c)]; }
  std::uint64_t get(Drop d) const { return drops_[static_cast<std::size_t>(d)]; }

 private:
  std::array<std::uint64_t, kCounterCount> counters_{};
  std::array<std::uint64_t, kDropCount> drops_{};
};

}  // namespace naru
