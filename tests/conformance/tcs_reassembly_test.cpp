// Segments out of order and on top of each other, against an oracle that knows of
// every byte whether, and with which value, it came first.

#include <algorithm>
#include <map>
#include <numeric>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

struct Piece {
  std::uint32_t left;
  std::uint32_t right;
};

// What a receiver must hold: each byte as it was first accepted (numbers of the peer).
class Received {
 public:
  // Gives the bytes of the piece that had come before.
  std::vector<std::uint32_t> add(const Piece& piece, Bytes data) {
    std::vector<std::uint32_t> duplicates;
    for (std::uint32_t at = piece.left; at < piece.right; ++at) {
      if (!bytes_.emplace(at, data[at - piece.left]).second) duplicates.push_back(at);
    }
    return duplicates;
  }
  bool has(std::uint32_t at) const { return bytes_.contains(at); }
  std::uint32_t ack() const {
    std::uint32_t next = 1;
    while (has(next)) ++next;
    return next;
  }
  // The whole run of bytes around one that was received.
  wire::SackBlock run(std::uint32_t at) const {
    wire::SackBlock block{at, at};
    while (has(block.left - 1)) --block.left;
    while (has(block.right)) ++block.right;
    return block;
  }
  std::string text(std::uint32_t end) const {
    std::string out;
    for (std::uint32_t at = 1; at < end; ++at) out += static_cast<char>(bytes_.at(at));
    return out;
  }

 private:
  std::map<std::uint32_t, std::uint8_t> bytes_;
};

class Order : public SequenceTest {
 protected:
  void SetUp() override {
    SequenceTest::SetUp();
    socket = establish(plain_syn().sack_ok());
  }

  // Sends a piece and checks the answer against RFC 2018 4 and RFC 2883 4.
  void send(const Piece& piece, const Buffer& data) {
    const std::uint32_t before = received.ack();
    const std::vector<std::uint32_t> duplicates = received.add(piece, data);
    peer.inject(tcp().ack().seq(piece.left).data(data));
    wire.advance(500ms);
    const std::vector<Seen> answers = peer.drain();
    ASSERT_FALSE(answers.empty());
    const Seen& answer = answers.back();
    EXPECT_EQ(answer.ack, received.ack());
    check_sack(piece, duplicates, before, answer);
  }
  void send(const Piece& piece) { send(piece, stream(piece.left - 1, piece.right - piece.left)); }

  void check_sack(const Piece& piece, const std::vector<std::uint32_t>& duplicates,
                  std::uint32_t before, const Seen& answer) {
    std::vector<wire::SackBlock> blocks = answer.sack;
    const bool all_duplicate = duplicates.size() == piece.right - piece.left;
    if (!blocks.empty() && is_duplicate_report(blocks, answer.ack)) {
      for (std::uint32_t at = blocks[0].left; at < blocks[0].right; ++at) {
        EXPECT_TRUE(std::ranges::count(duplicates, at)) << "D-SACK of a byte that came once";
      }
      blocks.erase(blocks.begin());
    } else {
      EXPECT_FALSE(all_duplicate) << "a duplicate was not reported";
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_TRUE(received.has(blocks[i].left));
      EXPECT_EQ(blocks[i], received.run(blocks[i].left)) << "block " << i << " is not a whole run";
      for (std::size_t j = 0; j < i; ++j) EXPECT_NE(blocks[i], blocks[j]) << "reported twice";
    }
    // The newest comes first (RFC 2018 4).
    if (answer.ack == before && piece.right > answer.ack) {
      ASSERT_FALSE(blocks.empty());
      EXPECT_EQ(blocks[0], received.run(std::max(piece.left, answer.ack)));
    }
  }

  // RFC 2883 4: the first block lies below the ACK or inside the second.
  static bool is_duplicate_report(const std::vector<wire::SackBlock>& blocks, std::uint32_t ack) {
    if (blocks[0].left < ack) return true;
    return blocks.size() > 1 && blocks[1].left <= blocks[0].left &&
           blocks[0].right <= blocks[1].right;
  }

  void start_again() {
    Socket::must(socket.abort());
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(static_cast<std::uint16_t>(peer.port() + 1));
    socket = establish(plain_syn().sack_ok());
    received = {};
  }

  Socket socket;
  Received received;
};
NARU_ALL_NUMBERINGS(Order);

TEST_P(Order, All120OfFiveSegments) {
  NARU_CHECKS("TCS-052", "TCB-078");
  std::array<std::uint32_t, 5> order{};
  std::iota(order.begin(), order.end(), 0U);
  do {
    for (const std::uint32_t i : order) {
      send({1 + 100 * i, 101 + 100 * i});
      if (HasFailure()) return;
    }
    socket.expect_stream(500);
    start_again();
  } while (std::ranges::next_permutation(order).found);
}

// Each segment comes twice.
TEST_P(Order, All120WithDuplicates) {
  NARU_CHECKS("TCS-052");
  std::array<std::uint32_t, 5> order{};
  std::iota(order.begin(), order.end(), 0U);
  do {
    for (const std::uint32_t i : order) {
      send({1 + 100 * i, 101 + 100 * i});
      send({1 + 100 * i, 101 + 100 * i});
      if (HasFailure()) return;
    }
    socket.expect_stream(500);
    start_again();
  } while (std::ranges::next_permutation(order).found);
}

// All pairs of segments between five marks: apart, touching, equal, inside, across.
std::vector<Piece> pieces() {
  std::vector<Piece> all;
  for (std::uint32_t left = 0; left < 5; ++left) {
    for (std::uint32_t right = left + 1; right <= 5; ++right) {
      all.push_back({1 + 100 * left, 1 + 100 * right});
    }
  }
  return all;
}

TEST_P(Order, AllOverlapsOfTwo) {
  NARU_CHECKS("TCS-052", "TCS-019");
  for (const Piece& first : pieces()) {
    for (const Piece& second : pieces()) {
      SCOPED_TRACE(std::to_string(first.left) + ":" + std::to_string(first.right) + " and " +
                   std::to_string(second.left) + ":" + std::to_string(second.right));
      send(first);
      send(second);
      send({1, 501});
      if (HasFailure()) return;
      socket.expect_stream(500);
      start_again();
    }
  }
}

// The same with other bytes in each: the first accepted ones count.
TEST_P(Order, OverlapsWithOtherContent) {
  NARU_CHECKS("TCS-051");
  for (const Piece& first : pieces()) {
    for (const Piece& second : pieces()) {
      SCOPED_TRACE(std::to_string(first.left) + ":" + std::to_string(first.right) + " and " +
                   std::to_string(second.left) + ":" + std::to_string(second.right));
      send(first, Buffer(first.right - first.left, 'A'));
      send(second, Buffer(second.right - second.left, 'B'));
      send({1, 501}, Buffer(500, 'C'));
      if (HasFailure()) return;
      socket.expect_read(received.text(501));
      start_again();
    }
  }
}

// What the program may already have read is never given again.
TEST_P(Order, DeliveredBytesNeverChange) {
  NARU_CHECKS("TCS-051");
  send({1, 101}, Buffer(100, 'A'));
  socket.expect_read(std::string(100, 'A'));
  send({1, 101}, Buffer(100, 'B'));
  socket.expect_nothing();
  send({51, 151}, Buffer(100, 'C'));
  socket.expect_read(std::string(50, 'C'));
}

// Random pieces in random order, each byte at least once.
TEST_P(Order, AnyPiecesInAnyOrder) {
  NARU_CHECKS("TCS-052", "TCS-051");
  Random random = Random::seeded(52);
  for (int round = 0; round < 20; ++round) {
    constexpr std::uint32_t kEnd = 1 + 40 * 73;
    while (received.ack() < kEnd) {
      const std::uint32_t left = 1 + 73 * random.below(40);
      send({left, std::min(kEnd, left + 1 + random.below(400))});
      if (HasFailure()) return;
    }
    socket.expect_stream(kEnd - 1);
    start_again();
  }
}

}  // namespace
}  // namespace naru::test
