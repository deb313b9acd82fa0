// The VLANs of a switch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <naru/device/switch.hpp>

#include "station.hpp"
#include "wire/checksum.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace naru::device::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MacAddr kAll = MacAddr::broadcast();

// Access ports of the VLANs 10 and 20, a trunk of both, and a trunk of 10 to which 20 comes
// without a tag.
class VlanTest : public testing::Test {
 protected:
  VlanTest() {
    const std::array<PortVlans, 4> vlans{PortVlans::access(10), PortVlans::access(20),
                                         PortVlans::trunk({10, 20}),
                                         PortVlans{.untagged = 20, .tagged = {10}}};
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(sw->add_port("p", at[i].plug(), vlans[i]));
  }
  void say(std::size_t from, const Frame& f) {
    at[from].send(f);
    sw->poll(Time{});
  }
  void expect(std::size_t where, const std::vector<Frame>& frames) {
    EXPECT_EQ(at[where].receive(), frames) << "at port " << where;
  }

  std::array<Station, 4> at;
  std::unique_ptr<Switch> sw = Switch::create().value();
};

TEST_F(VlanTest, KeepsThemApart) {
  const Frame f = frame(kAll, mac(1));
  say(0, f);
  expect(0, {});
  expect(1, {});
  expect(2, {tagged(f, 10)});
  expect(3, {tagged(f, 10)});
  say(1, f);
  expect(0, {});
  expect(2, {tagged(f, 20)});
  expect(3, {f});
}

TEST_F(VlanTest, TakesTagsOffAndPutsThemOn) {
  const Frame f = frame(kAll, mac(1));
  say(2, tagged(f, 20));
  expect(1, {f});
  expect(3, {f});
  say(3, f);
  expect(1, {f});
  expect(2, {tagged(f, 20)});
  say(2, tagged(f, 0xe00a));  // priority 7
  expect(0, {f});
  expect(3, {tagged(f, 0xe00a)});
}

TEST_F(VlanTest, KnowsAnAddressInItsVlanOnly) {
  say(0, frame(kAll, mac(1)));
  EXPECT_EQ(sw->find(mac(1), 10), 0);
  EXPECT_EQ(sw->find(mac(1), 20), std::nullopt);
  say(2, tagged(frame(kAll, mac(1)), 20));  // the same address, and another station
  EXPECT_EQ(sw->find(mac(1), 10), 0);
  EXPECT_EQ(sw->find(mac(1), 20), 2);
}

TEST_F(VlanTest, APortTakesItsOwnOnly) {
  const Frame f = frame(kAll, mac(1));
  say(0, tagged(f, 20));
  say(0, tagged(f, 10));     // tags are not for access ports
  say(0, tagged(f, 4'095));  // nobody's
  say(2, f);                 // a trunk that takes none without
  say(2, tagged(f, 30));
  for (std::size_t i = 0; i < 4; ++i) expect(i, {});
  EXPECT_EQ(sw->stats(0).bad_vlan, 3U);
  EXPECT_EQ(sw->stats(2).bad_vlan, 2U);
  say(0, tagged(f, 0x6000));  // a priority is none
  expect(2, {tagged(f, 0x600a)});
}

// Two tags, of which the first is taken off, must not make the second one count.
TEST_F(VlanTest, NobodyHopsBetweenThem) {
  const Frame hidden = tagged(frame(kAll, mac(1)), 10);
  const Frame service = tagged(frame(kAll, mac(1)), 10, wire::kEtherTypeServiceVlan);
  say(1, tagged(hidden, 0));
  expect(3, {});
  expect(2, {tagged(hidden, 20)});
  say(1, service);
  expect(3, {});
  say(2, tagged(hidden, 20));
  expect(1, {});
  expect(3, {});
}

TEST_F(VlanTest, CutShortInTheTag) {
  Frame f = tagged(frame(kAll, mac(1)), 10);
  f.resize(17);
  link::MemoryWire& wire = at[2].wire();
  at[2].send(f);
  ASSERT_EQ(wire.waiting_count(wire.b()), 1U);  // the wire has padded it
  sw->poll(Time{});
  EXPECT_EQ(sw->stats(2).rx_frames, 1U);
  EXPECT_THAT(at[1].receive(), IsEmpty());
}

TEST(VlanOptionsTest, AreChecked) {
  Station s;
  const auto sw = Switch::create().value();
  EXPECT_EQ(sw->add_port("p", s.plug(), {.untagged = 4'095}).error(), Error::invalid);
  EXPECT_EQ(sw->add_port("p", s.plug(), PortVlans::trunk({0})).error(), Error::invalid);
  EXPECT_EQ(sw->add_port("p", s.plug(), {.untagged = 3, .tagged = {3}}).error(), Error::invalid);
  EXPECT_EQ(sw->port_count(), 0);
}

constexpr std::uint32_t kPayload = 5'000;
constexpr std::uint16_t kSize = 1'460;

// Between links that trust each other segments are long and have no checksum: under a tag
// they remain what they are, and a link that does not trust gets them cut and complete.
TEST(VlanOffloadTest, TagsALongSegment) {
  Station fast({.carries_large = true, .checksums = false});
  Station trunk;
  Station far({.carries_large = true, .checksums = false});
  const auto sw = Switch::create().value();
  ASSERT_TRUE(sw->add_port("fast", fast.plug(), PortVlans::access(10)));
  ASSERT_TRUE(sw->add_port("trunk", trunk.plug(), PortVlans::trunk({10})));
  ASSERT_TRUE(sw->add_port("far", far.plug(), PortVlans::trunk({10})));

  const Frame payload(kPayload, 0x5a);
  const IpAddr from = IpAddr::v4(10, 0, 0, 1);
  const IpAddr to = IpAddr::v4(10, 0, 0, 2);
  TxFrame f;
  f.header_length = 54;
  f.network_offset = 14;
  f.transport_offset = 34;
  f.gso_size = kSize;
  f.needs_checksum = true;
  f.protocol = Protocol::tcp;
  f.payload_length = kPayload;
  f.span_count = 1;
  f.spans[0] = payload;
  f.pseudo_sum = wire::pseudo_header_sum(from, to, Protocol::tcp, 0);
  wire::Ethernet{mac(2), mac(1), wire::kEtherTypeIpv4}.emit(f.header.data());
  wire::Ipv4{.src = from, .dst = to, .protocol = Protocol::tcp, .total_length = 40 + kPayload}.emit(
      f.header.data() + 14);
  wire::Tcp{.src_port = 1, .dst_port = 2, .flags = wire::kAck}.emit(f.header.data() + 34, 0);
  fast.send(f);
  sw->poll(Time{});

  const std::vector<Frame> cut = trunk.receive();
  ASSERT_EQ(cut.size(), 4U);
  std::size_t bytes = 0;
  for (const Frame& piece : cut) {
    EXPECT_EQ(load_be16(piece.data() + 12), wire::kEtherTypeVlan);
    EXPECT_EQ(load_be16(piece.data() + 14), 10);
    const auto ip = wire::Ipv4View::parse(Bytes(piece).subspan(18));
    ASSERT_TRUE(ip && ip->header_checksum_ok());
    const auto tcp = wire::TcpView::parse(ip->payload());
    ASSERT_TRUE(tcp && tcp->checksum_ok(from, to));
    bytes += tcp->payload().size();
  }
  EXPECT_EQ(bytes, kPayload);

  const std::vector<Frame> whole = far.receive([](const Packet& p) {
    EXPECT_EQ(p.gso_size, kSize);
    EXPECT_EQ(p.checksum, ChecksumState::good);
  });
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].size(), 14U + 4 + 40 + kPayload);
  EXPECT_EQ(sw->frames_in_use(), 0U);
}

}  // namespace
}  // namespace naru::device::test
