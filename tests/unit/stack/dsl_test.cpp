// The language of the tests itself: what it expects and does not get has to fail.

#include <gtest/gtest-spi.h>

#include "dsl/fixture.hpp"
#include "link/gso.hpp"

namespace naru::test {
namespace {

struct Dsl : StackTest {
  // Runs the script, swallowing the exception that ends a failed one.
  template <class Script>
  static void attempt(Script script) {
    try {
      script();
    } catch (const ::testing::AssertionException&) {
    }
  }
};

TEST_F(Dsl, SaysWhichFieldDiffers) {
  wire.listener();
  peer.inject(tcp().syn().mss(1460));
  const std::string expected = "ack is 1, expected 2";
  EXPECT_NONFATAL_FAILURE(attempt([&] { peer.expect(tcp().syn().ack(2)); }), expected);
  peer.inject(tcp().ack(1).seq(1));
  wire.listener().accept().send_stream(10);
  EXPECT_NONFATAL_FAILURE(attempt([&] { peer.expect(tcp().ack().data("0123456789")); }),
                          "payload is wrong at byte 0 of 10");
}

TEST_F(Dsl, ComparesFlagsAsAWhole) {
  wire.listener();
  peer.inject(tcp().syn().mss(1460));
  EXPECT_NONFATAL_FAILURE(attempt([&] { peer.expect(tcp().syn()); }), "flags is SA, expected S");
}

TEST_F(Dsl, NoticesSilenceAndItsAbsence) {
  wire.listener();
  EXPECT_NONFATAL_FAILURE(attempt([&] { peer.expect(tcp().syn()); }), "nothing was sent");
  EXPECT_NONFATAL_FAILURE(attempt([&] { wire.expect(udp()); }), "nothing was sent");
  peer.inject(tcp().syn().mss(1460));
  EXPECT_NONFATAL_FAILURE(attempt([&] { peer.expect_silence(); }), "expected silence");
  EXPECT_NONFATAL_FAILURE(attempt([&] { wire.expect_silence(); }), "expected silence");
  EXPECT_NONFATAL_FAILURE(attempt([&] { wire.finish(); }), "not expected by the test");
  peer.drain();
}

TEST_F(Dsl, NoticesTheWrongTime) {
  wire.listener();
  peer.inject(tcp().syn().mss(1460));
  peer.expect(tcp().syn().ack(1));
  EXPECT_NONFATAL_FAILURE(attempt([&] { peer.expect_after(3s, tcp().syn().ack(1)); }), "too early");
  EXPECT_NONFATAL_FAILURE(attempt([&] { peer.expect_after(100ms, tcp().syn().ack(1)); }),
                          "nothing was sent");
}

TEST_F(Dsl, NoticesTheWrongBytes) {
  Socket server = establish(peer);
  peer.inject(tcp().ack().data("hello"));
  EXPECT_NONFATAL_FAILURE(attempt([&] { server.expect_read("hullo"); }), "expected \"hullo\"");
  EXPECT_NONFATAL_FAILURE(attempt([&] { server.expect_eof(); }), "would block");
  EXPECT_NONFATAL_FAILURE(attempt([&] { server.expect_recv(Error::reset); }), "would block");
  peer.inject(tcp().ack().data("not the stream"));
  EXPECT_NONFATAL_FAILURE(attempt([&] { server.expect_stream(14); }), "right up to byte 0");
  peer.drain();
}

// A socket that the test has let go, with data that nobody acknowledges: at the end
// TCP has given it up, and nothing is left.
TEST_F(Dsl, WaitsForOrphansAtTheEnd) {
  Socket server = establish(peer);
  server.send_stream(1000);
  Socket::must(server.close());
  peer.drain();
  const Time before = wire.now();
  wire.finish();
  EXPECT_GT(wire.now() - before, 30s);
}

TEST_F(Dsl, KnowsWrongFrames) {
  const Path path = Wire::path_from(Wire::kPeer);
  const auto flaw_of = [](Buffer bytes) { return flaw({Time(), std::move(bytes)}); };
  EXPECT_EQ(flaw_of(udp().data("x").render(path)), "");
  EXPECT_EQ(flaw_of(udp().data("x").bad_checksum().render(path)), "wrong UDP checksum");
  EXPECT_EQ(flaw_of(udp().data("x").bad_ip_checksum().render(path)), "wrong IPv4 header checksum");
  EXPECT_EQ(flaw_of(udp().data("x").length(99).render(path)), "wrong UDP length");
  EXPECT_EQ(flaw_of(udp().total_length(99).render(path)), "malformed IPv4 header");
  EXPECT_EQ(flaw_of(icmp(8).bad_checksum().render(path)), "wrong ICMP checksum");
  EXPECT_EQ(flaw_of(tcp().syn().bad_checksum().render({.path = path})), "wrong TCP checksum");
  EXPECT_EQ(flaw_of(tcp().syn().data_offset(4).render({.path = path})), "malformed TCP header");
  EXPECT_EQ(flaw_of(arp().truncate(27).render(path)), "malformed ARP packet");
  EXPECT_EQ(flaw_of(Buffer(13)), "frame shorter than its header");
}

// Two ways to cut a large segment, written apart from each other.
TEST_F(Dsl, CutsLargeSegmentsAsTheLinkRoomDoes) {
  const Buffer payload = stream(0, 5000);
  const Buffer head = tcp()
                          .fin()
                          .psh()
                          .ack(7)
                          .seq(0xffff'f000)
                          .sport(1)
                          .dport(2)
                          .render({.path = Wire::path_from(Wire::kPeer)});
  TxFrame frame;
  std::copy(head.begin(), head.end(), frame.header.begin());
  frame.header_length = static_cast<std::uint16_t>(head.size());
  frame.network_offset = 14;
  frame.transport_offset = 34;
  frame.gso_size = 1448;
  frame.needs_checksum = true;
  frame.protocol = Protocol::tcp;
  frame.span_count = 2;
  frame.spans[0] = Bytes(payload).first(1999);
  frame.spans[1] = Bytes(payload).subspan(1999);
  frame.payload_length = 5000;
  store_be16(frame.header.data() + 16, static_cast<std::uint16_t>(head.size() - 14 + 5000));
  store_be16(frame.header.data() + 24, 0);
  store_be16(frame.header.data() + 24, slow_checksum({frame.header.data() + 14, 20}));
  frame.pseudo_sum = wire::pseudo_header_sum(Wire::kPeer, Wire::kHost, Protocol::tcp, 0);

  const std::vector<Buffer> naive = on_the_wire(frame);
  ASSERT_EQ(naive.size(), 4U);
  link::Cutter cutter(frame);
  for (const Buffer& expected : naive) {
    ASSERT_FALSE(cutter.done());
    Buffer actual(std::max<std::size_t>(cutter.size(), link::Cutter::kMinRoom));
    const std::size_t size = cutter.size();
    cutter.write(actual.data());
    actual.resize(size);
    EXPECT_EQ(actual, expected);
    EXPECT_EQ(flaw({Time(), expected}), "");
  }
  EXPECT_TRUE(cutter.done());
}

TEST_F(Dsl, RecordsItsChecks) {
  NARU_CHECKS("TCS-001", "TCS-002");
  NARU_CHECKS("TCS-003");
  const auto* result = ::testing::UnitTest::GetInstance()->current_test_info()->result();
  ASSERT_EQ(result->test_property_count(), 1);
  EXPECT_STREQ(result->GetTestProperty(0).value(), "TCS-001 TCS-002 TCS-003");
  ::testing::Test::RecordProperty("checks", "");  // this test checks none of them
}

}  // namespace
}  // namespace naru::test
