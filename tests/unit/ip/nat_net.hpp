// A NAT between 10.0.0.0/24 (eth0, with the hosts .5 and .6) and the outside (eth1, with the
// address 192.0.2.1 and the gateway .254).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "host.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::ip::test {

inline constexpr MacAddr kInsideMac = mac(0x11);
inline constexpr MacAddr kOutsideMac = mac(0x12);
inline constexpr MacAddr kGatewayMac = mac(0x22);
inline constexpr std::uint8_t kInside = 1;
inline constexpr std::uint8_t kOutside = 2;

inline Endpoint at(std::string_view addr, std::uint16_t port) { return {ip(addr), port}; }

inline Buffer tcp_segment(const Endpoint& from, const Endpoint& to, wire::Tcp header,
                          const Buffer& payload = {}, const Buffer& options = {}) {
  header.src_port = from.port;
  header.dst_port = to.port;
  Buffer unit(20);
  header.emit(unit.data(), options.size());
  unit = unit + options + payload;
  const auto length = static_cast<std::uint32_t>(unit.size());
  wire::store_checksum(
      unit.data() + 16,
      wire::finish(wire::sum_bytes(
          unit, wire::pseudo_header_sum(from.addr, to.addr, Protocol::tcp, length))));
  return unit;
}

inline Buffer datagram(const Endpoint& from, const Endpoint& to, const Buffer& payload) {
  return udp(from.addr, to.addr, from.port, to.port, payload);
}

// A packet as it came out, read again from its bytes.
struct Passed {
  std::uint8_t interface = 0;
  Buffer bytes;  // from the IP header on
  Endpoint source;
  Endpoint destination;
  std::uint8_t ttl = 0;

  wire::Ipv4View ip() const { return *wire::Ipv4View::parse(bytes); }
  Buffer payload() const {
    const Bytes p = ip().payload();
    return {p.begin(), p.end()};
  }
};

class NatNet : public ::testing::Test {
 protected:
  explicit NatNet(std::vector<std::pair<Option, std::int64_t>> options = {})
      : host({.options = with(std::move(options)), .with_interface = false}) {
    EXPECT_EQ(host.ip.add_interface("eth0", kInsideMac, 1500, host.now), kInside);
    EXPECT_EQ(host.ip.add_interface("eth1", kOutsideMac, 1500, host.now), kOutside);
    EXPECT_TRUE(host.ip.add_address(kInside, prefix("10.0.0.1/24"), host.now));
    EXPECT_TRUE(host.ip.add_address(kOutside, prefix("192.0.2.1/24"), host.now));
    EXPECT_TRUE(host.ip.add_route({.prefix = prefix("0.0.0.0/0"),
                                   .gateway = ip("192.0.2.254"),
                                   .source = {},
                                   .interface = kOutside}));
    EXPECT_TRUE(host.ip.set_nat(kOutside));
    host.advance(5s);
    settle();
  }
  ~NatNet() override { EXPECT_EQ(host.pool.in_use(), 0U); }

  // Everybody is known (again), and nothing is on its way.
  void settle() {
    host.resolve("10.0.0.5", mac(5), kInside);
    host.resolve("10.0.0.6", mac(6), kInside);
    host.resolve("192.0.2.254", kGatewayMac, kOutside);
    host.take_sent();
  }

  Input inject(std::uint8_t interface, const Buffer& packet) {
    const MacAddr& to = interface == kInside ? kInsideMac : kOutsideMac;
    return host.receive(ethernet(to, mac(9), wire::kEtherTypeIpv4, packet), interface);
  }
  // The one packet that came of it, all of its checksums being right; none if there is none.
  std::optional<Passed> passed() {
    const auto sent = host.take_sent();
    std::optional<Passed> found;
    for (const Sent& s : sent) {
      if (s.ether_type() != wire::kEtherTypeIpv4) continue;  // ARP
      EXPECT_FALSE(found) << "more than one packet";
      found = read(s);
    }
    return found;
  }
  static Passed read(const Sent& s) {
    Passed p;
    p.interface = s.interface;
    p.bytes.assign(s.bytes.begin() + 14, s.bytes.end());
    const auto view = *wire::Ipv4View::parse(p.bytes);
    EXPECT_TRUE(view.header_checksum_ok());
    p.source.addr = view.src();
    p.destination.addr = view.dst();
    p.ttl = view.ttl();
    const Bytes unit = view.payload();
    if (view.is_fragment()) return p;
    if (view.protocol() == Protocol::tcp) {
      EXPECT_TRUE(wire::TcpView::parse(unit)->checksum_ok(view.src(), view.dst()));
    } else if (view.protocol() == Protocol::udp) {
      EXPECT_TRUE(wire::UdpView::parse(unit)->checksum_ok(view.src(), view.dst()));
    } else {
      EXPECT_TRUE(wire::Icmpv4View::parse(unit)->checksum_ok());
      return p;
    }
    p.source.port = load_be16(unit.data());
    p.destination.port = load_be16(unit.data() + 2);
    return p;
  }

  static wire::Ipv4 header(const Endpoint& from, const Endpoint& to, Protocol protocol) {
    return {.src = from.addr, .dst = to.addr, .protocol = protocol};
  }
  static std::uint8_t side_of(const Endpoint& from) {
    return prefix("10.0.0.0/24").contains(from.addr) ? kInside : kOutside;
  }
  // A datagram arrives on the side of its sender.
  std::optional<Passed> send_udp(const Endpoint& from, const Endpoint& to,
                                 const Buffer& payload = counting(20)) {
    inject(side_of(from), ipv4(header(from, to, Protocol::udp), datagram(from, to, payload)));
    return passed();
  }
  std::optional<Passed> send_tcp(const Endpoint& from, const Endpoint& to, const wire::Tcp& tcp,
                                 const Buffer& payload = {}) {
    inject(side_of(from),
           ipv4(header(from, to, Protocol::tcp), tcp_segment(from, to, tcp, payload)));
    return passed();
  }
  // The outside endpoint by which an inside one is seen, after a datagram.
  Endpoint open_udp(const Endpoint& inside, const Endpoint& remote) {
    const auto out = send_udp(inside, remote);
    EXPECT_TRUE(out);
    return out ? out->source : Endpoint();
  }
  // And after a handshake: `out` is the next byte of the inside, `in` that of the outside.
  static constexpr std::uint32_t kOut = 1'001;
  static constexpr std::uint32_t kIn = 5'001;
  Endpoint open_tcp(const Endpoint& inside, const Endpoint& remote) {
    const auto syn =
        send_tcp(inside, remote, {.seq = kOut - 1, .flags = wire::kSyn, .window = 65'535});
    EXPECT_TRUE(syn);
    if (!syn) return {};
    EXPECT_TRUE(send_tcp(
        remote, syn->source,
        {.seq = kIn - 1, .ack = kOut, .flags = wire::kSyn | wire::kAck, .window = 65'535}));
    EXPECT_TRUE(send_tcp(inside, remote, ack(kOut, kIn)));
    return syn->source;
  }
  static wire::Tcp ack(std::uint32_t seq, std::uint32_t ack_number, std::uint8_t more = 0) {
    return {.seq = seq,
            .ack = ack_number,
            .flags = static_cast<std::uint8_t>(wire::kAck | more),
            .window = 65'535};
  }
  static std::vector<std::pair<Option, std::int64_t>> with(
      std::vector<std::pair<Option, std::int64_t>> options) {
    options.insert(options.begin(),
                   {{Option::ip_forwarding, 1}, {Option::nat_max_sessions, 1'000}});
    return options;
  }

  Host host;
  const Endpoint a = at("10.0.0.5", 4'000);
  const Endpoint b = at("10.0.0.6", 4'000);
  const Endpoint web = at("198.51.100.7", 80);
  const Endpoint dns = at("203.0.113.9", 53);
};

}  // namespace naru::ip::test
