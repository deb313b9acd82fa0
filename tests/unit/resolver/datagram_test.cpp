// The datagrams that questions are: never in fragments, neither there nor back (RFC 9715).
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::resolver::test {
namespace {

class DatagramTest : public ResolverTest {
 protected:
  // The frame in which a question leaves, once the server's MAC address is known.
  Buffer frame_of_question(const Endpoint& server_address) {
    ResolverConfig config;
    config.servers = {server_address};
    use(config);
    serve({});
    ask("first.example", DnsType::a);
    resolver->ask("second.example", DnsType::a, [](const NameAnswer&) {});
    a->poll(now);
    if (wire.waiting_count(wire.b()) != 1) return {};
    const MutableBytes waiting = wire.waiting(wire.b(), 0);
    const Buffer frame(waiting.begin(), waiting.end());
    run(1s);
    return frame;
  }
  static constexpr std::size_t kEthernet = 14;

  std::optional<NameServer> other;
};

TEST_F(DatagramTest, QuestionsLeaveWholeAndAskForWholeAnswers) {
  NARU_CHECKS("DNS-015", "DNS-017");
  use(config());
  serve({v4("www.example", "192.0.2.1")});
  ask("www.example", DnsType::a);
  ASSERT_EQ(server.asked.size(), 1U);
  EXPECT_EQ(server.asked[0].udp_payload, wire::kDnsUdpPayload);
  EXPECT_EQ(wire::kDnsUdpPayload, 1232);
}

TEST_F(DatagramTest, RoutersMayNotCutThem) {
  NARU_CHECKS("DNS-017");
  const Buffer frame = frame_of_question(kServer);
  ASSERT_GT(frame.size(), kEthernet + 20);
  constexpr unsigned kDontFragment = 0x4000;
  EXPECT_EQ(load_be16(frame.data() + kEthernet + 6), kDontFragment);
}

TEST_F(DatagramTest, NorDoesIpv6) {
  NARU_CHECKS("DNS-017");
  constexpr IpAddr kServer6 = IpAddr::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
  ASSERT_TRUE(a->add_address(1, *Prefix::parse("fd00::1/64")));
  ASSERT_TRUE(b->add_address(1, {kServer6, 64}));
  advance(5s);
  other.emplace(b.stack(), Endpoint{kServer6, 53});
  other->answers = [](const Asked& asked) { return Buffers{Response{}.to(asked.bytes)}; };
  helper = &*other;
  const Buffer frame = frame_of_question({kServer6, 53});
  ASSERT_GT(frame.size(), kEthernet + 40);
  constexpr unsigned kUdp = 17;
  EXPECT_EQ(frame[kEthernet + 6], kUdp) << "no fragment header";
}

}  // namespace
}  // namespace naru::resolver::test
