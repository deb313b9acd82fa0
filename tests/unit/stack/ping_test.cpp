// Sockets that speak ICMP, between two hosts: echo under an identifier, and raw.
#include <array>
#include <vector>

#include "two_hosts.hpp"
#include "wire/icmpv4.hpp"
#include "wire/ipv4.hpp"

namespace naru::test {
namespace {

using wire::Icmpv4;
using wire::Icmpv4Type;
using wire::Icmpv4View;

const IpAddr kB = *IpAddr::parse("10.0.0.2");

std::vector<std::uint8_t> echo(std::uint16_t id, std::uint16_t seq, std::size_t size = 48) {
  std::vector<std::uint8_t> message(Icmpv4::kHeaderSize + size, 'p');
  const Bytes data = Bytes(message).subspan(Icmpv4::kHeaderSize);
  Icmpv4::echo(Icmpv4Type::echo_request, id, seq).emit(message.data(), wire::sum_bytes(data));
  return message;
}

class Ping : public TwoHosts {
 protected:
  SocketId open(bool is_raw) { return a->open_icmp(is_raw).value(); }
  // The next message; empty: none.
  std::vector<std::uint8_t> recv(SocketId socket) {
    std::vector<std::uint8_t> message(2000);
    const auto n = a->recv_from(socket, message, info);
    message.resize(n.value_or(0));
    return message;
  }
  DatagramInfo info;
};

TEST_F(Ping, EchoComesBackUnderTheSocketsIdentifier) {
  const SocketId socket = open(false);
  ASSERT_TRUE(a->send_to(socket, echo(1, 7), {kB, 0}));
  const auto identifier = a->local(socket)->port;
  EXPECT_NE(identifier, 0);
  settle();
  EXPECT_EQ(a->readiness(socket) & ready::kIn, ready::kIn);
  const auto reply = recv(socket);
  const auto view = Icmpv4View::parse(reply);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->checksum_ok());
  EXPECT_EQ(view->type(), Icmpv4Type::echo_reply);
  EXPECT_EQ(view->id(), identifier) << "not the program's";
  EXPECT_EQ(view->seq(), 7);
  EXPECT_EQ(view->payload().size(), 48U);
  EXPECT_EQ(info.source, (Endpoint{kB, 0}));
  EXPECT_EQ(info.received, now);
  EXPECT_TRUE(recv(socket).empty());
}

TEST_F(Ping, OneHearsNotTheEchoOfAnother) {
  const SocketId one = open(false);
  const SocketId other = open(false);
  ASSERT_TRUE(a->bind(other, {IpAddr::any_v4(), 99}));
  EXPECT_EQ(a->bind(open(false), {IpAddr::any_v4(), 99}).error(), Error::address_in_use);
  ASSERT_TRUE(a->send_to(one, echo(1, 1), {kB, 0}));
  settle();
  EXPECT_TRUE(recv(other).empty());
  EXPECT_FALSE(recv(one).empty());
}

TEST_F(Ping, OnlyEchoRequestsAreSent) {
  const SocketId socket = open(false);
  auto message = echo(1, 1);
  message[0] = 13;
  EXPECT_EQ(a->send_to(socket, message, {kB, 0}).error(), Error::invalid);
  message[0] = 8;
  message[1] = 1;
  EXPECT_EQ(a->send_to(socket, message, {kB, 0}).error(), Error::invalid);
  EXPECT_EQ(a->send_to(socket, Bytes(message).first(7), {kB, 0}).error(), Error::invalid);
  EXPECT_EQ(a->send(socket, echo(1, 1)).error(), Error::destination_required);
  ASSERT_TRUE(a->connect(socket, {kB, 0}));
  EXPECT_TRUE(a->send(socket, echo(1, 1)));
}

TEST_F(Ping, RawHearsAllWithTheIpHeader) {
  const SocketId raw = open(true);
  ASSERT_TRUE(a->send_to(raw, echo(0x1234, 5), {kB, 0}));
  settle();
  const auto packet = recv(raw);
  const auto ip = wire::Ipv4View::parse(packet);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->src(), kB);
  const auto view = Icmpv4View::parse(ip->payload());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type(), Icmpv4Type::echo_reply);
  EXPECT_EQ(view->id(), 0x1234) << "as it was sent";
}

TEST_F(Ping, TheFilterKeepsTypesAway) {
  const SocketId raw = open(true);
  ASSERT_TRUE(a->set_option(raw, SocketOption::icmp_filter, 1));  // echo replies
  EXPECT_FALSE(a->set_option(open(false), SocketOption::icmp_filter, 1));
  ASSERT_TRUE(a->send_to(raw, echo(1, 1), {kB, 0}));
  settle();
  EXPECT_TRUE(recv(raw).empty());
}

TEST_F(Ping, ToItselfOverTheLoopback) {
  const SocketId socket = open(false);
  ASSERT_TRUE(a->send_to(socket, echo(1, 1), {IpAddr::loopback_v4(), 0}));
  settle();
  EXPECT_EQ(Icmpv4View::parse(recv(socket))->type(), Icmpv4Type::echo_reply);
}

TEST_F(Ping, AFullBufferDropsAndNothingIsKept) {
  const SocketId socket = open(false);
  ASSERT_TRUE(a->set_option(socket, SocketOption::receive_buffer, 1));
  for (std::uint16_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(a->send_to(socket, echo(1, i), {kB, 0}));
    settle();
  }
  EXPECT_GT(a->counters().get(Drop::icmp_buffer_full), 0U);
  ASSERT_TRUE(a->close(socket));
  settle();
  EXPECT_EQ(a->usage().icmp_sockets, 0U);
  EXPECT_EQ(a->usage().packets, 0U);
  EXPECT_EQ(a->send_to(socket, echo(1, 1), {kB, 0}).error(), Error::bad_handle);
}

TEST_F(Ping, LargeOnesAreFragmented) {
  const SocketId socket = open(false);
  ASSERT_TRUE(a->send_to(socket, echo(1, 1, 8000), {kB, 0}));
  settle();
  std::vector<std::uint8_t> room(10'000);
  EXPECT_EQ(a->recv_from(socket, room, info).value_or(0), 8008U);
}

}  // namespace
}  // namespace naru::test
