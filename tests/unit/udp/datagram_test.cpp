// Datagrams in and out of a socket.
#include <vector>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::udp::test {
namespace {

TEST_F(UdpTest, ChecksTheLengthField) {
  NARU_CHECKS("UDP-001", "UDP-022");
  const Handle h = bound(us);
  for (const std::uint16_t length : {0, 7, 12}) {
    Buffer d = datagram(peer, us, {1, 2, 3});
    store_be16(d.data() + 4, length);
    EXPECT_EQ(input(packet(peer, us, d)), Drop::udp_malformed) << length;
  }
  for (std::size_t size = 0; size < 8; ++size) {
    Buffer d = datagram(peer, us, {});
    d.resize(size);
    EXPECT_EQ(input(packet(peer, us, d)), Drop::udp_malformed);
  }
  Buffer d = datagram(peer, us, {'a', 'b'});
  d.push_back('c');  // behind the datagram's end
  EXPECT_EQ(input(packet(peer, us, d)), Drop::none);
  EXPECT_EQ(read(h), "ab");
}

TEST_F(UdpTest, VerifiesTheChecksumUnlessItIsZeroOrVouchedFor) {
  NARU_CHECKS("UDP-002", "LNK-011", "UDP-004");
  const Handle h = bound(us);
  Buffer bad = datagram(peer, us, {1, 2, 3});
  bad[6] ^= 0x40;
  EXPECT_EQ(input(packet(peer, us, bad)), Drop::udp_bad_checksum);
  Packet* vouched = packet(peer, us, bad);
  vouched->checksum = ChecksumState::good;
  EXPECT_EQ(input(vouched), Drop::none);
  Buffer none = datagram(peer, us, {1, 2, 3});
  none[6] = none[7] = 0;
  EXPECT_EQ(input(packet(peer, us, none)), Drop::none);
  EXPECT_EQ(udp.find(h)->received.size(), 2U);

  const Handle six = bound(at("2001:db8::1", 53));
  const Endpoint us6 = at("2001:db8::1", 53);
  const Endpoint peer6 = at("2001:db8::2", 1);
  Buffer none6 = datagram(peer6, us6, {1, 2, 3});
  EXPECT_EQ(input(packet(peer6, us6, none6)), Drop::none);
  none6[6] = none6[7] = 0;
  EXPECT_EQ(input(packet(peer6, us6, none6)), Drop::udp_bad_checksum);
  EXPECT_EQ(udp.find(six)->received.size(), 1U);
}

TEST_F(UdpTest, LeavesADatagramForAClosedPortToItsCaller) {
  NARU_CHECKS("UDP-006");
  Packet* p = packet(peer, us, datagram(peer, us, {1}));
  const std::uint8_t* data = p->data;
  EXPECT_EQ(udp.input(p, false, now), Drop::udp_no_port);
  EXPECT_EQ(p->data, data);
  pool.give_back(p);
  EXPECT_EQ(counters.get(Drop::udp_no_port), 1U);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(UdpTest, TakesSourcePortZeroAndNoDestinationPortZero) {
  NARU_CHECKS("UDP-007");
  const Handle h = bound(us);
  EXPECT_EQ(receive(at("10.0.0.2", 0), us), Drop::none);
  EXPECT_EQ(receive(peer, at("10.0.0.1", 0)), Drop::udp_malformed);
  EXPECT_EQ(udp.send(h, bytes("x"), {.remote = at("10.0.0.2", 0)}).error(), Error::invalid);
}

TEST_F(UdpTest, RefusesGroupSources) {
  NARU_CHECKS("UDP-008");
  bound(us);
  EXPECT_EQ(receive(at("224.0.0.9", 5), us), Drop::udp_bad_source);
  EXPECT_EQ(receive(at("255.255.255.255", 5), us), Drop::udp_bad_source);
}

TEST_F(UdpTest, KeepsMessagesApartAndCutsThemToTheReader) {
  NARU_CHECKS("UDP-013");
  const Handle h = bound(us);
  receive(peer, us, Buffer(100, 'x'));
  receive(peer, us, {'n', 'e', 'x', 't'});
  Buffer out(10);
  const auto r = udp.recv(h, out);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->size, 10U);
  EXPECT_EQ(r->full_size, 100U);
  EXPECT_EQ(read(h), "next");
}

TEST_F(UdpTest, DeliversEmptyDatagrams) {
  NARU_CHECKS("UDP-014");
  const Handle h = bound(us);
  receive(peer, us, {});
  EXPECT_TRUE(waits(h));
  Buffer out(10);
  const auto r = udp.recv(h, out);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->size, 0U);
  EXPECT_EQ(udp.recv(h, out).error(), Error::would_block);
  EXPECT_EQ(udp.send(h, Bytes(), {.remote = peer}), 0U);
  DatagramOut sent;
  ASSERT_TRUE(udp.next_datagram(sent));
  EXPECT_TRUE(sent.payload.empty());
  udp.done(now);
}

TEST_F(UdpTest, BoundsTheReceiveQueueByTheMemoryItHolds) {
  NARU_CHECKS("UDP-015", "UDP-016");
  const Handle flooded = bound(us);
  const Handle other = bound(at("10.0.0.1", 54));
  const std::uint32_t limit = set(flooded).receive_buffer;
  for (int i = 0; i < 100'000; ++i) receive(peer, us, {1});
  const std::uint32_t held = pool.in_use() * (sizeof(Packet) + PacketPool::kSmallCapacity);
  EXPECT_LE(held, limit);
  EXPECT_GE(held, limit / 2);
  EXPECT_EQ(udp.find(flooded)->dropped + udp.find(flooded)->received.size(), 100'000U);
  EXPECT_EQ(receive(peer, at("10.0.0.1", 54), {'o'}), Drop::none);
  EXPECT_EQ(read(other), "o");
}

TEST_F(UdpTest, MovesSmallDatagramsOutOfLargeBuffers) {
  NARU_CHECKS("UDP-016");
  const Handle h = bound(us);
  const Buffer d = datagram(peer, us, {'s'});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(input(packet(peer, us, d, 60'000)), Drop::none);
  EXPECT_EQ(pool.large_in_use(), 0U);
  EXPECT_EQ(read(h), "s");
}

TEST_F(UdpTest, TakesOneDatagramThatIsLargerThanTheBuffer) {
  const Handle h = bound(us);
  set(h).receive_buffer = 2304;
  EXPECT_EQ(receive(peer, us, Buffer(60'000, 'x')), Drop::none);
  EXPECT_EQ(receive(peer, us, Buffer(60'000, 'x')), Drop::udp_buffer_full);
  EXPECT_EQ(read(h).size(), 60'000U);
}

TEST_F(UdpTest, CutsASegmentedSendIntoLegalDatagrams) {
  NARU_CHECKS("UDP-019");
  const Handle h = bound(us);
  Buffer data(3'000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 11);
  ASSERT_TRUE(udp.send(h, data, {.remote = peer, .segment_size = 1200}));
  Buffer sent;
  std::vector<std::size_t> sizes;
  for (DatagramOut out; udp.next_datagram(out);) {
    TxFrame frame;
    Udp::emit(out, 34, frame);
    EXPECT_EQ(frame.header_length, 42);
    EXPECT_EQ(load_be16(frame.header.data() + 34 + 4), 8 + out.payload.size());
    EXPECT_TRUE(frame.needs_checksum);
    EXPECT_EQ(frame.gso_size, 0);
    sizes.push_back(out.payload.size());
    sent.insert(sent.end(), out.payload.begin(), out.payload.end());
    udp.done(now);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1200, 1200, 600}));
  EXPECT_EQ(sent, data);
  EXPECT_EQ(udp.send(h, data, {.remote = peer, .segment_size = 40}).error(), Error::invalid);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(UdpTest, PeeksWithoutTaking) {
  NARU_CHECKS("UDP-021");
  const Handle h = bound(us);
  receive(peer, us, {'a', 'b', 'c'});
  Buffer out(2);
  for (int i = 0; i < 3; ++i) {
    const auto r = udp.recv(h, out, {.peek = true});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->size, 2U);
    EXPECT_EQ(r->full_size, 3U);
  }
  EXPECT_EQ(read(h), "abc");
  EXPECT_FALSE(waits(h));
}

TEST_F(UdpTest, RefusesDatagramsThatNoPacketCanCarry) {
  NARU_CHECKS("FR4-016");
  const Handle h = bound(us);
  const Buffer data(65'508);
  EXPECT_EQ(udp.send(h, data, {.remote = peer}).error(), Error::message_size);
  EXPECT_EQ(udp.send(h, Bytes(data).first(65'507), {.remote = peer}), 65'507U);
  flush();
}

}  // namespace
}  // namespace naru::udp::test
