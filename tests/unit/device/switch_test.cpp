#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <naru/device/switch.hpp>

#include "station.hpp"

namespace naru::device::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr MacAddr kAll = MacAddr::broadcast();

struct Net {
  explicit Net(const SwitchOptions& options = {}) : sw(Switch::create(options).value()) {}
  ~Net() { EXPECT_EQ(sw->frames_in_use(), 0U); }
  Net(const Net&) = delete;
  Net& operator=(const Net&) = delete;

  Station& add(const PortVlans& vlans = {}) {
    stations.push_back(std::make_unique<Station>());
    EXPECT_TRUE(sw->add_port("p", stations.back()->plug(), vlans));
    return *stations.back();
  }
  // The station says something and the switch has its turn.
  void say(Station& from, const Frame& f) {
    from.send(f);
    sw->poll(now);
  }

  std::vector<std::unique_ptr<Station>> stations;
  std::unique_ptr<Switch> sw;
  Time now = Time(1s);
};

TEST(SwitchTest, LearnsWhereASourceIs) {
  Net net;
  Station& a = net.add();
  Station& b = net.add();
  Station& c = net.add();
  const Frame question = frame(mac(2), mac(1));
  net.say(a, question);
  EXPECT_THAT(b.receive(), ElementsAre(question));  // nobody knows where 2 is
  EXPECT_THAT(c.receive(), ElementsAre(question));
  EXPECT_EQ(net.sw->find(mac(1)), 0);
  const Frame answer = frame(mac(1), mac(2));
  net.say(b, answer);
  EXPECT_THAT(a.receive(), ElementsAre(answer));
  EXPECT_THAT(c.receive(), IsEmpty());
  net.say(a, question);
  EXPECT_THAT(b.receive(), ElementsAre(question));
  EXPECT_THAT(c.receive(), IsEmpty());
}

TEST(SwitchTest, KeepsToAPortWhatIsOfThatPort) {
  Net net;
  Station& a = net.add();
  Station& b = net.add();
  net.say(a, frame(kAll, mac(1)));
  net.say(a, frame(kAll, mac(2)));
  EXPECT_THAT(b.receive(), SizeIs(2));
  net.say(a, frame(mac(1), mac(2)));
  EXPECT_THAT(b.receive(), IsEmpty());
  EXPECT_EQ(net.sw->stats(0).filtered, 1U);
}

TEST(SwitchTest, ForgetsAfterFiveMinutes) {
  Net net;
  Station& a = net.add();
  Station& b = net.add();
  Station& c = net.add();
  net.say(a, frame(kAll, mac(1)));
  net.now += 200s;
  net.say(a, frame(kAll, mac(1)));  // that counts from anew
  net.now += 300s;
  c.receive();
  net.say(b, frame(mac(1), mac(2)));
  EXPECT_THAT(c.receive(), IsEmpty());
  net.now += 1ns;
  net.say(b, frame(mac(1), mac(2)));
  EXPECT_THAT(c.receive(), SizeIs(1));
  EXPECT_EQ(net.sw->find(mac(1)), std::nullopt);
  EXPECT_EQ(net.sw->address_count(0), 0U);
}

TEST(SwitchTest, FollowsAStationThatMoves) {
  Net net;
  Station& a = net.add();
  Station& b = net.add();
  net.say(a, frame(kAll, mac(1)));
  net.say(b, frame(kAll, mac(1)));
  EXPECT_EQ(net.sw->find(mac(1)), 1);
  EXPECT_EQ(net.sw->address_count(0), 0U);
  EXPECT_EQ(net.sw->address_count(1), 1U);
}

TEST(SwitchTest, ForgetsAPortWhoseCableIsOut) {
  Net net;
  Station& a = net.add();
  Station& b = net.add();
  net.say(a, frame(kAll, mac(1)));
  a.wire().set_up(false);
  net.sw->poll(net.now);
  EXPECT_EQ(net.sw->find(mac(1)), std::nullopt);
  a.wire().set_up(true);
  net.sw->poll(net.now);
  net.say(b, frame(mac(1), mac(2)));
  EXPECT_THAT(a.receive(), SizeIs(1));
}

TEST(SwitchTest, AFloodOfAddressesCostsItsOwnPortOnly) {
  Net net({.max_addresses = 16, .flood_rate = 0});
  Station& good = net.add();
  Station& bad = net.add();
  Station& other = net.add();
  net.say(good, frame(kAll, mac(1)));
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    net.say(bad, frame(kAll, mac(1'000 + i)));
    good.receive();
    other.receive();
  }
  EXPECT_EQ(net.sw->address_count(1), 16U);
  EXPECT_EQ(net.sw->find(mac(1'000 + 9'984 - 1)), std::nullopt);
  EXPECT_EQ(net.sw->find(mac(1'000 + 9'984)), 1);
  bad.receive();
  net.say(other, frame(mac(1), mac(2)));
  EXPECT_THAT(good.receive(), SizeIs(1));
  EXPECT_THAT(bad.receive(), IsEmpty());  // nothing is flooded for it to overhear
}

TEST(SwitchTest, AMoveToAFullPortKeepsTheBound) {
  Net net({.max_addresses = 2});
  Station& a = net.add();
  Station& b = net.add();
  for (const std::uint32_t i : {1U, 2U}) net.say(a, frame(kAll, mac(i)));
  for (const std::uint32_t i : {3U, 4U, 1U}) net.say(b, frame(kAll, mac(i)));
  EXPECT_EQ(net.sw->address_count(0), 1U);
  EXPECT_EQ(net.sw->address_count(1), 2U);
  EXPECT_EQ(net.sw->find(mac(3)), std::nullopt);
  EXPECT_EQ(net.sw->find(mac(1)), 1);
}

TEST(SwitchTest, BoundsWhatGoesToEverybody) {
  Net net({.flood_rate = 100, .flood_burst = 10});
  Station& a = net.add();
  Station& b = net.add();
  Station& c = net.add();
  net.say(b, frame(kAll, mac(2)));
  a.receive();
  c.receive();
  std::size_t passed = 0;
  for (int ms = 0; ms < 1'000; ++ms) {
    net.now += 1ms;
    net.say(a, frame(ms % 2 == 0 ? kAll : mac(99), mac(1)));
    passed += c.receive().size();
  }
  EXPECT_GE(passed, 105U);
  EXPECT_LE(passed, 110U);
  EXPECT_EQ(net.sw->stats(0).storm_bound, 1'000 - passed);
  b.receive();
  net.say(a, frame(mac(2), mac(1)));  // what has its place is not held up
  EXPECT_THAT(b.receive(), SizeIs(1));
  net.say(b, frame(kAll, mac(2)));  // nor are others
  EXPECT_THAT(c.receive(), SizeIs(1));
}

TEST(SwitchTest, DropsWhatNobodyMaySend) {
  Net net;
  Station& a = net.add();
  Station& b = net.add();
  net.say(a, frame(mac(2), kAll));
  net.say(a, frame(mac(2), MacAddr{}));
  EXPECT_EQ(net.sw->stats(0).malformed, 2U);
  net.say(a, frame(MacAddr{{0x01, 0x80, 0xc2, 0, 0, 0x0e}}, mac(1)));  // LLDP
  EXPECT_EQ(net.sw->stats(0).reserved, 1U);
  EXPECT_THAT(b.receive(), IsEmpty());
  net.say(a, frame(MacAddr{{0x01, 0x80, 0xc2, 0, 0, 0x10}}, mac(1)));
  EXPECT_THAT(b.receive(), SizeIs(1));
}

TEST(SwitchTest, MirrorsWhatComesAndGoesAtAPort) {
  Net net;
  Station& watched = net.add({.untagged = 1, .tagged = {5}});
  Station& b = net.add();
  Station& tap = net.add();
  Station& d = net.add(PortVlans::access(5));
  ASSERT_TRUE(net.sw->mirror(0, 2));
  EXPECT_FALSE(net.sw->mirror(2, 1));
  EXPECT_FALSE(net.sw->mirror(1, 0));
  const Frame in = frame(kAll, mac(1));
  const Frame out = frame(mac(1), mac(2));
  net.say(watched, in);
  net.say(b, out);
  net.say(d, frame(kAll, mac(4)));
  net.say(b, frame(kAll, mac(2)));
  EXPECT_THAT(tap.receive(),
              ElementsAre(in, out, tagged(frame(kAll, mac(4)), 5), frame(kAll, mac(2))));
  net.say(tap, frame(kAll, mac(3)));  // it only listens
  EXPECT_THAT(b.receive(), ElementsAre(in));
  EXPECT_EQ(net.sw->find(mac(3)), std::nullopt);
}

TEST(SwitchTest, TellsWhatItDoes) {
  Net net({.device = {.trace_events = 16}});
  Station& a = net.add();
  Station& b = net.add();
  net.sw->set_trace(true);
  net.say(a, frame(mac(2), mac(1)));
  net.say(b, frame(mac(1), mac(2)));
  std::vector<trace::Kind> kinds;
  while (const trace::Event* e = net.sw->next_trace()) kinds.push_back(e->kind);
  EXPECT_THAT(kinds, ElementsAre(trace::Kind::address_learned, trace::Kind::frame_flooded,
                                 trace::Kind::address_learned, trace::Kind::frame_switched));
}

}  // namespace
}  // namespace naru::device::test
