// What ICMP errors do to connections (RFC 9293 3.9.2.2, RFC 5927).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

struct Code {
  std::uint8_t type;
  std::uint8_t code;
  Error error;  // how the program hears of it
};

// RFC 9293 3.9.2.2, and the codes that came later.
constexpr Code kSoft[] = {
    {3, 0, Error::network_unreachable}, {3, 1, Error::host_unreachable},
    {3, 5, Error::host_unreachable},    {3, 6, Error::network_unreachable},
    {3, 7, Error::host_unreachable},    {3, 9, Error::host_unreachable},
    {3, 10, Error::host_unreachable},   {3, 11, Error::network_unreachable},
    {3, 12, Error::host_unreachable},   {3, 13, Error::host_unreachable},
    {11, 0, Error::host_unreachable},   {11, 1, Error::host_unreachable},
    {12, 0, Error::protocol_error},     {12, 1, Error::protocol_error},
    {12, 2, Error::protocol_error},
};
constexpr Code kHard[] = {{3, 2, Error::no_protocol_option}, {3, 3, Error::refused}};

const IpAddr kRouter = ip4("198.51.100.1");

class Icmp : public SequenceTest {
 protected:
  void inject(const Code& code, const Seen& about) {
    peer.inject_error(icmp(code.type, code.code).src(kRouter), about);
  }
  // The SYN, in SYN-SENT.
  Seen connect(Socket& socket) {
    socket = wire.tcp_socket();
    EXPECT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
    return peer.expect(tcp().syn());
  }
  void start_again() {
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
  static std::string name(const Code& code) {
    return "type " + std::to_string(code.type) + " code " + std::to_string(code.code);
  }
};
NARU_ALL_NUMBERINGS(Icmp);

// --- established ---------------------------------------------------------------------------

TEST_P(Icmp, NoErrorEndsAnEstablishedConnection) {
  NARU_CHECKS("TCB-073", "TCB-074");
  Socket socket = establish();
  socket.send("data");
  const Seen data = peer.expect(tcp().ack(1).data("data"));
  for (const auto& codes : {std::span<const Code>(kSoft), std::span<const Code>(kHard)}) {
    for (const Code& code : codes) {
      SCOPED_TRACE(name(code));
      inject(code, data);
      peer.expect_silence();
      EXPECT_EQ(socket.state(), TcpState::established);
      EXPECT_EQ(socket.readiness(), ready::kOut);
      socket.expect_nothing();
    }
  }
  peer.inject(tcp().ack().data("still here"));
  socket.expect_read("still here");
  peer.drain();
}

// Not for segments of 40 bytes; a router that says so lies, and is asked for no less.
TEST_P(Icmp, FragmentationNeededEndsNothing) {
  NARU_CHECKS("TCB-074");
  Socket socket = establish();
  socket.send("data");
  const Seen data = peer.expect(tcp().ack(1).data("data"));
  peer.inject_error(icmp(3, 4).rest(0, 1400).src(kRouter), data);
  EXPECT_EQ(socket.state(), TcpState::established);
  for (const Seen& seen : peer.drain()) EXPECT_EQ(text(seen.payload), "data");
  peer.inject(tcp().ack());
}

TEST_P(Icmp, ASoftErrorIsToldBySoError) {
  NARU_CHECKS("TCB-065");
  for (const Code& code : kSoft) {
    SCOPED_TRACE(name(code));
    Socket socket = establish();
    socket.send("data");
    inject(code, peer.expect(tcp().ack(1).data("data")));
    EXPECT_FALSE(socket.is_ready(ready::kErr)) << "told to who asks";
    EXPECT_EQ(socket.take_error(), code.error);
    EXPECT_EQ(socket.take_error(), Error::none) << "once";
    EXPECT_EQ(socket.state(), TcpState::established);
    socket.send("more");
    peer.inject(tcp().ack());
    peer.drain();
    start_again();
  }
}

// What has passed is no error any more.
TEST_P(Icmp, ASoftErrorIsForgottenWithTheNextAcknowledgement) {
  NARU_CHECKS("TCB-065");
  Socket socket = establish();
  socket.send("data");
  inject(kSoft[1], peer.expect(tcp().ack(1).data("data")));
  peer.inject(tcp().ack());
  EXPECT_EQ(socket.take_error(), Error::none);
  // And a time-out long after is a time-out.
  socket.send("more");
  while (!socket.is_ready(ready::kErr) && wire.step(wire.now() + std::chrono::hours(1))) {
  }
  EXPECT_EQ(socket.take_error(), Error::timed_out);
  peer.drain();
}

TEST_P(Icmp, ASoftErrorExplainsATimeOut) {
  NARU_CHECKS("TCB-065");
  Socket socket = establish();
  socket.send("data");
  inject(kSoft[1], peer.expect(tcp().ack(1).data("data")));
  while (!socket.is_ready(ready::kErr) && wire.step(wire.now() + std::chrono::hours(1))) {
  }
  EXPECT_EQ(socket.take_error(), Error::host_unreachable);
  peer.drain();
}

// IP_RECVERR: told at once, once, and the connection lives.
TEST_P(Icmp, ASoftErrorIsToldAtOnceWhereAskedFor) {
  NARU_CHECKS("TCB-065");
  Socket socket = establish();
  EXPECT_EQ(socket.get(SocketOption::receive_error), 0);
  Socket::must(socket.set(SocketOption::receive_error, 1));
  EXPECT_EQ(socket.get(SocketOption::receive_error), 1);
  socket.send("data");
  const Seen data = peer.expect(tcp().ack(1).data("data"));
  inject(kSoft[1], data);
  EXPECT_TRUE(socket.is_ready(ready::kErr));
  socket.expect_recv(Error::host_unreachable);
  EXPECT_FALSE(socket.is_ready(ready::kErr));
  socket.expect_nothing();
  EXPECT_EQ(socket.state(), TcpState::established);

  Socket::must(socket.set(SocketOption::receive_error, 0));  // SHLD-20
  inject(kSoft[1], data);
  EXPECT_FALSE(socket.is_ready(ready::kErr));
  socket.expect_nothing();
  peer.inject(tcp().ack());
}

// --- the right connection ----------------------------------------------------------------------

TEST_P(Icmp, ActsOnTheConnectionThatItQuotes) {
  NARU_CHECKS("TCB-071");
  Peer other(wire, Wire::kPeer, 50'000);
  Socket first;
  const Seen syn = connect(first);
  Socket second = wire.tcp_socket();
  ASSERT_EQ(second.connect(other.endpoint()).error(), Error::in_progress);
  other.expect(tcp().syn());
  Peer third(wire, Wire::kPeer, 50'001);
  Socket established = test::establish(third, open());

  inject(kHard[1], syn);
  EXPECT_EQ(first.take_error(), Error::refused);
  EXPECT_EQ(second.state(), TcpState::syn_sent);
  EXPECT_EQ(second.take_error(), Error::none);
  EXPECT_EQ(established.take_error(), Error::none);
}

// RFC 5927 4: who cannot see the segments does not know their numbers.
TEST_P(Icmp, WithAWrongNumberIsIgnored) {
  NARU_CHECKS("TCB-071");
  Socket socket;
  const Seen syn = connect(socket);
  constexpr std::size_t kSequence = 14 + 20 + 4;
  for (const std::uint32_t off : {1U, 1000U, 0U - 1U, 0x8000'0000U}) {
    Seen forged = syn;
    std::uint8_t* seq = forged.frame.bytes.data() + kSequence;
    store_be32(seq, load_be32(seq) + off);
    inject(kHard[1], forged);
    EXPECT_EQ(socket.state(), TcpState::syn_sent);
  }
  EXPECT_EQ(socket.take_error(), Error::none);
}

TEST_P(Icmp, AboutAnotherTupleIsIgnored) {
  NARU_CHECKS("TCB-071");
  Socket socket;
  const Seen syn = connect(socket);
  for (const std::size_t at : {14U + 20 + 1, 14U + 20 + 3, 14U + 19, 14U + 15}) {
    Seen forged = syn;
    forged.frame.bytes[at] ^= 1;  // ports, destination, source
    inject(kHard[1], forged);
    EXPECT_EQ(socket.state(), TcpState::syn_sent);
  }
  EXPECT_EQ(socket.take_error(), Error::none);
}

// --- SYN-SENT ---------------------------------------------------------------------------------

TEST_P(Icmp, SoftErrorsDoNotEndAnOpen) {
  NARU_CHECKS("TCB-073");
  for (const Code& code : kSoft) {
    SCOPED_TRACE(name(code));
    Socket socket;
    inject(code, connect(socket));
    EXPECT_EQ(socket.state(), TcpState::syn_sent);
    EXPECT_FALSE(socket.is_ready(ready::kErr));
    peer.inject(plain_syn().syn().ack());
    peer.expect(tcp().ack(1));
    EXPECT_EQ(socket.state(), TcpState::established);
    EXPECT_EQ(socket.take_error(), Error::none) << "it worked: connect() has not failed";
    start_again();
  }
}

TEST_P(Icmp, HardErrorsEndAnOpen) {
  NARU_CHECKS("TCB-074");
  for (const Code& code : kHard) {
    SCOPED_TRACE(name(code));
    Socket socket;
    inject(code, connect(socket));
    EXPECT_EQ(socket.state(), TcpState::closed);
    EXPECT_EQ(socket.readiness(),
              ready::kIn | ready::kOut | ready::kErr | ready::kHup | ready::kRdHup);
    EXPECT_EQ(socket.take_error(), code.error);
    peer.expect_silence(300s);
    start_again();
  }
}

// Code 4 belongs to path MTU discovery (RFC 1191): a SYN is tried again.
TEST_P(Icmp, FragmentationNeededDoesNotEndAnOpen) {
  NARU_CHECKS("TCB-074");
  Socket socket;
  const Seen syn = connect(socket);
  peer.inject_error(icmp(3, 4).rest(0, 1400).src(kRouter), syn);
  EXPECT_EQ(socket.state(), TcpState::syn_sent);
  peer.drain();
  peer.inject(plain_syn().syn().ack(1));
  peer.drain();
  EXPECT_EQ(socket.state(), TcpState::established);
  socket.send_stream(3000);
  for (const Seen& seen : peer.drain()) EXPECT_LE(seen.payload.size(), 1360U);
  peer.inject(tcp().ack());
}

// Nor is there a loss to recover from.
TEST_P(Icmp, FragmentationNeededAboutASynAckStartsNoRecovery) {
  NARU_CHECKS("TCB-074");
  Socket socket = reach(TcpState::syn_received);
  peer.inject(tcp().syn().seq(77));
  peer.expect(tcp().ack().length(0));
  const Seen again = peer.expect_between(500ms, 3s, tcp().syn().ack(1));
  peer.inject_error(icmp(3, 4).rest(0, 576).src(kRouter), again);
  peer.drain();
  peer.inject(tcp().ack(1));
  if (open() == Open::passive) socket = wire.listener(peer.host_port()).accept();
  EXPECT_EQ(socket.state(), TcpState::established);
  EXPECT_EQ(socket.info().recovery, 0U);
}

// Where the program asks to hear of errors at once, an open does not wait either.
TEST_P(Icmp, SoftErrorsEndAnOpenWhereAskedFor) {
  NARU_CHECKS("TCB-073", "TCB-065");
  for (const Code& code : kSoft) {
    SCOPED_TRACE(name(code));
    Socket socket = wire.tcp_socket();
    Socket::must(socket.set(SocketOption::receive_error, 1));
    ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
    inject(code, peer.expect(tcp().syn()));
    EXPECT_EQ(socket.state(), TcpState::closed);
    EXPECT_EQ(socket.take_error(), code.error);
    peer.expect_silence(300s);
  }
}

// --- source quench ------------------------------------------------------------------------------

TEST_P(Icmp, SourceQuenchIsSilentlyDropped) {
  NARU_CHECKS("TCB-072");
  Socket socket = establish();
  socket.send_stream(20'000);
  const std::vector<Seen> sent = peer.drain();
  ASSERT_EQ(sent.size(), 10U);
  const TcpInfo before = socket.info();
  for (const Seen& segment : sent) peer.inject_error(icmp(4, 0).src(kRouter), segment);
  wire.expect_silence(50ms);
  const TcpInfo after = socket.info();
  EXPECT_EQ(after.cwnd, before.cwnd);
  EXPECT_EQ(after.ssthresh, before.ssthresh);
  EXPECT_EQ(after.rto, before.rto);
  EXPECT_EQ(socket.take_error(), Error::none);
  peer.inject(tcp().ack());
  peer.drain();
}

}  // namespace
}  // namespace naru::test
