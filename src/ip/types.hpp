// What the ip room tells its callers: verdicts on packets in and out, errors, listings.
#pragma once

#include <array>
#include <cstdint>

#include <naru/buf/packet.hpp>
#include <naru/config/counters.hpp>
#include <naru/wire/address.hpp>

namespace naru::ip {

inline constexpr std::uint8_t kLoopback = 0;  // the index of "lo"
inline constexpr std::uint8_t kMaxInterfaces = 64;
inline constexpr std::uint8_t kAnyInterface = 0xff;

// How a packet is to be sent.
struct SendParams {
  Protocol protocol{};
  std::uint8_t tos = 0;
  std::uint8_t ttl = 0;        // 0: the default, which is 1 for multicast (RFC 1112 6.1)
  bool dont_fragment = false;  // DF; a packet longer than the path MTU is too_big
  // DF as long as it fits into the path MTU, else fragmented here (what Linux does by
  // default). Neither: no DF, and routers may fragment too.
  bool fragment_here = false;
  std::uint16_t mtu = 0;  // to go by in place of the path's; 0: the path's
};

// What became of a frame given to output().
struct Verdict {
  enum class Action : std::uint8_t {
    send,      // transmit it on `interface`
    loopback,  // it is for ourselves: its bytes from network_offset on go to input_loopback()
    held,      // copied; it leaves when the neighbour has answered
    queued,    // fragmented; the pieces wait in the output queue
    too_big,   // larger than `mtu`, and may not be fragmented
    dropped,   // counted under `reason`
  };

  Action action{};
  std::uint8_t interface = 0;
  Drop reason = Drop::none;
  // A broadcast or multicast that we belong to ourselves: besides sending the
  // frame, a copy of it goes to input_loopback().
  bool loop_copy = false;
  std::uint32_t mtu = 0;
};

// What became of a frame given to input().
struct Input {
  enum class Action : std::uint8_t {
    deliver,   // `packet` is the caller's: data at the layer-4 header, exact length
    consumed,  // it was for ip itself
    dropped,   // counted under `reason`, the buffer given back
  };

  Action action{};
  Drop reason = Drop::none;
  // The IP destination was a broadcast or multicast address.
  bool group = false;
  Packet* packet = nullptr;
};

// Something that we sent did not arrive. Ports and sequence number are as quoted:
// whoever owns them checks that they are right before believing (RFC 5927).
struct ErrorReport {
  // What a router quotes at most (RFC 1812 4.3.2.3), without the headers of IP and ICMP.
  static constexpr std::size_t kMaxQuote = 576 - 20 - 8;

  enum class Kind : std::uint8_t {
    network_unreachable,
    host_unreachable,
    protocol_unreachable,
    port_unreachable,
    prohibited,
    fragmentation_needed,  // with `mtu`; then confirm_path_mtu()
    time_exceeded,
    parameter_problem,
  };

  Kind kind{};
  std::uint8_t type = 0;  // of the ICMP message
  std::uint8_t code = 0;
  Protocol protocol{};
  bool is_local = false;  // no ICMP: we ourselves could not send it (no ARP answer)
  std::uint32_t mtu = 0;
  std::uint32_t pointer = 0;     // of a parameter_problem
  std::uint32_t quoted_seq = 0;  // TCP only
  Endpoint local;                // of an echo request the port is the identifier
  Endpoint remote;
  IpAddr offender;  // who says so
  std::uint16_t quote_length = 0;
  std::array<std::uint8_t, kMaxQuote> quote{};  // of the packet, from its layer-4 header on

  Bytes quoted() const { return {quote.data(), quote_length}; }
};

// ICMP errors that upper layers and forwarding ask for.
enum class IcmpError : std::uint8_t {
  network_unreachable,
  host_unreachable,
  protocol_unreachable,
  port_unreachable,
  fragmentation_needed,
  prohibited,
  ttl_exceeded,
  reassembly_exceeded,
  parameter_problem,
  unknown_option,  // of IPv6
  beyond_scope,    // of the source address (of IPv6)
  redirect,
};

enum class AddressState : std::uint8_t {
  tentative,  // being probed (RFC 5227 2.1, RFC 4862 5.4): not used, not answered for
  valid,
  conflict,  // another host has it: not used
};

enum class NeighbourState : std::uint8_t {
  incomplete,  // asked, no answer yet
  reachable,
  stale,    // not confirmed for a while: used, and asked again when used
  probing,  // used while it is asked again
  failed,   // did not answer
  permanent,
};

enum class AddressOrigin : std::uint8_t {
  given,
  stable,     // made up as RFC 7217 says
  temporary,  // made up by chance, and replaced (RFC 8981)
};

struct AddressInfo {
  Prefix prefix;
  std::uint8_t interface = 0;
  AddressState state{};
  AddressOrigin origin{};
  bool is_deprecated = false;  // not for new connections (RFC 4862 5.5.4)
};

// A route. A gateway of :: means that the destination is on the link.
struct Route {
  Prefix prefix;
  IpAddr gateway;
  IpAddr source;  // preferred source address; :: leaves the choice to the interface
  std::uint32_t metric = 0;
  std::uint8_t interface = 0;
};

struct NeighbourInfo {
  IpAddr addr;
  MacAddr mac;
  std::uint8_t interface = 0;
  NeighbourState state{};
};

}  // namespace naru::ip
