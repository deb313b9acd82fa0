// Addresses: which a connection has, which it may not have, and the IP options of
// segments (RFC 9293 3.9.1, 3.9.2.1, 3.9.2.3).

#include <algorithm>

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

const IpAddr kSecond = ip4("10.0.0.9");
const IpAddr kLimitedBroadcast = ip4("255.255.255.255");
const IpAddr kDirectedBroadcast = ip4("10.0.0.255");
const IpAddr kGroup = ip4("224.0.0.1");  // every host is a member

struct LocalAddress : StackTest {
  LocalAddress() {
    EXPECT_TRUE(wire.stack().add_address(wire.interface(), {kSecond, 24}).has_value());
  }
};

TEST_F(LocalAddress, IsChosenBeforeTheSyn) {
  NARU_CHECKS("TCB-063");
  Socket socket = wire.tcp_socket();
  EXPECT_EQ(socket.local().addr, IpAddr::any_v4());
  ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
  EXPECT_EQ(socket.local().addr, Wire::kHost);
  EXPECT_NE(socket.local().port, 0);
  peer.expect(tcp().syn().src(Wire::kHost).sport(socket.local().port));
}

TEST_F(LocalAddress, IsTheOneAskedFor) {
  NARU_CHECKS("TCB-063");
  Socket socket = wire.tcp_socket();
  Socket::must(socket.bind({kSecond, 0}));
  ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
  peer.expect(tcp().syn().src(kSecond));
  peer.inject(tcp().syn().ack().mss(1460).dst(kSecond));
  peer.expect(tcp().ack(1).src(kSecond));
  EXPECT_EQ(socket.local().addr, kSecond);
}

TEST_F(LocalAddress, OfAPassiveOpenIsWhereTheSynWent) {
  NARU_CHECKS("TCB-063");
  wire.listener();
  peer.inject(plain_syn().syn().dst(kSecond));
  peer.expect(tcp().syn().ack(1).src(kSecond));
  peer.inject(tcp().ack().dst(kSecond));
  EXPECT_EQ(wire.listener().accept().local().addr, kSecond);
}

TEST_F(LocalAddress, OfSomebodyElseIsRefused) {
  NARU_CHECKS("TCB-063", "TCB-064");
  for (const IpAddr& addr :
       {Wire::kPeer, ip4("192.0.2.1"), kLimitedBroadcast, kGroup, kDirectedBroadcast}) {
    Socket socket = wire.tcp_socket();
    EXPECT_EQ(socket.bind({addr, 0}).error(), Error::address_not_available) << addr.to_string();
  }
}

// Another network card with an address of its own, and then the way to the peer.
TEST_F(LocalAddress, StaysWhenTheRouteChanges) {
  NARU_CHECKS("TCB-063");
  Peer far(wire, ip4("192.0.2.7"));
  Socket socket = establish(far, Open::active);
  RawLink card;
  card.address = MacAddr{{0x02, 0, 0, 0, 0, 2}};
  Stack& stack = wire.stack();
  const std::uint8_t second_card = *stack.add_interface("eth1", card);
  ASSERT_TRUE(stack.add_address(second_card, {ip4("172.16.0.1"), 16}));
  ASSERT_TRUE(stack.add_route({ip4("192.0.2.0"), 24}, ip4("172.16.0.254"), second_card));

  socket.send("by another way");
  const auto asked = std::ranges::find_if(card.sent, [](const Frame& f) { return f.is_arp(); });
  ASSERT_NE(asked, card.sent.end());
  card.sent.clear();
  const MacAddr gateway{{0x02, 0, 0, 0, 0, 3}};
  card.waiting.push_back(
      arp()
          .is_at(ip4("172.16.0.254"), gateway)
          .render({gateway, card.address, ip4("172.16.0.254"), ip4("172.16.0.1")}));
  wire.settle();
  ASSERT_EQ(card.sent.size(), 1U);
  EXPECT_EQ(card.sent[0].ipv4().src(), Wire::kHost);
  EXPECT_EQ(card.sent[0].ipv4().dst(), far.endpoint().addr);
  EXPECT_EQ(socket.local().addr, Wire::kHost);
  far.expect_silence();

  Socket newer = wire.tcp_socket();
  ASSERT_EQ(newer.connect(far.endpoint()).error(), Error::in_progress);
  EXPECT_EQ(newer.local().addr, ip4("172.16.0.1")) << "a new connection takes the new way's";
  Socket::must(newer.abort());
  Socket::must(socket.abort());
  wire.settle();
  stack.replace_link(second_card, nullptr);
}

struct RemoteAddress : StackTest {};

TEST_F(RemoteAddress, OfManyIsRefused) {
  NARU_CHECKS("TCB-064");
  for (const IpAddr& addr : {kLimitedBroadcast, kDirectedBroadcast, kGroup, ip4("239.1.2.3"),
                             *IpAddr::parse("ff02::1")}) {
    Socket socket = wire.tcp_socket();
    EXPECT_EQ(socket.connect({addr, 80}).error(), Error::network_unreachable) << addr.to_string();
    EXPECT_EQ(socket.state(), TcpState::closed);
    EXPECT_EQ(socket.take_error(), Error::none);
  }
  wire.expect_silence(10s);
}

TEST_F(RemoteAddress, WithoutAMeaningIsRefused) {
  NARU_CHECKS("TCB-064");
  Socket socket = wire.tcp_socket();
  EXPECT_EQ(socket.connect({ip4("10.0.0.2"), 0}).error(), Error::refused) << "as Linux";
  wire.expect_silence(10s);
}

// --- segments with IP options ----------------------------------------------------------

struct IpOptions : StackTest {};

TEST_F(IpOptions, ThatTcpDoesNotKnowAreIgnored) {
  NARU_CHECKS("TCB-069");
  const Buffer record_route{7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Buffer timestamp{68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Buffer router_alert{148, 4, 0, 0};
  const Buffer unknown{222, 6, 1, 2, 3, 4, 1, 1};
  std::uint16_t port = 41'000;
  for (const Buffer& options : {record_route, timestamp, router_alert, unknown}) {
    peer.restart(++port);
    wire.listener();
    peer.inject(plain_syn().syn().ip_options(options));
    peer.expect(tcp().syn().ack(1));
    peer.inject(tcp().ack().ip_options(options));
    Socket socket = wire.listener().accept();
    peer.inject(tcp().ack().data("hello").ip_options(options));
    socket.expect_read("hello");
    wire.advance(500ms);
    peer.drain();
  }
}

TEST_F(IpOptions, SourceRoutesAreDropped) {
  NARU_CHECKS("TCB-070");
  constexpr std::uint8_t kLoose = 131;
  constexpr std::uint8_t kStrict = 137;
  wire.listener();
  Socket socket = establish(peer);
  for (const std::uint8_t kind : {kLoose, kStrict}) {
    for (const std::uint8_t pointer : {4, 8}) {  // on its way, and at its end
      const Buffer route{kind, 7, pointer, 10, 0, 0, 3, 0};
      wire.inject(tcp().sport(41'000).dport(80).syn().mss(1460).ip_options(route).render(
          {.path = Wire::path_from(Wire::kPeer)}));
      wire.inject(peer.preview(tcp().ack().data("routed").ip_options(route)));
    }
  }
  wire.expect_silence(1s);
  socket.expect_nothing();
  EXPECT_EQ(wire.stack().counters().get(Drop::ip_source_route), 8U);
}

// --- segments that must not be answered ---------------------------------------------------

struct Unanswerable : StackTest {
  Unanswerable() { wire.listener(); }

  void expect_ignored(const Segment& segment, const std::string& name) {
    SCOPED_TRACE(name);
    wire.inject(segment.render({.sport = 41'000, .dport = 80, .path = path}));
    wire.expect_silence();
    EXPECT_EQ(wire.stack().usage().connections, 1U);
  }
  Path path = Wire::path_from(Wire::kPeer);
};

TEST_F(Unanswerable, WhatWentToMany) {
  NARU_CHECKS("TCB-075");
  for (const IpAddr& to : {kLimitedBroadcast, kDirectedBroadcast, kGroup, ip4("224.0.0.251")}) {
    for (const MacAddr& mac : {Wire::mac_of(Wire::kHost), MacAddr::broadcast()}) {
      for (const std::uint16_t port : {80, 4711}) {  // somebody listens, and nobody
        for (const Segment& segment :
             {plain_syn().syn(), tcp().ack(1).data("x"), tcp().fin().ack(1), tcp().rst()}) {
          expect_ignored(Segment(segment).dst(to).mac_dst(mac).dport(port), to.to_string());
        }
      }
    }
  }
  wire.expect_silence(10s);
}

TEST_F(Unanswerable, WhatCameByABroadcastFrame) {
  NARU_CHECKS("TCB-075");
  for (const MacAddr& mac : {MacAddr::broadcast(), MacAddr{{0x01, 0, 0x5e, 0, 0, 1}}}) {
    expect_ignored(plain_syn().syn().mac_dst(mac), mac.to_string());
    expect_ignored(tcp().ack(1).mac_dst(mac), mac.to_string());
  }
  wire.expect_silence(10s);
}

// Also the data of a live connection, when a broadcast frame carries it.
TEST_F(Unanswerable, ALiveConnectionTakesNothingFromABroadcast) {
  NARU_CHECKS("TCB-075");
  Socket socket = establish(peer);
  wire.inject(peer.preview(tcp().ack().data("x").mac_dst(MacAddr::broadcast())));
  wire.inject(peer.preview(tcp().rst().seq(1).mac_dst(MacAddr::broadcast())));
  wire.expect_silence(1s);
  socket.expect_nothing();
  EXPECT_EQ(socket.state(), TcpState::established);
}

TEST_F(Unanswerable, WhatCameFromAnAddressThatNobodyHas) {
  NARU_CHECKS("TCB-076");
  for (const char* from :
       {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "224.0.0.1", "239.255.255.250",
        "255.255.255.255", "10.0.0.255", "240.0.0.1", "10.0.0.1"}) {
    for (const std::uint16_t port : {80, 4711}) {
      expect_ignored(plain_syn().syn().src(ip4(from)).dport(port), from);
      expect_ignored(tcp().ack(1).src(ip4(from)).dport(port), from);
    }
  }
  wire.expect_silence(10s);
}

// The host's own address and port: a connection with itself (the LAND attack).
TEST_F(Unanswerable, ASynFromTheListenerItself) {
  NARU_CHECKS("TCB-076");
  expect_ignored(plain_syn().syn().src(Wire::kHost).sport(80).dport(80), "LAND");
  wire.expect_silence(10s);
}

}  // namespace
}  // namespace naru::test
