// Questions over TCP: one connection for all of them (RFC 7766).
#include <algorithm>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::resolver::test {
namespace {

// The sockets of a stack, and what is written to its streams.
class WatchedNetwork final : public Network {
 public:
  WatchedNetwork(Stack& stack, std::vector<Buffer>& writes)
      : network_(stack_network(stack)), writes_(writes) {}

  Time now() const override { return network_->now(); }
  Result<int> open(Kind kind, bool is_v6) override {
    const auto socket = network_->open(kind, is_v6);
    if (socket && kind == Kind::stream) stream_ = *socket;
    return socket;
  }
  void close(int socket) override { network_->close(socket); }
  Status bind(int socket, const Endpoint& local) override { return network_->bind(socket, local); }
  Status connect(int socket, const Endpoint& remote) override {
    return network_->connect(socket, remote);
  }
  Result<std::size_t> send(int socket, Bytes data) override {
    if (socket == stream_) writes_.emplace_back(data.begin(), data.end());
    return network_->send(socket, data);
  }
  Result<std::size_t> recv(int socket, MutableBytes out) override {
    return network_->recv(socket, out);
  }
  Result<Endpoint> local(int socket) const override { return network_->local(socket); }
  std::uint8_t readiness(int socket) const override { return network_->readiness(socket); }

 private:
  std::unique_ptr<Network> network_;
  std::vector<Buffer>& writes_;
  int stream_ = -1;
};

class TcpTest : public ResolverTest {
 protected:
  // Every answer is too long for a datagram. Over TCP the server answers when told to.
  TcpTest() {
    server.answers = [](const Asked& asked) {
      if (asked.over_tcp) return Buffers();
      return Buffers{Response{.is_truncated = true}.to(asked.bytes)};
    };
    resolver.emplace(std::make_unique<WatchedNetwork>(a.stack(), writes), config(),
                     Random::seeded(7));
  }
  void ask_for(const std::string& name) {
    resolver->ask(name, DnsType::a, [this, name](const NameAnswer& answer) {
      told[name] =
          answer.records.empty() ? std::string(to_string(answer.outcome)) : first_address(answer);
    });
  }
  std::vector<Asked> asked_over_tcp() const {
    std::vector<Asked> over_tcp;
    std::ranges::copy_if(server.asked, std::back_inserter(over_tcp), &Asked::over_tcp);
    return over_tcp;
  }
  void answer(const Asked& asked, std::string_view address) {
    const std::string name = asked.question.name.to_string();
    server.reply(asked, Response{.answers = {v4(name, address)}}.to(asked.bytes));
  }

  std::vector<Buffer> writes;
  std::map<std::string, std::string> told;
};

TEST_F(TcpTest, QuestionsShareAConnectionAndAreAnsweredInAnyOrder) {
  NARU_CHECKS("DNS-012", "DNS-013");
  for (const char* name : {"one.example", "two.example", "three.example"}) ask_for(name);
  run(100ms);
  const auto asked = asked_over_tcp();
  ASSERT_EQ(asked.size(), 3U) << "nobody waits for the answer to another";
  EXPECT_EQ(server.accepted, 1U);
  for (const std::size_t i : {2U, 0U, 1U}) {
    answer(asked[i], "192.0.2." + std::to_string(i));
    run(10ms);
    EXPECT_EQ(told[asked[i].question.name.folded().to_string()], "192.0.2." + std::to_string(i));
  }
}

TEST_F(TcpTest, LengthAndMessageLeaveInOneWrite) {
  NARU_CHECKS("DNS-013");
  ask_for("one.example");
  run(100ms);
  ask_for("two.example");
  run(100ms);
  ASSERT_EQ(writes.size(), 2U);
  for (const Buffer& write : writes) {
    EXPECT_EQ(write.size(), 2U + load_be16(write.data()));
    EXPECT_TRUE(wire::DnsMessageView::parse(Bytes(write).subspan(2)));
  }
}

TEST_F(TcpTest, NumbersAreTheirOwnOnAConnection) {
  NARU_CHECKS("DNS-013", "DNS-008");
  // Few packets wait for a neighbour's address: it is found out first.
  ask_for("n0.example");
  run(100ms);
  for (int i = 1; i < 90; ++i) ask_for("n" + std::to_string(i) + ".example");
  run(1s);
  const auto asked = asked_over_tcp();
  ASSERT_EQ(asked.size(), 90U);
  std::map<std::uint16_t, int> numbers;
  for (const Asked& a : asked) ++numbers[load_be16(a.bytes.data())];
  EXPECT_EQ(numbers.size(), 90U);
  EXPECT_EQ(server.accepted, 1U);
  for (const Asked& a : asked) answer(a, "192.0.2.1");
  run(1s);
  EXPECT_EQ(told.size(), 90U);
  EXPECT_TRUE(std::ranges::all_of(told, [](const auto& t) { return t.second == "192.0.2.1"; }));
}

TEST_F(TcpTest, AConnectionIsUsedAgainAndClosedWhenItIsIdle) {
  NARU_CHECKS("DNS-013");
  ask_for("one.example");
  run(100ms);
  answer(server.asked.back(), "192.0.2.1");
  run(5s);
  EXPECT_EQ(a->usage().connections, 1U);
  ask_for("two.example");
  run(100ms);
  answer(server.asked.back(), "192.0.2.2");
  run(100ms);
  EXPECT_EQ(told["two.example"], "192.0.2.2");
  EXPECT_EQ(server.accepted, 1U);
  run(11s);
  EXPECT_EQ(a->usage().connections, 0U) << "nobody has needed it for ten seconds";
}

TEST_F(TcpTest, AServerMayCloseWhatIsIdle) {
  NARU_CHECKS("DNS-013");
  ask_for("one.example");
  run(100ms);
  answer(server.asked.back(), "192.0.2.1");
  run(100ms);
  server.hang_up();
  run(100ms);
  ask_for("two.example");
  run(100ms);
  ASSERT_EQ(server.accepted, 2U);
  answer(server.asked.back(), "192.0.2.2");
  run(100ms);
  EXPECT_EQ(told["two.example"], "192.0.2.2");
}

TEST_F(TcpTest, AQuestionIsPutAgainWhenTheServerCloses) {
  NARU_CHECKS("DNS-013");
  ask_for("one.example");
  ask_for("two.example");
  run(100ms);
  answer(asked_over_tcp()[0], "192.0.2.1");
  server.hang_up();
  run(100ms);
  ASSERT_EQ(server.accepted, 2U);
  ASSERT_EQ(asked_over_tcp().size(), 3U) << "what was answered is not asked again";
  answer(server.asked.back(), "192.0.2.2");
  run(100ms);
  EXPECT_EQ(told.size(), 2U);
  EXPECT_EQ(told["two.example"], "192.0.2.2");
}

// Once: then it is the next attempt's turn, and in the end the question's.
TEST_F(TcpTest, AServerThatAlwaysClosesIsNotAskedForEver) {
  NARU_CHECKS("DNS-013", "DNS-040");
  ask_for("one.example");
  for (int i = 0; i < 50; ++i) {
    run(100ms);
    server.hang_up();
  }
  EXPECT_EQ(asked_over_tcp().size(), 4U) << "two attempts, each twice";
  EXPECT_EQ(told["one.example"], "timed out");
}

TEST_F(TcpTest, ALengthThatIsNoMessageEndsTheConnection) {
  NARU_CHECKS("DNS-014");
  for (const std::size_t size : {0U, 1U, 11U}) {
    told.clear();
    ask_for("n" + std::to_string(size) + ".example");
    run(100ms);
    server.reply(server.asked.back(), Buffer(size));
    run(100ms);
    ASSERT_TRUE(server.asked.back().over_tcp);
    answer(server.asked.back(), "192.0.2.1");  // the second attempt
    run(100ms);
    EXPECT_EQ(told["n" + std::to_string(size) + ".example"], "192.0.2.1") << size;
    run(11s);
  }
}

TEST_F(TcpTest, AMessageOfTheGreatestLengthIsTaken) {
  NARU_CHECKS("DNS-014");
  ask_for("one.example");
  run(100ms);
  const Asked asked = server.asked.back();
  Response response{.answers = {v4("one.example", "192.0.2.1")}};
  // A name of nothing but itself, the fixed fields, and what is left of 65535.
  const std::size_t used = response.to(asked.bytes).size() + 1 + 10;
  response.additionals = {{".", DnsType{65400}, 0, Buffer(65'535 - used)}};
  const Buffer message = response.to(asked.bytes);
  ASSERT_EQ(message.size(), 65'535U);
  Buffer framed{0xff, 0xff};
  framed.insert(framed.end(), message.begin(), message.end());
  for (std::size_t sent = 0; sent < framed.size(); run(10ms)) {
    const auto taken = b->send(asked.connection, Bytes(framed).subspan(sent));
    ASSERT_TRUE(taken);
    sent += *taken;
  }
  EXPECT_EQ(told["one.example"], "192.0.2.1");
}

// A message that stays shorter than it says it is does not hold the question up for ever.
TEST_F(TcpTest, AMessageThatNeverEndsIsNotWaitedFor) {
  NARU_CHECKS("DNS-014");
  ask_for("one.example");
  run(100ms);
  EXPECT_TRUE(b->send(server.asked.back().connection, Buffer{0xff, 0xff, 1, 2, 3}));
  run(12s);
  EXPECT_EQ(told["one.example"], "timed out");
  EXPECT_EQ(a->usage().connections, 0U);
}

TEST_F(TcpTest, AnswersOfNobodyAreIgnored) {
  NARU_CHECKS("DNS-006", "DNS-013");
  ask_for("one.example");
  run(100ms);
  Asked other = server.asked.back();
  other.bytes[1] ^= 1U;
  answer(other, "203.0.113.66");
  run(10ms);
  EXPECT_TRUE(told.empty());
  answer(server.asked.back(), "192.0.2.1");
  run(10ms);
  EXPECT_EQ(told["one.example"], "192.0.2.1");
}

// Forgers who guess numbers have to be on the way to take part in a connection.
TEST_F(TcpTest, WrongNumbersOverUdpLeadToTcp) {
  NARU_CHECKS("DNS-010");
  server.answers = [](const Asked& asked) {
    if (asked.over_tcp) {
      return Buffers{Response{.answers = {v4("www.example", "192.0.2.1")}}.to(asked.bytes)};
    }
    const Buffer right = Response{.answers = {v4("www.example", "203.0.113.66")}}.to(asked.bytes);
    Buffers guesses;
    for (std::uint8_t i = 1; i <= 3; ++i) {
      guesses.push_back(right);
      guesses.back()[1] ^= i;
    }
    guesses.push_back(right);  // too late: nobody listens there any more
    return guesses;
  };
  EXPECT_EQ(first_address(ask("www.example", DnsType::a, 1s)), "192.0.2.1");
  EXPECT_EQ(server.accepted, 1U);
}

TEST_F(TcpTest, FewerWrongNumbersDoNot) {
  NARU_CHECKS("DNS-009", "DNS-010");
  server.answers = [](const Asked& asked) {
    const Buffer right = Response{.answers = {v4("www.example", "192.0.2.1")}}.to(asked.bytes);
    Buffers said{right, right, right};
    said[0][0] ^= 1U;
    said[1][0] ^= 2U;
    return said;
  };
  EXPECT_EQ(first_address(ask("www.example", DnsType::a, 1s)), "192.0.2.1");
  EXPECT_EQ(server.accepted, 0U);
}

}  // namespace
}  // namespace naru::resolver::test
