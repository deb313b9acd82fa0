// Initial sequence numbers, as they are seen on the wire (RFC 9293 3.4.1, RFC 6528).

#include "dsl/fixture.hpp"
#include "unit/tcp/chi_square.hpp"

namespace naru::test {
namespace {

using Histogram = std::array<std::uint32_t, 256>;

// M ticks every 4 microseconds (RFC 6528 3): so often in 100 ms.
constexpr double kTicks = 25'000;

// What an outsider learns from the answer to a SYN, or from a SYN.
struct Answer {
  std::uint32_t isn = 0;
  std::uint32_t timestamp = 0;
  std::uint16_t ip_id = 0;
  std::uint16_t port = 0;
};

Answer read(const Frame& frame) {
  const wire::Ipv4View ip = frame.ipv4();
  const auto tcp = wire::TcpView::parse(ip.payload());
  const auto options = wire::TcpOptions::parse(tcp->options());
  return {tcp->seq(), options.timestamps ? options.timestamps->value : 0, ip.id(), tcp->src_port()};
}

// The host's answer to a SYN; the connection is taken back at once.
Answer ask(Wire& wire, const IpAddr& from, std::uint16_t port) {
  wire.inject(tcp().src(from).sport(port).dport(80).syn().seq(1).mss(1460).ts(1).render(
      {.path = Wire::path_from(from)}));
  if (wire.frames().size() != 1) {
    ADD_FAILURE() << "no answer to the SYN";
    return {};
  }
  const Answer answer = read(wire.drain().front());
  wire.inject(
      tcp().src(from).sport(port).dport(80).rst().seq(2).render({.path = Wire::path_from(from)}));
  return answer;
}

Answer ask(Wire& wire, std::uint32_t tuple) {
  return ask(wire, IpAddr::v4(0xc0000200U + tuple / 50'000),
             static_cast<std::uint16_t>(10'000 + tuple % 50'000));
}

class Isn : public StackTest {
 protected:
  Isn() { wire.listener(); }
};

// The same tuple a hundred times in ten seconds.
TEST_F(Isn, ALaterConnectionOfATupleStartsAhead) {
  NARU_CHECKS("TCB-012");
  std::uint32_t last = ask(wire, 1).isn;
  for (int i = 0; i < 100; ++i) {
    wire.advance(100ms);
    const std::uint32_t isn = ask(wire, 1).isn;
    EXPECT_NEAR(isn - last, kTicks, 1);
    last = isn;
  }
}

TEST_F(Isn, ALaterActiveOpenOfATupleStartsAhead) {
  NARU_CHECKS("TCB-012");
  peer.host_is_bound = true;
  std::uint32_t last = 0;
  for (int i = 0; i <= 100; ++i) {
    peer.restart(peer.port());
    Socket socket = reach(peer, TcpState::syn_sent, Open::active);
    const std::uint32_t passed = peer.irs() - last;
    EXPECT_TRUE(i == 0 || std::abs(passed - kTicks) <= 1) << passed;
    last = peer.irs();
    Socket::must(socket.abort());
    wire.advance(100ms);
  }
}

// At one time, so that nothing but F differs.
TEST_F(Isn, IsUniformOverTuples) {
  NARU_CHECKS("TCB-013");
  Histogram high{};
  Histogram low{};
  Histogram step{};
  std::uint32_t last = 0;
  for (std::uint32_t tuple = 0; tuple < 20'000; ++tuple) {
    const std::uint32_t isn = ask(wire, tuple).isn;
    ++high[isn >> 24U];
    ++low[isn & 0xffU];
    ++step[(isn - last) >> 24U];
    last = isn;
  }
  EXPECT_LT(deviations_from_uniform(high), 5);
  EXPECT_LT(deviations_from_uniform(low), 5);
  EXPECT_LT(deviations_from_uniform(step), 5) << "one tuple's number tells of the next one's";
}

// Another host with another secret, which a seed stands for here.
class TwoSecrets : public Isn {
 protected:
  TwoSecrets() {
    other.config.random = Random::seeded(2);
    other.listener();
  }
  void TearDown() override {
    other.finish();
    StackTest::TearDown();
  }
  // Of the difference between two fields, over many tuples.
  template <class Difference>
  void expect_independent(Difference&& difference) {
    Histogram histogram{};
    for (std::uint32_t tuple = 0; tuple < 10'000; ++tuple) {
      ++histogram[(difference(tuple) >> 24U) & 0xffU];
    }
    EXPECT_LT(deviations_from_uniform(histogram), 5);
  }

  Wire other;
};

TEST_F(TwoSecrets, GiveIndependentNumbers) {
  NARU_CHECKS("TCB-014");
  expect_independent([&](std::uint32_t t) { return ask(wire, t).isn - ask(other, t).isn; });
}

TEST_F(TwoSecrets, TimestampsTellNothing) {
  NARU_CHECKS("TCB-014");
  expect_independent([&](std::uint32_t t) {
    const Answer a = ask(wire, t);
    return a.isn - a.timestamp;
  });
}

TEST_F(TwoSecrets, IdentificationsTellNothing) {
  NARU_CHECKS("TCB-014");
  wire.set(Option::tcp_path_mtu_discovery, 0);
  expect_independent([&](std::uint32_t t) {
    const Answer a = ask(wire, t);
    return a.isn - (std::uint32_t{a.ip_id} << 16U);
  });
}

TEST_F(TwoSecrets, CookiesTellNothing) {
  NARU_CHECKS("TCB-014");
  expect_independent([&](std::uint32_t t) {
    wire.set(Option::tcp_syn_cookies, 0);
    const std::uint32_t isn = ask(wire, t).isn;
    wire.set(Option::tcp_syn_cookies, 2);
    return isn - ask(wire, t).isn;
  });
}

TEST_F(TwoSecrets, PortsTellNothing) {
  NARU_CHECKS("TCB-014");
  Histogram high{};
  for (int i = 0; i < 5'000; ++i) {
    Socket socket = wire.tcp_socket();
    ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
    const Answer a = read(peer.waiting().back());
    ++high[((a.isn >> 16U) - a.port) >> 8U & 0xffU];
    Socket::must(socket.abort());
    peer.drain();
  }
  EXPECT_LT(deviations_from_uniform(high), 5);
}

}  // namespace
}  // namespace naru::test
