// Sockets after the death of whoever was changing one of them.
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace naru::udp::test {
namespace {

class UdpSalvage : public UdpTest {
 protected:
  // As stack does it.
  bool salvage() {
    pool.forget();
    const bool is_done = udp.salvage();
    pool.rebuild();
    return is_done;
  }
};

TEST_F(UdpSalvage, TheSocketThatWasBeingChangedKeepsItsAddressOnly) {
  const Endpoint other = at("10.0.0.1", 54);
  const Handle changed = bound(us);
  const Handle whole = bound(other);
  receive(peer, us, {1});
  receive(peer, us, {2});
  receive(peer, other, {'o', 'k'});
  ASSERT_TRUE(udp.send(whole, bytes("lost"), {.remote = peer}));
  read(changed);
  ASSERT_TRUE(salvage());
  EXPECT_FALSE(waits(changed));
  EXPECT_EQ(read(whole), "ok");
  EXPECT_FALSE(udp.has_output());
  EXPECT_EQ(udp.find(whole)->send_memory, 0U);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(receive(peer, us), Drop::none);
  EXPECT_TRUE(waits(changed));
}

TEST_F(UdpSalvage, SocketsAreFoundAgainByTheirPeer) {
  const Handle listening = bound(us);
  const Handle connected = open();
  set(listening).reuse_port = set(connected).reuse_port = true;
  ASSERT_TRUE(udp.bind(connected, us));
  ASSERT_TRUE(udp.connect(connected, peer, us.addr));
  udp.rest();
  ASSERT_TRUE(salvage());
  receive(peer, us);
  EXPECT_TRUE(waits(connected));
  receive(at("10.0.0.3", 1), us);
  EXPECT_TRUE(waits(listening));
}

TEST_F(UdpSalvage, ASocketWhoseQueueMakesNoSenseLosesIt) {
  const Handle h = bound(us);
  receive(peer, us);
  receive(peer, us);
  udp.rest();
  udp.find(h)->received.front()->next = reinterpret_cast<Packet*>(std::uintptr_t{0x1234});
  ASSERT_TRUE(salvage());
  EXPECT_FALSE(waits(h));
  EXPECT_EQ(udp.find(h)->receive_memory, 0U);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(UdpSalvage, WhatTwoSocketsHoldIsBeyondRepair) {
  const Handle a = bound(us);
  const Handle b = bound(at("10.0.0.1", 54));
  receive(peer, us);
  udp.rest();
  udp.find(b)->received = udp.find(a)->received;
  udp.find(b)->receive_memory = udp.find(a)->receive_memory;
  EXPECT_FALSE(salvage());
}

TEST_F(UdpSalvage, ASocketThatWasBeingClosedIsClosed) {
  const Handle h = bound(us);
  udp.find(h)->is_open = false;
  ASSERT_TRUE(salvage());
  EXPECT_EQ(udp.sockets_in_use(), 0U);
  const Handle next = open();
  EXPECT_NE(next, h);
  EXPECT_TRUE(udp.bind(next, us).has_value());
}

}  // namespace
}  // namespace naru::udp::test
