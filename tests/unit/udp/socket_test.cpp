// The life of a socket: connecting, errors, readiness.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::udp::test {
namespace {

TEST_F(UdpTest, TellsAConnectedSocketOfARefusalOnce) {
  NARU_CHECKS("UDP-009");
  const Handle h = open();
  ASSERT_TRUE(udp.connect(h, peer, us.addr));
  const Endpoint local = udp.find(h)->local;
  udp.on_error(local, peer, Error::refused, true);
  EXPECT_EQ(Udp::readiness(*udp.find(h)), kWritable | kError);
  EXPECT_EQ(udp.send(h, bytes("x")).error(), Error::refused);
  EXPECT_EQ(udp.send(h, bytes("x")), 1U);
  udp.on_error(local, peer, Error::refused, true);
  EXPECT_EQ(read(h), to_string(Error::refused));
  EXPECT_EQ(read(h), to_string(Error::would_block));
  udp.on_error(local, peer, Error::refused, true);
  EXPECT_EQ(udp.take_error(*udp.find(h)), Error::refused);
  EXPECT_EQ(udp.take_error(*udp.find(h)), Error::none);
  // A soft error is for those who asked.
  udp.on_error(local, peer, Error::host_unreachable, false);
  EXPECT_EQ(udp.send(h, bytes("x")), 1U);
  flush();
}

TEST_F(UdpTest, TellsAnUnconnectedSocketOnlyIfItAsked) {
  NARU_CHECKS("UDP-010");
  const Handle h = bound(us);
  udp.on_error(us, peer, Error::refused, true);
  EXPECT_EQ(udp.take_error(*udp.find(h)), Error::none);
  set(h).receive_errors = true;
  udp.on_error(us, peer, Error::refused, true);
  EXPECT_EQ(udp.take_error(*udp.find(h)), Error::refused);
}

TEST_F(UdpTest, GivesAnErrorAboutAnotherPeerToNobody) {
  NARU_CHECKS("UDP-009");
  const Handle h = open();
  ASSERT_TRUE(udp.connect(h, peer, us.addr));
  const Endpoint local = udp.find(h)->local;
  udp.on_error(local, at("10.0.0.3", 40'000), Error::refused, true);
  udp.on_error(local, at("10.0.0.2", 40'001), Error::refused, true);
  udp.on_error({local.addr, static_cast<std::uint16_t>(local.port + 1)}, peer, Error::refused,
               true);
  EXPECT_EQ(udp.take_error(*udp.find(h)), Error::none);
}

TEST_F(UdpTest, TellsWhereADatagramWentAndSendsFromThere) {
  NARU_CHECKS("UDP-011");
  const Handle h = bound(at("0.0.0.0", 53));
  receive(peer, at("10.0.0.77", 53), {'q'});
  Buffer out(10);
  const auto r = udp.recv(h, out);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->source, peer);
  EXPECT_EQ(r->destination, ip("10.0.0.77"));
  EXPECT_EQ(r->interface, 1);
  EXPECT_EQ(r->ttl, 61);
  EXPECT_EQ(r->tos, 4);
  ASSERT_TRUE(udp.send(h, bytes("answer"), {.remote = r->source, .source = r->destination}));
  DatagramOut sent;
  ASSERT_TRUE(udp.next_datagram(sent));
  EXPECT_EQ(sent.source, ip("10.0.0.77"));
  EXPECT_EQ(sent.source_port, 53);
  EXPECT_EQ(sent.remote, peer);
  udp.done(now);
}

TEST_F(UdpTest, ConnectsAndDisconnectsLikeLinux) {
  const Handle h = open();
  EXPECT_EQ(udp.send(h, bytes("x")).error(), Error::destination_required);
  EXPECT_EQ(udp.shutdown(h, true, true).error(), Error::not_connected);
  ASSERT_TRUE(udp.connect(h, peer, us.addr));
  const std::uint16_t port = udp.find(h)->local.port;
  EXPECT_NE(port, 0);
  EXPECT_EQ(udp.find(h)->local.addr, us.addr);
  EXPECT_EQ(receive(at("10.0.0.3", 1), {us.addr, port}), Drop::udp_no_port);
  EXPECT_EQ(receive(peer, {us.addr, port}), Drop::none);
  EXPECT_EQ(udp.bind(h, us).error(), Error::invalid);

  const Endpoint other = at("10.0.0.3", 9);
  ASSERT_TRUE(udp.connect(h, other, us.addr));
  EXPECT_EQ(udp.find(h)->local.port, port);
  EXPECT_EQ(receive(peer, {us.addr, port}), Drop::udp_no_port);
  EXPECT_EQ(receive(other, {us.addr, port}), Drop::none);
  ASSERT_TRUE(udp.disconnect(h));
  EXPECT_FALSE(udp.find(h)->is_bound());
  EXPECT_EQ(receive(other, {us.addr, port}), Drop::udp_no_port);

  const Handle server = bound(us);
  ASSERT_TRUE(udp.connect(server, peer, us.addr));
  ASSERT_TRUE(udp.disconnect(server));
  EXPECT_EQ(udp.find(server)->local, us);
  EXPECT_EQ(receive(at("10.0.0.3", 1), us), Drop::none);
}

TEST_F(UdpTest, AfterShutdownWritesFailAndPollReads) {
  const Handle h = open();
  ASSERT_TRUE(udp.connect(h, peer, us.addr));
  ASSERT_TRUE(udp.shutdown(h, true, true));
  EXPECT_EQ(udp.send(h, bytes("x")).error(), Error::broken_pipe);
  EXPECT_TRUE(waits(h));
  EXPECT_EQ(read(h), to_string(Error::would_block));
}

TEST_F(UdpTest, BoundsTheSendQueueAndSaysWhenThereIsRoom) {
  const Handle h = open(77);
  set(h).send_buffer = 10'000;
  int sent = 0;
  while (udp.send(h, bytes("x"), {.remote = peer})) ++sent;
  EXPECT_EQ(sent, 5);
  EXPECT_EQ(udp.send(h, bytes("x"), {.remote = peer}).error(), Error::would_block);
  EXPECT_EQ(Udp::readiness(*udp.find(h)), 0);
  ReadyEvent event;
  EXPECT_FALSE(udp.pop_ready(event));
  flush();
  ASSERT_TRUE(udp.pop_ready(event));
  EXPECT_EQ(event.cookie, 77U);
  EXPECT_EQ(event.handle, h);
  EXPECT_EQ(event.ready, kWritable);
  EXPECT_FALSE(udp.pop_ready(event));
}

TEST_F(UdpTest, ReportsReadinessOncePerPop) {
  const Handle a = bound(us, 1);
  const Handle b = bound(at("10.0.0.1", 54), 2);
  receive(peer, us);
  receive(peer, us);
  receive(peer, at("10.0.0.1", 54));
  ReadyEvent event;
  ASSERT_TRUE(udp.pop_ready(event));
  EXPECT_EQ(event.handle, a);
  EXPECT_EQ(event.ready, kReadable | kWritable);
  ASSERT_TRUE(udp.close(b));
  EXPECT_FALSE(udp.pop_ready(event));
}

TEST_F(UdpTest, OldHandlesAreStale) {
  const Handle h = bound(us);
  receive(peer, us);
  ASSERT_TRUE(udp.send(h, bytes("still leaves"), {.remote = peer}));
  ASSERT_TRUE(udp.close(h));
  EXPECT_EQ(udp.find(h), nullptr);
  EXPECT_EQ(udp.close(h).error(), Error::bad_handle);
  const Handle next = open();
  EXPECT_EQ(next.index, h.index);
  EXPECT_NE(next, h);
  DatagramOut out;
  ASSERT_TRUE(udp.next_datagram(out));
  EXPECT_EQ(out.socket, kNoIndex);
  flush();
  EXPECT_EQ(udp.find(next)->send_memory, 0U);
  EXPECT_EQ(pool.in_use(), 0U);
}

}  // namespace
}  // namespace naru::udp::test
