// Pointers that lead nowhere: EFAULT, and the connection lives on.
#include <sys/mman.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

// A page that may be touched, and one behind it that may not.
class Edge {
 public:
  Edge() {
    page_ = static_cast<char*>(
        ::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::mprotect(page_ + kPage, kPage, PROT_NONE);
  }
  ~Edge() { ::munmap(page_, 2 * kPage); }
  char* last(std::size_t n) { return page_ + kPage - n; }

 private:
  static constexpr std::size_t kPage = 4096;
  char* page_;
};

sockaddr* bad_address() { return static_cast<sockaddr*>(no_memory()); }
socklen_t* bad_length() { return static_cast<socklen_t*>(no_memory()); }

TEST(Pointers, ToAddresses) {
  NARU_CHECKS("SOC-003");
  const Fd fd = tcp();
  EXPECT_EQ(error_of(::bind(fd, bad_address(), sizeof(sockaddr_in))), EFAULT);
  EXPECT_EQ(error_of(::bind(fd, nullptr, sizeof(sockaddr_in))), EFAULT);
  EXPECT_EQ(error_of(::connect(fd, bad_address(), sizeof(sockaddr_in))), EFAULT);
  sockaddr_in a{};
  socklen_t size = sizeof a;
  EXPECT_EQ(error_of(::getsockname(fd, bad_address(), &size)), EFAULT);
  EXPECT_EQ(error_of(::getsockname(fd, generic(a), bad_length())), EFAULT);
  EXPECT_EQ(error_of(::getsockname(fd, generic(a), nullptr)), EFAULT);
  const auto [client, server] = connected();
  EXPECT_EQ(error_of(::getpeername(client, bad_address(), &size)), EFAULT);
  EXPECT_EQ(error_of(::getpeername(client, generic(a), bad_length())), EFAULT);
  const Fd u = bound_udp();
  EXPECT_EQ(error_of(::sendto(u, "x", 1, 0, bad_address(), sizeof a)), EFAULT);
}

TEST(Pointers, ToOptions) {
  NARU_CHECKS("SOC-003", "SOC-033");
  const Fd fd = tcp();
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(error_of(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, no_memory(), sizeof value)),
            EFAULT);
  EXPECT_EQ(error_of(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, nullptr, sizeof value)), EFAULT);
  EXPECT_EQ(error_of(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, no_memory(), sizeof value)),
            EFAULT);
  EXPECT_EQ(error_of(::getsockopt(fd, SOL_SOCKET, SO_TYPE, no_memory(), &size)), EFAULT);
  EXPECT_EQ(error_of(::getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, bad_length())), EFAULT);
  EXPECT_EQ(error_of(::ioctl(fd, FIONBIO, no_memory())), EFAULT);
  const auto [client, server] = connected();
  EXPECT_EQ(error_of(::ioctl(client, FIONREAD, no_memory())), EFAULT);
}

TEST(Pointers, ToBytesOfAStream) {
  NARU_CHECKS("SOC-003");
  const auto [client, server] = connected();
  EXPECT_EQ(error_of(::send(client, no_memory(), 10, 0)), EFAULT);
  EXPECT_EQ(error_of(::write(client, no_memory(), 10)), EFAULT);
  EXPECT_EQ(send(client, "good"), 4);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(error_of(::recv(server, no_memory(), 10, 0)), EFAULT);
  EXPECT_EQ(error_of(::read(server, no_memory(), 10)), EFAULT);
  EXPECT_EQ(recv(server), "good") << "what could not be given is still there";
  EXPECT_EQ(error_of(::recv(server, no_memory(), 10, MSG_DONTWAIT)), EAGAIN) << "nothing to give";
}

TEST(Pointers, ToBytesOfDatagrams) {
  NARU_CHECKS("SOC-003");
  const Fd to = bound_udp();
  const Fd from = udp();
  ASSERT_EQ(connect(from, name_of(to)), 0);
  EXPECT_EQ(error_of(::send(from, no_memory(), 10, 0)), EFAULT);
  EXPECT_EQ(send(from, "good"), 4);
  ASSERT_TRUE(wait_for(to, POLLIN));
  char room[16];
  EXPECT_EQ(error_of(::recvfrom(to, room, sizeof room, MSG_PEEK, nullptr, nullptr)), 0);
  EXPECT_EQ(recv(to), "good");
}

TEST(Pointers, ToMessages) {
  NARU_CHECKS("SOC-003", "SOC-024");
  const auto [client, server] = connected();
  EXPECT_EQ(error_of(::sendmsg(client, static_cast<msghdr*>(no_memory()), 0)), EFAULT);
  EXPECT_EQ(error_of(::recvmsg(client, static_cast<msghdr*>(no_memory()), 0)), EFAULT);
  msghdr message{};
  message.msg_iov = static_cast<iovec*>(no_memory());
  message.msg_iovlen = 1;
  EXPECT_EQ(error_of(::sendmsg(client, &message, 0)), EFAULT);
  EXPECT_EQ(error_of(::recvmsg(client, &message, MSG_DONTWAIT)), EFAULT);
  EXPECT_EQ(error_of(::writev(client, static_cast<iovec*>(no_memory()), 1)), EFAULT);
  EXPECT_EQ(error_of(::readv(client, static_cast<iovec*>(no_memory()), 1)), EFAULT);
  iovec part{no_memory(), 5};
  message.msg_iov = &part;
  EXPECT_EQ(error_of(::sendmsg(client, &message, 0)), EFAULT);
  EXPECT_EQ(send(client, "alive"), 5);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(error_of(::recvmsg(server, &message, 0)), EFAULT);
  EXPECT_EQ(recv(server), "alive");
}

TEST(Pointers, ToEvents) {
  NARU_CHECKS("SOC-003");
  const auto [client, server] = connected();
  const Fd set(::epoll_create1(0));
  EXPECT_EQ(
      error_of(::epoll_ctl(set, EPOLL_CTL_ADD, client, static_cast<epoll_event*>(no_memory()))),
      EFAULT);
  epoll_event event{EPOLLOUT, {}};
  ASSERT_EQ(::epoll_ctl(set, EPOLL_CTL_ADD, client, &event), 0);
  EXPECT_EQ(error_of(::epoll_wait(set, static_cast<epoll_event*>(no_memory()), 1, 0)), EFAULT);
  EXPECT_EQ(::epoll_wait(set, &event, 1, 0), 1) << "the event was not lost";
  EXPECT_EQ(error_of(::poll(static_cast<pollfd*>(no_memory()), 1, 0)), EFAULT);
}

// What lies before the edge moves.
TEST(Pointers, MemoryThatEndsInTheMiddle) {
  NARU_CHECKS("SOC-003");
  const auto [client, server] = connected();
  Edge edge;
  std::memcpy(edge.last(4), "edge", 4);
  EXPECT_EQ(::write(client, edge.last(4), 4), 4) << "up to the edge";
  EXPECT_EQ(recv(server), "edge");
  EXPECT_EQ(send(client, "data"), 4);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(::read(server, edge.last(4), 4), 4);
  EXPECT_EQ(std::string(edge.last(4), 4), "data");
  // Less came than there is room for: nobody looks behind the edge.
  EXPECT_EQ(send(client, "more"), 4);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(::read(server, edge.last(4), 100), 4);
  EXPECT_EQ(std::string(edge.last(4), 4), "more");
}

TEST(Pointers, ConnectionsOfOthersLiveOn) {
  NARU_CHECKS("SOC-003");
  const auto [client, server] = connected();
  EXPECT_TRUE(in_child([] {
    const auto [mine, other] = connected();
    for (int i = 0; i < 100; ++i) (void)::write(mine, no_memory(), 100'000);
    return send(mine, "x") == 1 && recv(other) == "x";
  }));
  EXPECT_EQ(send(client, "x"), 1);
  EXPECT_EQ(recv(server), "x");
}

}  // namespace
}  // namespace naru::sockets
