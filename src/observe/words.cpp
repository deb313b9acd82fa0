#include "observe/words.hpp"

#include <array>

#include <fmt/format.h>

#include <naru/config/counters.hpp>
#include <naru/config/socket_types.hpp>

namespace naru::observe {
namespace {

using trace::Event;
using trace::Kind;

// In the order of the header's bits (RFC 9293 3.1).
constexpr std::uint16_t kFin = 1;
constexpr std::uint16_t kSyn = 2;
constexpr std::uint16_t kAck = 16;
constexpr std::array<std::pair<std::uint16_t, std::string_view>, 8> kFlagNames{{
    {kSyn, "SYN"},
    {kFin, "FIN"},
    {4, "RST"},
    {8, "PSH"},
    {32, "URG"},
    {64, "ECE"},
    {128, "CWR"},
    {kAck, "ACK"},
}};

// In the order of TcpState; the RFC writes them so.
constexpr std::array<std::string_view, 11> kStates{
    "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
static_assert(kStates.size() == static_cast<std::size_t>(TcpState::time_wait) + 1);

std::string_view state_name(std::uint32_t state) {
  return state < kStates.size() ? kStates[state] : "?";
}

std::string bytes(std::uint64_t number) { return counted(number, "byte"); }

std::string written(const Event& e) {
  std::string text = fmt::format("write: {} into the send buffer", bytes(e.length));
  if (e.extra > e.length) text += fmt::format(" ({} there)", grouped(e.extra));
  return text;
}

std::string read(const Event& e) {
  std::string text = fmt::format("read: {} from the receive buffer", bytes(e.length));
  if (e.extra > 0) text += fmt::format(" ({} left)", grouped(e.extra));
  return text;
}

std::string packet_out(const Event& e) {
  const bool direct = e.local.addr == e.remote.addr;
  return fmt::format("packet of {} to {}, {}", bytes(e.length), e.remote.addr.to_string(),
                     direct ? "on the link" : "next hop " + e.local.addr.to_string());
}

std::string frame_out(const Event& e) {
  std::string text = fmt::format("frame of {}", bytes(e.length));
  if (e.extra > 1) text += fmt::format(", {} on the wire", grouped(e.extra));
  return text;
}

// How neighbours are found.
std::string_view discovery(const Event& e) { return e.remote.addr.is_v4() ? "ARP" : "NDP"; }

// How routers learn of groups.
std::string_view membership(const IpAddr& group) { return group.is_v4() ? "IGMP" : "MLD"; }

std::string group_asked(const Event& e) {
  const IpAddr& group = e.local.addr;
  return fmt::format("{}: {} asks who listens to {}", membership(group), e.remote.addr.to_string(),
                     group.is_any() ? "any group" : group.to_string());
}

std::string group_told(const Event& e) {
  const IpAddr& group = e.remote.addr;
  return fmt::format("{}: routers are told that we listen to {}{}", membership(group),
                     group.to_string(), e.extra == 0 ? " no longer" : "");
}

std::string dropped(const Event& e) {
  const auto reason = static_cast<std::size_t>(e.extra);
  return fmt::format("dropped: {}", reason < kDropCount ? drop_specs()[reason].name : "?");
}

// Steps of the socket, and of connections, that need nothing but the event.
Step describe_socket(const Event& e) {
  switch (e.kind) {
    case Kind::connect:
      return {"socket", "connect to " + e.remote.to_string()};
    case Kind::listen:
      return {"socket", "listen on " + e.local.to_string()};
    case Kind::accepted:
      return {"socket", "accept: the connection of " + e.remote.to_string()};
    case Kind::written:
      return {"socket", written(e)};
    case Kind::read:
      return {"socket", read(e)};
    case Kind::closed:
      return {"socket", "close"};
    case Kind::datagram_out:
      return {"udp", fmt::format("datagram of {} to {}", bytes(e.length), e.remote.to_string())};
    case Kind::datagram_in:
      return {"udp", fmt::format("datagram of {} from {}", bytes(e.length), e.remote.to_string())};
    default:
      return {"", ""};
  }
}

Step describe_tcp(const Event& e) {
  switch (e.kind) {
    case Kind::state:
      return {"tcp",
              fmt::format("{} → {}", state_name(e.extra >> 8U), state_name(e.extra & 0xffU))};
    case Kind::time_wait:
      return {"tcp", fmt::format("TIME-WAIT, for {} s", e.extra / 1000)};
    case Kind::time_wait_end:
      return {"tcp", "TIME-WAIT is over"};
    case Kind::accept_queued:
      return {"tcp", "handshake complete: in the accept queue"};
    case Kind::received:
      return {"tcp", fmt::format("{} into the receive buffer ({} there)", bytes(e.length),
                                 grouped(e.extra))};
    default:
      return {"", ""};
  }
}

Step describe_device(const Event& e) {
  const std::string mac = e.mac.to_string();
  switch (e.kind) {
    case Kind::frame_repeated:
      return {"hub", fmt::format("repeats a frame of {} from port {} to {}", bytes(e.length),
                                 e.interface, counted(e.extra, "other port"))};
    case Kind::address_learned:
      return {"switch",
              fmt::format("learns: {} is at port {}, VLAN {}", mac, e.interface, e.extra)};
    case Kind::frame_switched:
      return {"switch", fmt::format("passes a frame of {} from port {} to port {}, where {} is",
                                    bytes(e.length), e.interface, e.extra, mac)};
    case Kind::frame_flooded:
      return {"switch", fmt::format("passes a frame of {} for {} from port {} to {}",
                                    bytes(e.length), e.mac.is_multicast() ? "all" : mac,
                                    e.interface, counted(e.extra, "other port"))};
    default:
      return {"", ""};
  }
}

Step describe_below(const Event& e) {
  const std::string remote = e.remote.addr.to_string();
  switch (e.kind) {
    case Kind::packet_out:
      return {"ip", packet_out(e)};
    case Kind::packet_in:
      return {"ip", fmt::format("packet from {}, TTL {}, checks passed", remote, e.extra)};
    case Kind::forwarded:
      return {"router",
              fmt::format("packet to {}: next hop {}, {} {}", remote,
                          e.local.addr == e.remote.addr ? "itself" : e.local.addr.to_string(),
                          e.remote.addr.is_v4() ? "TTL" : "hop limit", e.extra)};
    case Kind::translated:
      return {"nat", fmt::format("{}: {} becomes {}", e.extra == 0 ? "source" : "destination",
                                 e.local.to_string(), e.remote.to_string())};
    case Kind::fragment_in:
      return {"ip", fmt::format("fragment of {} from {}", bytes(e.length), remote)};
    case Kind::reassembled:
      return {"ip", fmt::format("reassembled: {}", bytes(e.length))};
    case Kind::neighbour_asked:
      return {"neighbour", fmt::format("{}: who has {}?", discovery(e), remote)};
    case Kind::neighbour_answered:
      return {"neighbour", fmt::format("{}: {} is at {}", discovery(e), remote, e.mac.to_string())};
    case Kind::neighbour_reply:
      return {"neighbour", fmt::format("{}: {} is told that {} is here", discovery(e), remote,
                                       e.local.addr.to_string())};
    case Kind::icmp_in:
      return {"ip", fmt::format("ICMP message from {}", remote)};
    case Kind::icmp_out:
      return {"ip", fmt::format("ICMP message to {}", remote)};
    case Kind::group_asked:
      return {"groups", group_asked(e)};
    case Kind::group_heard:
      return {"groups", fmt::format("{}: {} listens to {}, too", membership(e.local.addr), remote,
                                    e.local.addr.to_string())};
    case Kind::group_told:
      return {"groups", group_told(e)};
    case Kind::frame_out:
      return {"link", frame_out(e)};
    case Kind::frame_in:
      return {"link", fmt::format("frame of {} in the rx ring", bytes(e.length))};
    case Kind::interrupt:
      return {"link", "interrupt: frames wait in the rx ring"};
    case Kind::poll:
      return {"link", fmt::format("poll takes {}", counted(e.extra, "frame"))};
    default:
      return {"drop", dropped(e)};
  }
}

}  // namespace

// A change of state holds the former one above the new one.
bool is_bookkeeping(const Event& event) {
  constexpr auto kTimeWait = static_cast<std::uint32_t>(TcpState::time_wait);
  return event.kind == Kind::state && event.extra >> 8U == kTimeWait;
}

std::string flag_names(std::uint16_t flags) {
  std::string names;
  for (const auto& [bit, name] : kFlagNames) {
    if ((flags & bit) == 0) continue;
    if (!names.empty()) names += '+';
    names += name;
  }
  return names.empty() ? "no flags" : names;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, " ");
  return digits;
}

std::string counted(std::uint64_t number, std::string_view unit) {
  return fmt::format("{} {}{}", grouped(number), unit, number == 1 ? "" : "s");
}

Words::Numbers& Words::connection_of(const Event& e) {
  Numbers& n = connections_[{e.local.to_string(), e.remote.to_string()}];
  if (n.order == 0) n.order = connections_.size();
  return n;
}

Words::Numbers& Words::learn_numbers(const Event& e) {
  Numbers& n = connection_of(e);
  const bool out = e.kind != Kind::segment_in;
  auto& first = out ? n.local : n.remote;
  auto& known = out ? n.local_known : n.remote_known;
  // Where the SYN was not seen, its data begin at 1.
  if ((e.flags & kSyn) != 0 || !known) first = e.seq - ((e.flags & kSyn) != 0 ? 0 : 1);
  known = true;
  return n;
}

std::string Words::segment(const Event& e) {
  const Numbers& n = learn_numbers(e);
  const bool out = e.kind == Kind::segment_out;
  const std::uint32_t seq = e.seq - (out ? n.local : n.remote);
  const std::uint32_t peer_first = out ? n.remote : n.local;
  const bool peer_known = out ? n.remote_known : n.local_known;
  std::string text = fmt::format("segment {}, seq {}", flag_names(e.flags), seq);
  if ((e.flags & kAck) != 0 && peer_known) text += fmt::format(", ack {}", e.ack - peer_first);
  if (out && (e.flags & kSyn) != 0 && e.extra != 0) text += fmt::format(", MSS {}", e.extra);
  if (e.length > 0) text += ", " + bytes(e.length);
  return text;
}

Step Words::words_for(const Event& e) {
  if (e.kind == Kind::segment_out || e.kind == Kind::segment_in) return {"tcp", segment(e)};
  if (e.kind == Kind::retransmit) {
    const Numbers& n = learn_numbers(e);
    return {"tcp", fmt::format("sent again: seq {}, {}", e.seq - n.local, bytes(e.length))};
  }
  if (Step step = describe_socket(e); !step.text.empty()) return step;
  if (Step step = describe_tcp(e); !step.text.empty()) return step;
  if (Step step = describe_device(e); !step.text.empty()) return step;
  return describe_below(e);
}

// From the second connection on, its number tells it from the others. The text of a datagram,
// and of what a NAT makes of a packet, has the ports itself.
Step Words::describe(const Event& e) {
  Step step = words_for(e);
  const bool says_ports =
      e.kind == Kind::datagram_out || e.kind == Kind::datagram_in || e.kind == Kind::translated;
  if (says_ports || e.local.port == 0 || e.remote.port == 0) return step;
  if (const std::size_t order = connection_of(e).order; order > 1) {
    step.text += fmt::format("  #{}", order);
  }
  return step;
}

}  // namespace naru::observe
