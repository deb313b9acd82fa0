// What tests of the udp room stand on: sockets without ip, datagrams as ip delivers them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "udp/udp.hpp"
#include "wire/udp.hpp"

namespace naru::udp::test {

using Buffer = std::vector<std::uint8_t>;

inline IpAddr ip(std::string_view text) { return *IpAddr::parse(text); }
inline Endpoint at(std::string_view addr, std::uint16_t port) { return {ip(addr), port}; }
inline Bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class UdpTest : public ::testing::Test {
 protected:
  UdpTest()
      : mapping(*ArenaMapping::map_private(std::size_t{256} << 20U)),
        udp(*mapping.arena().make<Udp>()) {
    Arena& arena = mapping.arena();
    EXPECT_TRUE(trace.init(arena, 64));
    EXPECT_TRUE(pool.init(arena, 16'384, 512));
    EXPECT_TRUE(udp.init(arena, options, counters, trace, random, pool));
  }

  Handle open(std::uint64_t cookie = 0) { return udp.open(cookie).value(); }
  Handle bound(const Endpoint& local, std::uint64_t cookie = 0) {
    const Handle h = open(cookie);
    EXPECT_TRUE(udp.bind(h, local).has_value());
    return h;
  }
  SocketOptions& set(Handle h) { return udp.find(h)->options; }

  // A datagram as it lies behind an IP header.
  static Buffer datagram(const Endpoint& from, const Endpoint& to, const Buffer& payload) {
    Buffer d(wire::Udp::kHeaderSize + payload.size());
    std::copy(payload.begin(), payload.end(), d.begin() + wire::Udp::kHeaderSize);
    wire::Udp{from.port, to.port, static_cast<std::uint16_t>(d.size())}.emit(
        d.data(), from.addr, to.addr, wire::sum_bytes(payload));
    return d;
  }
  Packet* packet(const Endpoint& from, const Endpoint& to, const Buffer& datagram,
                 std::uint32_t room = 0) {
    const auto size = static_cast<std::uint32_t>(datagram.size());
    Packet* p = pool.take(std::max(room, size));
    std::copy(datagram.begin(), datagram.end(), p->data);
    p->length = size;
    p->source = from.addr;
    p->destination = to.addr;
    p->interface = 1;
    p->ttl = 61;
    p->tos = 4;
    return p;
  }
  // Gives what input() leaves with its caller back.
  Drop input(Packet* p, bool group = false) {
    const Drop drop = udp.input(p, group, now);
    if (drop == Drop::udp_no_port) pool.give_back(p);
    return drop;
  }
  Drop receive(const Endpoint& from, const Endpoint& to, const Buffer& payload = {1, 2, 3},
               bool group = false) {
    return input(packet(from, to, datagram(from, to, payload)), group);
  }

  std::string read(Handle h) {
    Buffer out(70'000);
    const auto r = udp.recv(h, out);
    if (!r) return std::string(to_string(r.error()));
    return {out.begin(), out.begin() + static_cast<long>(r->size)};
  }
  bool waits(Handle h) { return (Udp::readiness(*udp.find(h)) & kReadable) != 0; }
  void flush() {
    for (DatagramOut out; udp.next_datagram(out);) udp.done(now);
  }

  ArenaMapping mapping;
  Options options;
  Counters counters;
  Random random = Random::seeded(7);
  trace::Ring trace;
  PacketPool pool;
  Udp& udp;
  Time now{};

  const Endpoint us = at("10.0.0.1", 53);
  const Endpoint peer = at("10.0.0.2", 40'000);
};

}  // namespace naru::udp::test
