// The journey, from constructed events.
#include "observe/journey.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <naru/config/counters.hpp>

namespace naru::observe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using trace::Event;
using trace::Kind;

constexpr std::uint16_t kFin = 1;
constexpr std::uint16_t kSyn = 2;
constexpr std::uint16_t kAck = 16;

const Endpoint kClient{IpAddr::v4(10, 0, 0, 1), 49152};
const Endpoint kServer{IpAddr::v4(10, 0, 0, 2), 80};

Event event(int us, Kind kind) {
  Event e;
  e.at = Time(std::chrono::microseconds(us));
  e.kind = kind;
  e.protocol = Protocol::tcp;
  e.local = kClient;
  e.remote = kServer;
  return e;
}

Event segment(int us, Kind kind, std::uint16_t flags, std::uint32_t seq, std::uint32_t ack,
              std::uint32_t length = 0) {
  Event e = event(us, kind);
  e.flags = flags;
  e.seq = seq;
  e.ack = ack;
  e.length = length;
  return e;
}

class JourneyTest : public testing::Test {
 protected:
  std::vector<std::string> lines;
  Journey::Sink sink = [this](std::string_view line) { lines.emplace_back(line); };
  Journey one{{.hosts = {"naru"}}, sink};
  Journey two{{.hosts = {"browser", "web"}}, sink};
};

TEST_F(JourneyTest, OneLineAStepWithTimesFromTheFirst) {
  one.add(0, event(1'000'000, Kind::connect));
  Event syn = segment(1'000'010, Kind::segment_out, kSyn, 0xfffffff0, 0);
  syn.extra = 1460;
  one.add(0, syn);
  EXPECT_THAT(lines,
              ElementsAre("        µs  naru", "       0.0  socket     connect to 10.0.0.2:80",
                          "      10.0  tcp        segment SYN, seq 0, MSS 1460"));
}

TEST_F(JourneyTest, SequenceNumbersCountFromTheSyn) {
  one.add(0, segment(0, Kind::segment_out, kSyn, 0xffffffff, 0));
  one.add(0, segment(1, Kind::segment_in, kSyn | kAck, 5000, 0));
  one.add(0, segment(2, Kind::segment_out, kAck, 0, 5001, 78));
  EXPECT_THAT(lines[2], HasSubstr("segment SYN+ACK, seq 0, ack 1"));
  EXPECT_THAT(lines[3], HasSubstr("segment ACK, seq 1, ack 1, 78 bytes"));
}

TEST_F(JourneyTest, TheSecondHostStandsOnTheRightAndFramesHaveArrows) {
  Event frame = event(0, Kind::frame_out);
  frame.length = 74;
  two.add(0, frame);
  frame.at += std::chrono::microseconds(5);
  two.add(1, frame);
  ASSERT_EQ(lines.size(), 3U);
  const std::size_t right = width_of(lines[0].substr(0, lines[0].find("web")));
  EXPECT_THAT(lines[1], testing::EndsWith("──▶"));
  EXPECT_THAT(lines[2], HasSubstr("◀──  link       frame of 74 bytes"));
  EXPECT_EQ(width_of(lines[2].substr(0, lines[2].find("link"))), right);
}

TEST_F(JourneyTest, StatesAndSpecialSteps) {
  Event e = event(0, Kind::state);
  e.extra = 2U << 8U | 4U;
  one.add(0, e);
  e = event(0, Kind::time_wait);
  e.extra = 60'000;
  one.add(0, e);
  e = event(0, Kind::packet_out);
  e.local = {IpAddr::v4(10, 0, 0, 254), 0};
  e.remote = {IpAddr::v4(192, 0, 2, 1), 0};
  e.length = 60;
  one.add(0, e);
  e = event(0, Kind::neighbour_answered);
  e.mac = {{2, 0, 0, 0, 0, 1}};
  one.add(0, e);
  e = event(0, Kind::dropped);
  e.extra = static_cast<std::uint32_t>(Drop::tcp_bad_checksum);
  one.add(0, e);
  one.note(0, e.at, "resolve", "web.test is 10.0.0.2");
  EXPECT_THAT(lines[1], HasSubstr("SYN-SENT → ESTABLISHED"));
  EXPECT_THAT(lines[2], HasSubstr("TIME-WAIT, for 60 s"));
  EXPECT_THAT(lines[3], HasSubstr("packet of 60 bytes to 192.0.2.1, next hop 10.0.0.254"));
  EXPECT_THAT(lines[4], HasSubstr("ARP: 10.0.0.2 is at 02:00:00:00:00:01"));
  EXPECT_THAT(lines[5], HasSubstr("dropped: drop.tcp_bad_checksum"));
  EXPECT_THAT(lines[6], HasSubstr("resolve    web.test is 10.0.0.2"));
}

TEST_F(JourneyTest, Groups) {
  const Endpoint group{*IpAddr::parse("239.1.2.3"), 0};
  const Endpoint router{IpAddr::v4(10, 0, 0, 254), 0};
  const auto add = [&](Kind kind, const Endpoint& local, const Endpoint& remote,
                       std::uint32_t extra = 0) {
    Event e = event(0, kind);
    e.local = local;
    e.remote = remote;
    e.extra = extra;
    one.add(0, e);
  };
  add(Kind::group_told, {}, group, 1);
  add(Kind::group_asked, {IpAddr::any_v4(), 0}, router);
  add(Kind::group_asked, group, router);
  add(Kind::group_heard, {*IpAddr::parse("ff05::1"), 0}, {*IpAddr::parse("fe80::2"), 0});
  add(Kind::group_told, {}, {*IpAddr::parse("ff05::1"), 0}, 0);
  EXPECT_THAT(lines[1], HasSubstr("groups     IGMP: routers are told that we listen to 239.1.2.3"));
  EXPECT_THAT(lines[2], HasSubstr("IGMP: 10.0.0.254 asks who listens to any group"));
  EXPECT_THAT(lines[3], HasSubstr("IGMP: 10.0.0.254 asks who listens to 239.1.2.3"));
  EXPECT_THAT(lines[4], HasSubstr("MLD: fe80::2 listens to ff05::1, too"));
  EXPECT_THAT(lines[5], HasSubstr("MLD: routers are told that we listen to ff05::1 no longer"));
}

TEST_F(JourneyTest, TheMiddleOfALongTransferIsOneLineAtEachHost) {
  std::uint32_t seq = 1;
  for (int i = 0; i < 100; ++i, seq += 1000) {
    two.add(1, segment(i * 10, Kind::segment_out, kAck, seq, 1, 1000));
    two.add(0, segment(i * 10 + 5, Kind::segment_in, kAck, seq, 1, 1000));
    two.add(0, segment(i * 10 + 6, Kind::segment_out, kAck, 1, seq + 1000));
  }
  two.add(1, segment(2000, Kind::segment_out, kFin | kAck, seq, 1));
  two.add(0, segment(2005, Kind::segment_in, kFin | kAck, seq, 1));
  // Title, two segments each with its arrival and its ACK, then twice a fold and the FIN.
  ASSERT_EQ(lines.size(), 1 + 2 * 3 + 2 * 2U);
  EXPECT_THAT(lines[7], HasSubstr("⋮          98 000 bytes out, 98 segments"));
  EXPECT_THAT(lines[8], HasSubstr("segment FIN+ACK, seq 100001"));
  EXPECT_EQ(lines[9], "      25.0  ⋮          98 000 bytes in, 98 segments, 98 ACKs");
  EXPECT_THAT(lines[10], HasSubstr("segment FIN+ACK, seq 100001"));
}

TEST_F(JourneyTest, EachDirectionIsFoldedByItself) {
  for (int i = 0; i < 5; ++i) {
    one.add(0, segment(i, Kind::segment_out, kAck, 1 + i * 10U, 1, 10));
  }
  one.add(0, segment(9, Kind::segment_in, kAck, 1, 51, 20));
  one.finish();
  ASSERT_EQ(lines.size(), 1 + 2 + 1 + 1U);
  EXPECT_THAT(lines[3], HasSubstr("30 bytes out, 3 segments"));
  EXPECT_THAT(lines[4], HasSubstr("20 bytes"));
}

TEST_F(JourneyTest, ManySmallReadsAreFolded) {
  for (int i = 0; i < 10; ++i) {
    Event read = event(i, Kind::read);
    read.length = 512;
    one.add(0, read);
  }
  one.add(0, event(10, Kind::closed));
  ASSERT_EQ(lines.size(), 1 + 2 + 1 + 1U);
  EXPECT_EQ(lines[3], "       2.0  ⋮          4 096 bytes read");
  EXPECT_THAT(lines[4], HasSubstr("close"));
}

TEST_F(JourneyTest, SmallRequestsInTurnAreNotFolded) {
  for (int i = 0; i < 20; ++i) {
    one.add(0, segment(i * 2, Kind::segment_out, kAck, 1 + i * 10U, 1 + i * 10U, 10));
    one.add(0, segment(i * 2 + 1, Kind::segment_in, kAck, 1 + i * 10U, 11 + i * 10U, 10));
  }
  EXPECT_EQ(lines.size(), 1 + 40U);
}

TEST_F(JourneyTest, FinishPrintsWhatIsFolded) {
  for (int i = 0; i < 3; ++i) one.add(0, segment(i, Kind::segment_out, kAck, 1, 1, 10));
  const std::size_t before = lines.size();
  one.finish();
  one.finish();
  EXPECT_EQ(lines.size(), before + 1);
}

TEST_F(JourneyTest, FurtherConnectionsHaveNumbers) {
  one.add(0, event(0, Kind::connect));
  Event second = event(1, Kind::connect);
  ++second.local.port;
  one.add(0, second);
  one.add(0, event(2, Kind::closed));
  EXPECT_THAT(lines[1], testing::EndsWith("connect to 10.0.0.2:80"));
  EXPECT_THAT(lines[2], testing::EndsWith("connect to 10.0.0.2:80  #2"));
  EXPECT_THAT(lines[3], testing::EndsWith("close"));
}

TEST_F(JourneyTest, TheRecordOfTimeWaitIsNoStep) {
  Event e = event(0, Kind::state);
  e.extra = 10U << 8U;
  one.add(0, e);
  EXPECT_TRUE(lines.empty());
}

TEST_F(JourneyTest, HubsAndSwitchesHaveTheirPart) {
  Journey middle({.hosts = {"between"}}, sink);
  Event e;
  e.interface = 1;
  e.length = 74;
  e.mac = MacAddr{{2, 0, 0, 0, 0, 7}};
  e.extra = 3;
  for (const Kind kind :
       {Kind::frame_repeated, Kind::address_learned, Kind::frame_switched, Kind::frame_flooded}) {
    e.kind = kind;
    middle.add(0, e);
  }
  e.mac = MacAddr::broadcast();
  middle.add(0, e);
  lines.erase(lines.begin());
  EXPECT_THAT(
      lines,
      ElementsAre(
          HasSubstr("hub        repeats a frame of 74 bytes from port 1 to 3 other ports"),
          HasSubstr("switch     learns: 02:00:00:00:00:07 is at port 1, VLAN 3"),
          HasSubstr("passes a frame of 74 bytes from port 1 to port 3, where 02:00:00:00:00:07 is"),
          HasSubstr(
              "passes a frame of 74 bytes for 02:00:00:00:00:07 from port 1 to 3 other ports"),
          HasSubstr("passes a frame of 74 bytes for all from port 1 to 3 other ports")));
}

TEST_F(JourneyTest, RoutersSpeakOfEachFamilyInItsWords) {
  Event forwarded = event(0, Kind::forwarded);
  forwarded.extra = 63;
  forwarded.remote = {*IpAddr::parse("192.0.2.80"), 0};
  forwarded.local = {*IpAddr::parse("198.51.100.2"), 0};
  one.add(0, forwarded);
  forwarded.remote = {*IpAddr::parse("2001:db8:80::80"), 0};
  forwarded.local = forwarded.remote;
  one.add(0, forwarded);
  Event asked = event(0, Kind::neighbour_asked);
  asked.remote = forwarded.remote;
  one.add(0, asked);
  EXPECT_THAT(lines[1], HasSubstr("packet to 192.0.2.80: next hop 198.51.100.2, TTL 63"));
  EXPECT_THAT(lines[2], HasSubstr("packet to 2001:db8:80::80: next hop itself, hop limit 63"));
  EXPECT_THAT(lines[3], HasSubstr("NDP: who has 2001:db8:80::80?"));
}

// Their words have the ports: a number would say nothing more.
TEST_F(JourneyTest, DatagramsAndTranslationsHaveNoNumbers) {
  one.add(0, segment(0, Kind::segment_out, kSyn, 1, 0));
  for (const Kind kind : {Kind::datagram_out, Kind::datagram_in, Kind::translated}) {
    Event e = event(0, kind);
    e.local.port = 5'353;
    one.add(0, e);
    EXPECT_THAT(lines.back(), testing::Not(HasSubstr("#")));
  }
}

TEST_F(JourneyTest, ColoursOnlyWhereAsked) {
  Journey painted({.hosts = {"naru"}, .colour = true}, sink);
  painted.add(0, event(0, Kind::connect));
  EXPECT_THAT(lines.back(), HasSubstr("\x1b[1;32m"));
  one.add(0, event(0, Kind::connect));
  EXPECT_THAT(lines.back(), testing::Not(HasSubstr("\x1b")));
}

TEST(Words, Helpers) {
  EXPECT_EQ(grouped(7), "7");
  EXPECT_EQ(grouped(1048576), "1 048 576");
  EXPECT_EQ(counted(1, "frame"), "1 frame");
  EXPECT_EQ(counted(0, "frame"), "0 frames");
  EXPECT_EQ(flag_names(kSyn | kAck), "SYN+ACK");
  EXPECT_EQ(flag_names(0), "no flags");
}

}  // namespace
}  // namespace naru::observe
