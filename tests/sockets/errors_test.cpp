// The error queue: what became of datagrams, for those who ask (ip(7), IP_RECVERR).
#include <ctime>
#include <linux/errqueue.h>

#include "message.hpp"

namespace naru::sockets {
namespace {

Fd asking() {
  Fd fd = udp(SOCK_NONBLOCK);
  EXPECT_EQ(error_of(set(fd, IPPROTO_IP, IP_RECVERR, 1)), 0);
  return fd;
}

void expect_refused(const sock_extended_err& error) {
  EXPECT_EQ(error.ee_errno, static_cast<unsigned>(ECONNREFUSED));
  EXPECT_EQ(error.ee_origin, SO_EE_ORIGIN_ICMP);
  EXPECT_EQ(error.ee_type, 3);  // destination unreachable
  EXPECT_EQ(error.ee_code, 3);  // port
  EXPECT_EQ(error.ee_info, 0U);
}

struct Note {
  sock_extended_err error;
  sockaddr_in offender;
};

TEST(ErrorQueue, TellsWhatWasSentWhereAndWhoRefusedIt) {
  NARU_CHECKS("SOC-025", "SOC-053");
  const Fd fd = asking();
  const sockaddr_in nobody = v4(closed_port());
  ASSERT_EQ(connect(fd, nobody), 0);
  ASSERT_EQ(send(fd, "datagram"), 8);
  ASSERT_TRUE(wait_for(fd, POLLERR));
  const Message m = receive(fd, MSG_ERRQUEUE);
  EXPECT_EQ(m.text, "datagram");
  EXPECT_EQ(m.flags, MSG_ERRQUEUE);
  EXPECT_EQ(m.from.sin_family, AF_INET);
  EXPECT_EQ(m.from.sin_port, nobody.sin_port);
  EXPECT_EQ(m.from.sin_addr.s_addr, nobody.sin_addr.s_addr);
  const Note note = m.get<Note>(IPPROTO_IP, IP_RECVERR);
  expect_refused(note.error);
  EXPECT_EQ(note.offender.sin_family, AF_INET);
  EXPECT_EQ(note.offender.sin_addr.s_addr, htonl(kLoopback));
  // It has been told, and is not told again.
  EXPECT_EQ(receive(fd, MSG_ERRQUEUE).error, EAGAIN);
  EXPECT_EQ(poll_now(fd) & POLLERR, 0);
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), 0);
}

TEST(ErrorQueue, AlsoOfASocketWithoutAPeer) {
  NARU_CHECKS("SOC-025", "SOC-053");
  const Fd fd = asking();
  const sockaddr_in first = v4(closed_port());
  const sockaddr_in second = v4(closed_port());
  for (const sockaddr_in& to : {first, second}) {
    ASSERT_EQ(::sendto(fd, "x", 1, 0, generic(to), sizeof to), 1);
    ASSERT_TRUE(wait_for(fd, POLLERR));
    EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    EXPECT_NE(poll_now(fd) & POLLERR, 0) << "the queue holds it still";
  }
  EXPECT_EQ(receive(fd, MSG_ERRQUEUE).from.sin_port, first.sin_port);
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED) << "the next one's";
  EXPECT_EQ(receive(fd, MSG_ERRQUEUE).from.sin_port, second.sin_port);
  EXPECT_EQ(receive(fd, MSG_ERRQUEUE).error, EAGAIN);
}

TEST(ErrorQueue, WhereThereIsLittleRoom) {
  NARU_CHECKS("SOC-053");
  const Fd fd = asking();
  const sockaddr_in nobody = v4(closed_port());
  ASSERT_EQ(::sendto(fd, "datagram", 8, 0, generic(nobody), sizeof nobody), 8);
  ASSERT_TRUE(wait_for(fd, POLLERR));
  char bytes[4];
  ASSERT_EQ(::recv(fd, bytes, sizeof bytes, MSG_ERRQUEUE), 4);
  EXPECT_EQ(std::string_view(bytes, 4), "data");
  (void)get(fd, SOL_SOCKET, SO_ERROR);
  ASSERT_EQ(::sendto(fd, "datagram", 8, 0, generic(nobody), sizeof nobody), 8);
  ASSERT_TRUE(wait_for(fd, POLLERR));
  const Message m = receive(fd, MSG_ERRQUEUE, 0);
  EXPECT_EQ(m.flags, MSG_ERRQUEUE | MSG_CTRUNC);
  EXPECT_EQ(m.text, "datagram");
}

TEST(ErrorQueue, IsBounded) {
  NARU_CHECKS("SOC-053");
  const Fd fd = asking();
  set(fd, SOL_SOCKET, SO_RCVBUF, 8192);
  const sockaddr_in nobody = v4(closed_port());
  constexpr int kSent = 500;
  for (int i = 0; i < kSent; ++i) {
    (void)::sendto(fd, "x", 1, 0, generic(nobody), sizeof nobody);
    (void)get(fd, SOL_SOCKET, SO_ERROR);
  }
  int told = 0;
  while (receive(fd, MSG_ERRQUEUE).error == 0) ++told;
  EXPECT_GT(told, 0);
  EXPECT_LT(told, kSent / 2);
}

TEST(ErrorQueue, OnlyForThoseWhoAsk) {
  NARU_CHECKS("SOC-053");
  const Fd fd = udp(SOCK_NONBLOCK);
  ASSERT_EQ(connect(fd, v4(closed_port())), 0);
  ASSERT_EQ(send(fd, "x"), 1);
  ASSERT_TRUE(wait_for(fd, POLLERR));
  EXPECT_EQ(receive(fd, MSG_ERRQUEUE).error, EAGAIN);
  EXPECT_EQ(recv(fd), "ECONNREFUSED");
  // Who asks no more forgets.
  ASSERT_EQ(set(fd, IPPROTO_IP, IP_RECVERR, 1), 0);
  EXPECT_EQ(get(fd, IPPROTO_IP, IP_RECVERR), 1);
  ASSERT_EQ(send(fd, "x"), 1);
  ASSERT_TRUE(wait_for(fd, POLLERR));
  ASSERT_EQ(set(fd, IPPROTO_IP, IP_RECVERR, 0), 0);
  EXPECT_EQ(receive(fd, MSG_ERRQUEUE).error, EAGAIN);
  EXPECT_EQ(receive(tcp(SOCK_NONBLOCK), MSG_ERRQUEUE).error, EAGAIN);
}

TEST(ErrorQueue, OfMappedAddresses) {
  NARU_CHECKS("SOC-025");
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  // A kernel may be built without it; naru must have it.
  if (fd < 0 && on_kernel()) GTEST_SKIP() << "no IPv6";
  ASSERT_EQ(set(fd, IPPROTO_IP, IP_RECVERR, 1), 0);
  const sockaddr_in6 nobody = v6("::ffff:127.0.0.1", closed_port());
  ASSERT_EQ(connect(fd, nobody), 0);
  ASSERT_EQ(send(fd, "x"), 1);
  ASSERT_TRUE(wait_for(fd, POLLERR));
  const Message m = receive(fd, MSG_ERRQUEUE);
  struct {
    sock_extended_err error;
    sockaddr_in6 offender;
  } note = {};
  ASSERT_TRUE(m.has(IPPROTO_IPV6, IPV6_RECVERR));
  const std::string& told = m.control.at({IPPROTO_IPV6, IPV6_RECVERR});
  ASSERT_EQ(told.size(), sizeof note);
  std::memcpy(&note, told.data(), sizeof note);
  expect_refused(note.error);
  EXPECT_EQ(note.offender.sin6_family, AF_INET6);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&note.offender.sin6_addr));
}

}  // namespace
}  // namespace naru::sockets
