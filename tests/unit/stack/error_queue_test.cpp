// What became of datagrams: the error queues of sockets (IP_RECVERR), between two hosts.
#include <string>
#include <vector>

#include "dsl/bytes.hpp"
#include "dsl/checks.hpp"
#include "two_hosts.hpp"
#include "wire/checksum.hpp"
#include "wire/icmpv4.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/udp.hpp"

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
  // The message "prohibited", with the head of an empty datagram in it.
  static Buffer prohibited(const Endpoint& from, const Endpoint& to) {
    const bool is_v4 = to.addr.is_v4();
    const std::size_t header = is_v4 ? wire::Ipv4::kHeaderSize : wire::Ipv6::kHeaderSize;
    Buffer message(8 + header + wire::Udp::kHeaderSize);
    std::uint8_t* quote = message.data() + 8;
    wire::Udp{.src_port = from.port, .dst_port = to.port, .length = wire::Udp::kHeaderSize}.emit(
        quote + header);
    if (is_v4) {
      wire::Ipv4{.src = from.addr,
                 .dst = to.addr,
                 .protocol = Protocol::udp,
                 .total_length = static_cast<std::uint16_t>(message.size() - 8)}
          .emit(quote);
      wire::Icmpv4::unreachable(wire::Icmpv4Unreachable::prohibited)
          .emit(message.data(), wire::sum_bytes(Bytes(message).subspan(8)));
    } else {
      wire::Ipv6{.src = from.addr,
                 .dst = to.addr,
                 .next_header = Protocol::udp,
                 .payload_length = wire::Udp::kHeaderSize}
          .emit(quote);
      wire::Icmpv6::unreachable(wire::Icmpv6Unreachable::prohibited).emit(message.data());
    }
    return message;
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

// b says of a datagram to `to` that it may not pass.
TEST_F(Errors, OfAProhibitedDatagramAsLinuxTellsIt) {
  ASSERT_TRUE(a->add_address(1, *Prefix::parse("2001:db8::1/64")));
  ASSERT_TRUE(b->add_address(1, *Prefix::parse("2001:db8::2/64")));
  advance(5s);
  const Endpoint v4{kB, 9};
  const Endpoint v6{*IpAddr::parse("2001:db8::2"), 9};
  for (const auto& [to, expected] :
       {std::pair{v4, Error::host_unreachable}, {v6, Error::access_denied}}) {
    const SocketId nobody = b->open_udp().value();
    ASSERT_TRUE(b->bind(nobody, to));
    const SocketId socket = asking_udp();
    ASSERT_TRUE(a->connect(socket, to));
    ASSERT_TRUE(a->send(socket, bytes("lost")));
    settle();
    ASSERT_EQ(a->take_error(socket), Error::none);
    const SocketId raw = b->open_icmp(true, to.addr.is_v6()).value();
    ASSERT_TRUE(b->send_to(raw, prohibited(*a->local(socket), to), {a->local(socket)->addr, 0}));
    settle();
    EXPECT_EQ(a->take_error(socket), expected);
    EXPECT_EQ(next(socket)->error, expected);
  }
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
