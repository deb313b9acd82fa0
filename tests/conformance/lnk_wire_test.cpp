// Rows of LNK that need the whole stack: packets in pieces, pools without buffers,
// links that go down and come back, and traffic that never leaves the host.
#include <functional>

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

// --- packets in pieces ---------------------------------------------------------------

// What a host made of some frames.
struct Answer {
  std::vector<Buffer> sent;
  std::vector<std::uint64_t> drops;
  std::string read;

  bool operator==(const Answer&) const = default;
};

struct Corpus {
  const char* name;
  std::function<std::vector<Buffer>(Peer&)> frames;
};

std::ostream& operator<<(std::ostream& out, const Corpus& corpus) { return out << corpus.name; }

template <class Builder>
Buffer from_peer(const Builder& builder) {
  return builder.render(Wire::path_from(Wire::kPeer));
}

std::vector<Buffer> fragments() {
  const Buffer whole =
      udp().dport(53).data(Buffer(40, 'f')).transport(Wire::path_from(Wire::kPeer));
  const auto piece = [&whole](std::size_t from, std::size_t to, bool more) {
    const Buffer data(whole.begin() + static_cast<long>(from),
                      whole.begin() + static_cast<long>(to));
    return from_peer(ip(17)
                         .id(7)
                         .fragment_offset(static_cast<std::uint16_t>(from))
                         .more_fragments(more)
                         .data(data));
  };
  return {piece(24, whole.size(), false), piece(0, 24, true)};
}

const Corpus kCorpus[] = {
    {"Syn",
     [](Peer& peer) -> std::vector<Buffer> {
       Segment::Side side;
       side.path = Wire::path_from(Wire::kPeer);
       side.sport = 41'000;
       side.dport = peer.host_port();
       return {tcp().syn().mss(1200).sack_ok().wscale(7).ts(5).render(side)};
     }},
    {"Data",
     [](Peer& peer) -> std::vector<Buffer> {
       return {peer.render(tcp().psh().ack().ts(2000).data("some bytes")),
               peer.render(tcp().fin().ack().ts(2001).data("the last"))};
     }},
    {"Hole",
     [](Peer& peer) -> std::vector<Buffer> {
       return {peer.render(tcp().ack().ts(2000).seq(11).stream(40)),
               peer.render(tcp().ack().ts(2001).seq(1).stream(10))};
     }},
    {"BadOptions",
     [](Peer& peer) -> std::vector<Buffer> {
       return {peer.render(tcp().ack().raw_options({2, 0, 3, 3, 1, 1, 1, 1}).data("x"))};
     }},
    {"BadChecksum",
     [](Peer& peer) -> std::vector<Buffer> {
       return {peer.preview(tcp().ack().ts(2000).data("damaged").bad_checksum())};
     }},
    {"Datagram",
     [](Peer&) -> std::vector<Buffer> {
       return {from_peer(udp().dport(53).data("query").ip_options({7, 7, 4, 0, 0, 0, 0}))};
     }},
    {"NobodysDatagram",
     [](Peer&) -> std::vector<Buffer> { return {from_peer(udp().dport(54).data("query"))}; }},
    {"Fragments", [](Peer&) { return fragments(); }},
    {"Ping",
     [](Peer&) -> std::vector<Buffer> { return {from_peer(icmp(8).rest(1, 2).data("abcdefg"))}; }},
    {"Arp",
     [](Peer&) -> std::vector<Buffer> {
       return {from_peer(arp().who_has(Wire::kHost).tell(Wire::kPeer, Wire::mac_of(Wire::kPeer)))};
     }},
    {"PriorityTag",
     [](Peer&) -> std::vector<Buffer> { return {from_peer(icmp(8).vlan(0x2000).data("tagged"))}; }},
};

// In buffers of `split` bytes; 0: each frame in one.
Answer answer_to(const Corpus& corpus, std::size_t split) {
  Wire wire;
  Peer peer(wire);
  wire.answer_arp = false;
  wire.inject(arp().is_at(Wire::kPeer, Wire::mac_of(Wire::kPeer)));
  wire.answer_arp = true;
  Socket stream = establish(peer, Open::passive, tcp().mss(1460).ts(1000).sack_ok());
  Socket datagrams = wire.udp_socket();
  Socket::must(datagrams.bind({IpAddr::any_v4(), 53}));
  wire.forget_frames();
  wire.answer_arp = false;

  wire.link.rx.split = split;
  for (Buffer& frame : corpus.frames(peer)) wire.inject(std::move(frame));
  wire.link.rx.split = 0;
  Answer answer;
  for (const Frame& frame : wire.drain()) answer.sent.push_back(frame.bytes);
  for (const Seen& seen : peer.drain()) answer.sent.push_back(seen.frame.bytes);
  answer.read = stream.read() + "|" + datagrams.read();
  for (std::size_t i = 0; i < kDropCount; ++i) {
    answer.drops.push_back(wire.stack().counters().get(static_cast<Drop>(i)));
  }
  wire.answer_arp = true;
  wire.forget_frames();
  wire.finish();
  return answer;
}

class InPieces : public ::testing::TestWithParam<Corpus> {};

INSTANTIATE_TEST_SUITE_P(All, InPieces, ::testing::ValuesIn(kCorpus),
                         [](const auto& info) { return std::string(info.param.name); });

// Each header field comes to straddle a boundary: in two buffers at every offset of the
// frame's second half, in three at every one of its second third, and so on.
TEST_P(InPieces, APacketMeansWhatItMeansInOne) {
  NARU_CHECKS("LNK-008");
  const Answer whole = answer_to(GetParam(), 0);
  for (std::size_t split = 1; split < 150; ++split) {
    ASSERT_TRUE(answer_to(GetParam(), split) == whole) << "in buffers of " << split;
  }
}

// --- no buffers -------------------------------------------------------------------------

struct Link : StackTest {};

TEST_F(Link, WithoutBuffersTheHostSendsOnAndRecoversAtOnce) {
  NARU_CHECKS("LNK-015");
  wire.set(Option::max_small_packets, 16);
  Socket server = establish(peer);
  Socket sink = wire.udp_socket();
  Socket::must(sink.bind({IpAddr::any_v4(), 53}));
  server.send_stream(100);
  peer.expect(tcp().psh().ack().stream(100));
  const Duration rto = server.info().rto;
  for (int i = 0; i < 20; ++i) wire.inject(udp().dport(53).data(Buffer(600, 'x')));
  EXPECT_EQ(wire.stack().usage().packets, 16U);
  peer.inject(tcp().ack());
  EXPECT_GT(wire.link.stats().rx_no_buffer, 4U) << "the ACK was not taken";
  // Timers and what the program sends do not wait for buffers.
  peer.expect_after(rto, tcp().seq(1).psh().ack().stream(100));
  server.must(server.shutdown(Shutdown::send));
  peer.expect(tcp().fin().ack().seq(101));
  sink.read();
  peer.inject(tcp().ack());
  EXPECT_EQ(server.state(), TcpState::fin_wait_2);
  peer.inject(tcp().psh().ack().stream(1000));
  server.expect_stream(1000);
  peer.expect(tcp().ack(1001));
}

TEST_F(Link, OneStreamThatNobodyReadsLeavesBuffersForTheAcksOfOthers) {
  NARU_CHECKS("LNK-015");
  wire.set(Option::max_small_packets, 16);
  Socket unread = establish(peer);
  Peer other(wire, ip4("10.0.0.3"));
  Socket sender = establish(other);
  for (int i = 0; i < 30; ++i) peer.inject(tcp().ack().stream(1460));
  EXPECT_GT(wire.stack().counters().get(Drop::tcp_no_memory), 0U);
  sender.send_stream(100);
  other.expect(tcp().psh().ack().stream(100));
  other.inject(tcp().ack());
  EXPECT_EQ(sender.info().unacked, 0U);
  EXPECT_GT(unread.info().receive_queue, 10'000U);
  peer.drain();
}

// --- down and up ----------------------------------------------------------------------------

TEST_F(Link, AConnectionOutlivesFiveSecondsWithoutItsLink) {
  NARU_CHECKS("LNK-017");
  Socket server = establish(peer);
  wire.link.up = false;
  wire.settle();
  server.send_stream(1000);
  peer.expect_silence(5s);
  EXPECT_EQ(server.state(), TcpState::established);
  const auto asked = wire.stack().counters().get(Counter::arp_requests_out);
  wire.link.up = true;
  peer.expect_between(0s, 10s, tcp().psh().ack().seq(1).stream(1000));
  EXPECT_GT(wire.stack().counters().get(Counter::arp_requests_out), asked)
      << "the neighbour was not asked for again";
  peer.inject(tcp().psh().ack().stream(500));
  server.expect_stream(500);
  peer.expect(tcp().ack(501));
  wire.drain();
}

// --- inside ------------------------------------------------------------------------------------

TEST_F(Link, TrafficToOwnAddressesStaysInside) {
  NARU_CHECKS("LNK-020");
  Socket listener = wire.listener(80);
  Socket sink = wire.udp_socket();
  Socket::must(sink.bind({IpAddr::any_v4(), 53}));
  const auto before = wire.stack().counters().get(Counter::frames_out);
  for (const IpAddr& own : {IpAddr::loopback_v4(), Wire::kHost, ip4("127.1.2.3")}) {
    Socket client = wire.tcp_socket();
    EXPECT_EQ(client.connect({own, 80}).error(), Error::in_progress);
    Socket server = listener.accept();
    client.send_stream(5000);
    server.expect_stream(5000);
    EXPECT_TRUE(sink.send_to(bytes("to myself"), {own, 53}).has_value());
    sink.expect_read("to myself");
    Socket::must(client.close());
    server.expect_eof();
    Socket::must(server.close());
  }
  wire.expect_silence(60s);
  EXPECT_EQ(wire.stack().counters().get(Counter::frames_out), before);
}

}  // namespace
}  // namespace naru::test
