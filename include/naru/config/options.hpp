// Every option of a stack, once: name, default, range and what it does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <naru/base/result.hpp>
#include <naru/time/time.hpp>

namespace naru {

enum class Option : std::uint8_t {
  // Sizes of the tables: read once, when the stack is made.
  max_connections,
  max_time_wait,
  max_listeners,
  max_udp_sockets,
  max_small_packets,
  max_large_packets,
  max_send_blocks,
  max_flows,
  max_neighbours,
  max_routes,
  max_destinations,
  // ip
  ip_default_ttl,
  ip_forwarding,
  ip_reverse_path_filter,
  ip_reassembly_memory,
  ip_reassembly_timeout,
  ip_reassembly_fragments,
  ip_accept_redirects,
  ip_send_redirects,
  icmp_echo,
  icmp_echo_broadcast,
  icmp_error_rate,
  icmp_error_burst,
  arp_reachable_time,
  arp_retransmit_interval,
  arp_attempts,
  arp_queue_length,
  arp_probe_count,
  arp_announce_count,
  // ndp
  ndp_accept_ra,
  ndp_dad_transmits,
  ndp_temporary_addresses,
  // nat
  nat_max_sessions,
  nat_sessions_per_host,
  nat_filtering,
  nat_udp_timeout,
  nat_tcp_timeout,
  nat_tcp_transitory_timeout,
  nat_icmp_timeout,
  nat_hold_down,
  // udp
  udp_receive_buffer,
  udp_send_buffer,
  // ports
  port_range_first,
  port_range_last,
  // tcp
  tcp_send_buffer,
  tcp_send_buffer_max,
  tcp_receive_buffer,
  tcp_receive_buffer_max,
  tcp_window_scaling,
  tcp_timestamps,
  tcp_sack,
  tcp_congestion_control,
  tcp_initial_window,
  tcp_initial_rto,
  tcp_rto_min,
  tcp_rto_max,
  tcp_delayed_ack,
  tcp_delayed_ack_min,
  tcp_quick_acks,
  tcp_syn_retries,
  tcp_synack_retries,
  tcp_retries1,
  tcp_retries2,
  tcp_orphan_retries,
  tcp_keepalive_idle,
  tcp_keepalive_interval,
  tcp_keepalive_count,
  tcp_fin_timeout,
  tcp_time_wait,
  tcp_syn_cookies,
  tcp_syn_backlog,
  tcp_challenge_ack_interval,
  tcp_min_send_mss,
  tcp_path_mtu_discovery,
  tcp_quiet_flows,
  tcp_max_orphans,
  count,
};

enum class Unit : std::uint8_t { number, boolean, bytes, milliseconds, segments };

struct OptionSpec {
  Option option;
  std::string_view name;  // "tcp.rto_min"
  Unit unit;
  std::int64_t initial;
  std::int64_t min;
  std::int64_t max;
  std::string_view doc;
};

inline constexpr std::size_t kOptionCount = static_cast<std::size_t>(Option::count);

// The one list, in the order of the enumeration.
const std::array<OptionSpec, kOptionCount>& option_specs();
// By name, for command lines and packetdrill flags.
std::optional<Option> find_option(std::string_view name);

// Values for tcp.congestion_control.
inline constexpr std::int64_t kCongestionNewReno = 0;
inline constexpr std::int64_t kCongestionCubic = 1;

// The values of one stack. Plain data.
class Options {
 public:
  Options();

  std::int64_t get(Option o) const { return values_[static_cast<std::size_t>(o)]; }
  std::uint32_t u32(Option o) const { return static_cast<std::uint32_t>(get(o)); }
  bool on(Option o) const { return get(o) != 0; }
  Duration duration(Option o) const { return std::chrono::milliseconds(get(o)); }

  // Error::invalid when the value is outside the option's range.
  Status set(Option o, std::int64_t value);

 private:
  std::array<std::int64_t, kOptionCount> values_{};
};

}  // namespace naru
