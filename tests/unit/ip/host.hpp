// A host for tests of the ip room: frames in, frames out, virtual time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <naru/base/arena.hpp>
#include <naru/buf/packet.hpp>
#include <naru/config/options.hpp>

#include "ip/ip.hpp"
#include "wire/arp.hpp"
#include "wire/icmpv4.hpp"
#include "wire/ipv4.hpp"

namespace naru::ip::test {

using Buffer = std::vector<std::uint8_t>;

inline IpAddr ip(std::string_view text) { return *IpAddr::parse(text); }
inline Prefix prefix(std::string_view text) { return *Prefix::parse(text); }
constexpr MacAddr mac(std::uint8_t last) { return {{0x02, 0, 0, 0, 0, last}}; }

inline constexpr MacAddr kOurMac = mac(1);
inline constexpr MacAddr kPeerMac = mac(2);
inline constexpr MacAddr kOtherMac = mac(3);

// The pieces of packets.
Buffer ethernet(const MacAddr& dst, const MacAddr& src, std::uint16_t type, const Buffer& payload);
Buffer arp(const wire::Arp& arp, const MacAddr& dst = MacAddr::broadcast());
// An IPv4 packet with a right length (unless header.total_length is set) and checksum.
Buffer ipv4(wire::Ipv4 header, const Buffer& payload, const Buffer& options = {});
Buffer udp(const IpAddr& src, const IpAddr& dst, std::uint16_t src_port, std::uint16_t dst_port,
           const Buffer& payload);
Buffer icmp(const wire::Icmpv4& header, const Buffer& payload);
Buffer echo_request(std::uint16_t id, std::uint16_t seq, const Buffer& data);
Buffer counting(std::size_t size, std::uint8_t first = 0);
Buffer operator+(Buffer a, const Buffer& b);

// A frame that a host sent.
struct Sent {
  std::uint8_t interface = 0;
  Buffer bytes;

  std::uint16_t ether_type() const { return load_be16(bytes.data() + 12); }
  MacAddr dst() const { return wire::load_mac(bytes.data()); }
  MacAddr src() const { return wire::load_mac(bytes.data() + 6); }
  std::optional<wire::Arp> arp() const;
  // The view points into `bytes`.
  std::optional<wire::Ipv4View> ipv4() const;
  std::optional<wire::Icmpv4View> icmp() const;
};

// A layer-4 unit that a host delivered.
struct Delivered {
  Buffer bytes;
  IpAddr source;
  IpAddr destination;
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 0;
  std::uint8_t tos = 0;
  bool group = false;
  ChecksumState checksum{};
};

struct Setup {
  std::vector<std::pair<Option, std::int64_t>> options = {};
  bool with_interface = true;  // "eth0", kOurMac, 10.0.0.1/24
};

class Host {
 public:
  explicit Host(const Setup& setup = {});

  // A frame from the wire. What it makes the host send goes to `sent`, what it
  // delivers to `delivered`.
  Input receive(const Buffer& frame, std::uint8_t interface = 1,
                ChecksumState checksum = ChecksumState::unchecked);
  // An IPv4 packet in a frame from the peer.
  Input receive_ip(const Buffer& packet, std::uint8_t interface = 1, const MacAddr& dst = kOurMac);
  // The same, spread over several buffers.
  Input receive_chain(const std::vector<Buffer>& pieces);
  Input take(Packet* packet);

  // A datagram from us; frames that leave at once are in `sent` too.
  Verdict send(std::string_view remote, const Buffer& transport, SendParams params = {});
  Verdict send_to(std::uint32_t destination, const Buffer& transport, SendParams params = {});

  void advance(Duration by);
  // Tells where `addr` is, as an answer to a request (made or not).
  void resolve(std::string_view addr, const MacAddr& at = kPeerMac, std::uint8_t interface = 1);

  void collect();
  std::vector<Sent> take_sent();
  std::vector<Delivered> take_delivered();
  std::optional<ErrorReport> error();
  std::uint64_t count(Drop d) const { return counters.get(d); }
  std::optional<NeighbourInfo> neighbour(std::string_view addr);

  ArenaMapping mapping;
  Options options;
  Counters counters;
  Random random = Random::seeded(1);
  trace::Ring trace;
  PacketPool pool;
  Ip& ip;
  Time now = time_from_ns(1'000'000'000);
  std::vector<Sent> sent;
  std::vector<Delivered> delivered;
};

}  // namespace naru::ip::test
