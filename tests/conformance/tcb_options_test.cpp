// TCP options: lists that are odd, unknown, misplaced or broken (RFC 9293 3.1, 3.2).

#include <algorithm>

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

constexpr std::uint8_t kKnownKinds[] = {wire::kOptionMss, wire::kOptionWindowScale,
                                        wire::kOptionSackPermitted, wire::kOptionSack,
                                        wire::kOptionTimestamps};

// An option of this length whose data are all 7.
Buffer option(std::uint8_t kind, std::uint8_t length) {
  Buffer out{kind, length};
  if (length > 2) out.resize(length, 7);
  return out;
}

Buffer operator+(Buffer left, const Buffer& right) {
  append(left, right);
  return left;
}

const Buffer kMss700{2, 4, 0x02, 0xbc};

Buffer timestamps(std::uint32_t value) {
  Buffer out{8, 10};
  append32(out, value);
  append32(out, 0);
  return out;
}

class OptionList : public StackTest {
 protected:
  // A connection on a port of its own.
  Socket accept_with(const Segment& syn) {
    peer.restart(++port_);
    wire.listener();
    peer.inject(Segment(syn).syn());
    peer.expect(tcp().syn().ack(1));
    peer.inject(tcp().ack());
    return wire.listener().accept();
  }
  void expect_segments_of(Socket& socket, std::size_t size) {
    socket.send_stream(3 * size);
    for (int i = 0; i < 3; ++i) peer.expect(tcp().ack().length(size));
    peer.expect_silence();
    peer.inject(tcp().ack());
  }
  std::uint64_t malformed() { return wire.stack().counters().get(Drop::tcp_option_malformed); }

 private:
  std::uint16_t port_ = 41'000;
};

TEST_F(OptionList, EndNopAndMssAreUnderstood) {
  NARU_CHECKS("TCB-005");
  Socket socket = accept_with(tcp().raw_options({1, 1, 2, 4, 0x02, 0xbc, 1, 1}));
  expect_segments_of(socket, 700);
}

// Behind the end there is no option, even where it looks like one.
TEST_F(OptionList, WhatFollowsTheEndIsIgnored) {
  NARU_CHECKS("TCB-005");
  for (const Buffer& garbage : {Buffer{2, 4, 0, 100, 0}, Buffer{2, 0, 0, 0, 0},
                                Buffer{255, 255, 255, 255, 255}, Buffer{8, 10, 1, 1, 3}}) {
    Socket socket = accept_with(tcp().raw_options(Buffer{1, 1} + kMss700 + Buffer{0} + garbage));
    expect_segments_of(socket, 700);
    EXPECT_FALSE(socket.info().timestamps);
    Socket::must(socket.abort());
    peer.drain();
  }
}

TEST_F(OptionList, OptionsAreTakenInAnySegment) {
  NARU_CHECKS("TCB-006");
  Socket socket = accept_with(plain_syn().ts(100).sack_ok());
  const Buffer unknown = option(200, 6);
  peer.inject(tcp().ack().data("data").ts(200).raw_options(unknown));
  socket.expect_read("data");
  wire.advance(500ms);
  EXPECT_EQ(peer.next().options.timestamps->echo, 200U);

  socket.send_stream(3000);
  EXPECT_EQ(peer.drain().size(), 3U);
  peer.inject(tcp().ack(1).ts(300).sack({{1449, 2897}}));  // a pure ACK
  EXPECT_EQ(socket.info().sacked, 1U);
  peer.inject(tcp().ack(3001).ts(301).raw_options(unknown));
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 0);

  peer.inject(tcp().fin().ack().ts(400).raw_options(unknown));
  EXPECT_EQ(peer.expect(tcp().ack()).options.timestamps->echo, 400U);
  socket.expect_eof();
  peer.inject(tcp().rst().ts(500).raw_options(unknown));
  EXPECT_EQ(socket.take_error(), Error::broken_pipe);
}

TEST_F(OptionList, UnknownOnesAreSkippedInASyn) {
  NARU_CHECKS("TCB-007");
  for (const std::uint8_t kind : {253, 254, 200}) {
    for (std::uint8_t length = 2; length <= 40; ++length) {
      const bool has_mss = length <= 36;
      Socket socket =
          accept_with(tcp().raw_options(option(kind, length) + (has_mss ? kMss700 : Buffer{})));
      EXPECT_EQ(socket.info().send_mss, has_mss ? 700U : 536U) << int{kind} << ' ' << int{length};
      Socket::must(socket.abort());
      peer.expect(tcp().rst().ack());
    }
  }
  EXPECT_EQ(malformed(), 0U);
}

TEST_F(OptionList, UnknownOnesAreSkippedInData) {
  NARU_CHECKS("TCB-007");
  Socket socket = accept_with(plain_syn().ts(1));
  std::uint32_t now = 1;
  for (const std::uint8_t kind : {253, 254, 200}) {
    for (std::uint8_t length = 2; length <= 30; ++length) {
      peer.inject(tcp().ack().data("x").raw_options(option(kind, length) + timestamps(++now)));
      socket.expect_read("x");
      wire.advance(100ms);
      EXPECT_EQ(peer.drain().back().options.timestamps->echo, now);
    }
  }
  EXPECT_EQ(malformed(), 0U);
}

// Lengths that no such option can have, in lists of the smallest size.
std::vector<Buffer> broken_lists() {
  std::vector<Buffer> all;
  for (const std::uint8_t kind : {2, 3, 4, 5, 8, 34, 253}) {
    for (const std::uint8_t length : {0, 1}) all.push_back({kind, length, 0, 0});
    for (const std::uint8_t length : {5, 6, 10, 40, 255}) all.push_back({kind, length, 1, 1});
    all.push_back({1, 1, 1, kind});  // not even a length
  }
  for (const std::uint8_t length : {2, 3, 5, 6, 40}) all.push_back(option(2, length));
  for (const std::uint8_t length : {2, 4, 5}) all.push_back(option(3, length));
  for (const std::uint8_t length : {3, 4, 6}) all.push_back(option(4, length));
  for (std::uint8_t length = 3; length <= 40; ++length) {
    if (length % 8 != 2) all.push_back(option(5, length));
  }
  for (const std::uint8_t length : {2, 4, 9, 11, 12, 18}) all.push_back(option(8, length));
  return all;
}

TEST_F(OptionList, ABrokenOneDropsASyn) {
  NARU_CHECKS("TCB-008");
  wire.listener();
  std::uint64_t count = 0;
  for (const Buffer& list : broken_lists()) {
    peer.inject(tcp().syn().raw_options(list));
    peer.restart(peer.port());
    EXPECT_EQ(malformed(), ++count) << int{list[0]} << ' ' << int{list[1]};
  }
  peer.expect_silence(10s);
  EXPECT_EQ(wire.stack().usage().connections, 1U);
  peer.inject(plain_syn().syn());
  peer.expect(tcp().syn().ack(1));
}

TEST_F(OptionList, ABrokenOneDropsAnyOtherSegment) {
  NARU_CHECKS("TCB-008");
  Socket socket = accept_with(plain_syn().ts(1).sack_ok());
  socket.send("data");
  peer.expect(tcp().ack(1).data("data"));
  std::uint64_t count = 0;
  for (const Buffer& list : broken_lists()) {
    for (const Segment& segment :
         {tcp().ack(5).seq(1).data("x"), tcp().ack(5).seq(1), tcp().rst().seq(1),
          tcp().fin().ack(5).seq(1), tcp().syn().seq(1)}) {
      wire.inject(peer.preview(Segment(segment).raw_options(list)));
      EXPECT_EQ(malformed(), ++count) << int{list[0]} << ' ' << int{list[1]};
    }
  }
  peer.expect_silence(100ms);
  socket.expect_nothing();
  EXPECT_EQ(socket.state(), TcpState::established);
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 4);
  peer.inject(tcp().ack().data("good").ts(2));
  socket.expect_read("good");
  peer.drain();
}

// RFC 7413 4.1.1 wants a Fast Open option of a wrong length ignored.
TEST_F(OptionList, AFastOpenCookieOfAWrongLengthIsIgnored) {
  NARU_CHECKS("TCB-008");
  for (const std::uint8_t length : {3, 4, 5, 7, 19, 20, 36}) {
    Socket socket = accept_with(tcp().raw_options(option(34, length) + kMss700));
    EXPECT_EQ(socket.info().send_mss, 700U);
    Socket::must(socket.abort());
    peer.drain();
  }
}

TEST_F(OptionList, OptionsNeedNoAlignment) {
  NARU_CHECKS("TCB-009");
  Socket socket = accept_with(plain_syn().ts(1).sack_ok());
  for (std::uint8_t nops = 0; nops <= 30; ++nops) {
    peer.inject(tcp().ack().data("x").raw_options(Buffer(nops, 1) + timestamps(nops + 2U)));
    socket.expect_read("x");
    wire.advance(100ms);
    EXPECT_EQ(peer.drain().back().options.timestamps->echo, nops + 2U);
  }
}

TEST_F(OptionList, ASynsOptionsNeedNoAlignment) {
  NARU_CHECKS("TCB-009");
  const Buffer all = kMss700 + Buffer{4, 2} + timestamps(77) + Buffer{3, 3, 5};
  for (std::uint8_t nops = 0; nops <= 20; ++nops) {
    Socket socket = accept_with(tcp().raw_options(Buffer(nops, 1) + all));
    const TcpInfo info = socket.info();
    EXPECT_EQ(info.send_mss, 700U - 12);
    EXPECT_TRUE(info.sack && info.timestamps && info.window_scaling);
    EXPECT_EQ(info.send_scale, 5U);
    Socket::must(socket.abort());
    EXPECT_EQ(peer.next().options.timestamps->echo, 77U);
  }
}

TEST_F(OptionList, SackBlocksNeedNoAlignment) {
  NARU_CHECKS("TCB-009");
  Socket socket = accept_with(plain_syn().sack_ok());
  for (std::uint8_t nops = 0; nops <= 3; ++nops) {
    const std::uint32_t una = peer.rcv_nxt();
    socket.send_stream(2920);
    peer.expect(tcp().ack().length(1460));
    peer.expect(tcp().ack().length(1460));
    Buffer sack{5, 10};
    append32(sack, peer.irs() + una + 1460);
    append32(sack, peer.irs() + una + 2920);
    peer.inject(tcp().ack(una).raw_options(Buffer(nops, 1) + sack));
    EXPECT_EQ(socket.info().sacked, 1U);
    peer.inject(tcp().ack());
  }
}

// --- what is sent ----------------------------------------------------------------

std::size_t length_of(std::uint8_t kind) {
  switch (kind) {
    case wire::kOptionMss:
      return 4;
    case wire::kOptionWindowScale:
      return 3;
    case wire::kOptionSackPermitted:
      return 2;
    case wire::kOptionTimestamps:
      return 10;
    default:
      return 0;  // SACK: 8 n + 2
  }
}

// Every option has its length, and nothing but zeros follows the list.
void check_list(const Seen& seen) {
  const auto view = wire::TcpView::parse(seen.frame.ipv4().payload());
  const Bytes list = view->options();
  std::size_t at = 0;
  while (at < list.size() && list[at] != wire::kOptionEnd) {
    if (list[at] == wire::kOptionNop) {
      ++at;
      continue;
    }
    ASSERT_LT(at + 1, list.size());
    const std::uint8_t kind = list[at];
    const std::size_t length = list[at + 1];
    ASSERT_GE(length, 2U);
    ASSERT_LE(at + length, list.size());
    EXPECT_NE(std::ranges::find(kKnownKinds, kind), std::end(kKnownKinds)) << int{kind};
    if (kind == wire::kOptionSack) {
      EXPECT_EQ(length % 8, 2U);
    } else {
      EXPECT_EQ(length, length_of(kind));
    }
    at += length;
  }
  for (; at < list.size(); ++at) EXPECT_EQ(list[at], 0) << "padding";
}

TEST_F(OptionList, AllThatAreSentHaveALengthAndZeroPadding) {
  NARU_CHECKS("TCB-010", "TCB-011");
  for (int offered = 0; offered < 16; ++offered) {
    peer.restart(static_cast<std::uint16_t>(42'000 + offered));
    wire.set(Option::tcp_timestamps, offered & 1);
    wire.set(Option::tcp_sack, offered >> 1 & 1);
    wire.set(Option::tcp_window_scaling, offered >> 2 & 1);
    const bool active = (offered >> 3 & 1) != 0;
    Segment options = tcp().mss(1460).ts(1).sack_ok().wscale(7);
    Socket socket;
    if (active) {
      socket = wire.tcp_socket();
      ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
      check_list(peer.expect(tcp().syn()));
      peer.inject(options.syn().ack());
    } else {
      wire.listener();
      peer.inject(options.syn());
      check_list(peer.expect(tcp().syn().ack()));
      peer.inject(tcp().ack());
      socket = wire.listener().accept();
    }
    socket.send_stream(2000);
    for (std::uint32_t hole = 0; hole < 5; ++hole) {
      peer.inject(tcp().ack().seq(101 + hole * 200).stream(100));
    }
    peer.inject(tcp().ack().seq(101).stream(100));  // a duplicate
    Socket::must(socket.abort());
    for (const Seen& seen : peer.drain()) check_list(seen);
  }
}

}  // namespace
}  // namespace naru::test
