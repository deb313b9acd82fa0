#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <naru/device/hub.hpp>

#include "station.hpp"

namespace naru::device::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HubTest : public testing::Test {
 protected:
  HubTest() {
    for (Station& s : stations) EXPECT_TRUE(hub->add_port("p", s.plug()));
  }
  ~HubTest() override { EXPECT_EQ(hub->frames_in_use(), 0U); }

  std::array<Station, 3> stations;
  std::unique_ptr<Hub> hub = Hub::create({.queue = 4, .trace_events = 8}).value();
};

TEST_F(HubTest, RepeatsToAllOthers) {
  const Frame one = frame(mac(2), mac(1), 1);
  const Frame two = tagged(frame(MacAddr::broadcast(), mac(1), 2), 0);  // only a priority
  const Frame three = tagged(tagged(frame(mac(3), mac(1)), 7), 0x6005);
  for (const Frame& f : {one, two, three}) stations[0].send(f);
  EXPECT_FALSE(hub->poll(Time{}));
  EXPECT_THAT(stations[0].receive(), IsEmpty());
  EXPECT_THAT(stations[1].receive(), ElementsAre(one, two, three));
  EXPECT_THAT(stations[2].receive(), ElementsAre(one, two, three));
  EXPECT_EQ(hub->stats(0).rx_frames, 3U);
  EXPECT_EQ(hub->stats(1).tx_frames, 3U);
}

TEST_F(HubTest, LosesWhatFindsNobody) {
  stations[1].wire().set_up(false);
  stations[0].send(frame(mac(2), mac(1)));
  hub->poll(Time{});
  EXPECT_EQ(hub->stats(1).tx_dropped, 1U);
  EXPECT_EQ(stations[2].receive().size(), 1U);
}

TEST_F(HubTest, TellsWhatItDoes) {
  hub->set_trace(true);
  stations[1].send(frame(mac(2), mac(1)));
  hub->poll(Time{});
  const trace::Event* e = hub->next_trace();
  ASSERT_NE(e, nullptr);
  EXPECT_EQ(e->kind, trace::Kind::frame_repeated);
  EXPECT_EQ(e->interface, 1);
  EXPECT_EQ(e->extra, 2U);
  EXPECT_EQ(hub->next_trace(), nullptr);
}

TEST(HubQueueTest, KeepsWhatALinkHasNoRoomForInOrder) {
  Station from;
  Station to({.ring_size = 2});
  const auto hub = Hub::create({.queue = 4}).value();
  ASSERT_TRUE(hub->add_port("from", from.plug()));
  ASSERT_TRUE(hub->add_port("to", to.plug()));
  for (std::uint8_t i = 0; i < 8; ++i) from.send(frame(mac(2), mac(1), i));
  hub->poll(Time{});
  EXPECT_EQ(hub->frames_in_use(), 4U);
  EXPECT_EQ(hub->stats(1).tx_dropped, 2U);
  EXPECT_EQ(hub->next_deadline(), Time(1ms));
  std::vector<std::uint8_t> marks;
  for (int turn = 0; turn < 4; ++turn) {
    for (const Frame& f : to.receive()) marks.push_back(f[59]);
    hub->poll(Time{});
  }
  EXPECT_THAT(marks, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(hub->frames_in_use(), 0U);
  EXPECT_EQ(hub->next_deadline(), kTimeNever);
}

TEST(HubLimitTest, HasSoManyPortsAndNoMore) {
  std::vector<std::unique_ptr<Station>> stations;
  const auto hub = Hub::create().value();
  for (std::size_t i = 0; i <= kMaxPorts; ++i) {
    stations.push_back(std::make_unique<Station>());
    EXPECT_EQ(hub->add_port("p", stations.back()->plug()).has_value(), i < kMaxPorts);
  }
}

}  // namespace
}  // namespace naru::device::test
