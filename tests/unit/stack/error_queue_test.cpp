// What became of datagrams: the error queues of sockets (IP_RECVERR), between two hosts.
#include <string>
#include <vector>

#include "dsl/checks.hpp"
#include "two_hosts.hpp"
#include "wire/icmpv4.hpp"

namespace naru::test {
namespace {

using Origin = SocketError::Origin;

const IpAddr kA = *IpAddr::parse("10.0.0.1");
const IpAddr kB = *IpAddr::parse("10.0.0.2");
const IpAddr kNobody = *IpAddr::parse("10.0.0.99");

class Errors : public TwoHosts {
 protected:
  SocketId asking_udp() {
    const SocketId socket = a->open_udp().value();
    EXPECT_TRUE(a->set_option(socket, SocketOption::receive_error, 1));
    return socket;
  }
  // The next error; its payload is left in `payload`.
  Result<SocketError> next(SocketId socket) {
    payload.resize(2000);
    auto error = a->recv_error(socket, payload);
    payload.resize(error ? error->length : 0);
    return error;
  }
  static Bytes bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  std::vector<std::uint8_t> payload;
};

TEST_F(Errors, OfARefusedDatagram) {
  NARU_CHECKS("SOC-053");
  const SocketId socket = asking_udp();
  ASSERT_TRUE(a->send_to(socket, bytes("lost"), {kB, 9}));
  settle();
  EXPECT_NE(a->readiness(socket) & ready::kErr, 0);
  const auto error = next(socket);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error, Error::refused);
  EXPECT_EQ(error->origin, Origin::icmp);
  EXPECT_EQ(error->type, 3);
  EXPECT_EQ(error->code, 3);
  EXPECT_EQ(error->offender, kB);
  EXPECT_EQ(error->remote, (Endpoint{kB, 9}));
  EXPECT_EQ(std::string(payload.begin(), payload.end()), "lost");
  EXPECT_EQ(next(socket).error(), Error::would_block);
  EXPECT_EQ(a->readiness(socket) & ready::kErr, 0);
}

TEST_F(Errors, OfAHostThatDoesNotAnswer) {
  NARU_CHECKS("SOC-053");
  const SocketId udp = asking_udp();
  const SocketId ping = a->open_icmp(false).value();
  ASSERT_TRUE(a->set_option(ping, SocketOption::receive_error, 1));
  std::vector<std::uint8_t> echo(wire::Icmpv4::kHeaderSize);
  wire::Icmpv4::echo(wire::Icmpv4Type::echo_request, 1, 7).emit(echo.data(), 0);
  ASSERT_TRUE(a->send_to(udp, bytes("lost"), {kNobody, 9}));
  ASSERT_TRUE(a->send_to(ping, echo, {kNobody, 0}));
  advance(10s);
  for (const SocketId socket : {udp, ping}) {
    const auto error = next(socket);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->error, Error::host_unreachable);
    EXPECT_EQ(error->origin, Origin::icmp);
    EXPECT_EQ(error->code, 1);
    EXPECT_EQ(error->offender, kA) << "nobody else could say so";
    EXPECT_EQ(error->remote.addr, kNobody);
  }
  EXPECT_EQ(payload.size(), echo.size()) << "from the ICMP header on";
}

TEST_F(Errors, OfADatagramThatDoesNotFit) {
  NARU_CHECKS("SOC-053");
  const SocketId socket = asking_udp();
  ASSERT_TRUE(a->set_option(socket, SocketOption::mtu_discover, 2));
  const std::string fits(1500 - 28, 'x');
  EXPECT_TRUE(a->send_to(socket, bytes(fits), {kB, 9}));
  EXPECT_EQ(a->send_to(socket, bytes(fits + "x"), {kB, 9}).error(), Error::message_size);
  const auto error = next(socket);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error, Error::message_size);
  EXPECT_EQ(error->origin, Origin::local);
  EXPECT_EQ(error->info, 1500U);
  EXPECT_EQ(error->remote, (Endpoint{kB, 0}));
  EXPECT_TRUE(payload.empty());
}

TEST_F(Errors, AreBoundedAndLeaveNothingBehind) {
  NARU_CHECKS("SOC-053");
  const SocketId socket = asking_udp();
  ASSERT_TRUE(a->set_option(socket, SocketOption::receive_buffer, 4096));
  for (int i = 0; i < 200; ++i) {
    (void)a->send_to(socket, bytes("lost"), {kB, 9});
    advance(1s);
    (void)a->take_error(socket);
  }
  EXPECT_LE(a->usage().packets, 5U);
  EXPECT_GT(a->usage().packets, 1U);
  ASSERT_TRUE(a->close(socket));
  EXPECT_EQ(a->usage().packets, 0U);
}

}  // namespace
}  // namespace naru::test
