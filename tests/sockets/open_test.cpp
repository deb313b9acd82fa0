// Sockets are made, and refused.
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

int error_of_socket(int domain, int type, int protocol) {
  const Fd fd(::socket(domain, type, protocol));
  return error_of(fd);
}

TEST(Open, RefusesWhatIsNoSocket) {
  NARU_CHECKS("SOC-001");
  EXPECT_EQ(error_of_socket(9999, SOCK_STREAM, 0), EAFNOSUPPORT);
  EXPECT_EQ(error_of_socket(AF_INET, 77, 0), EINVAL);
  EXPECT_EQ(error_of_socket(AF_INET, SOCK_STREAM | 0x100000, 0), EINVAL);
  EXPECT_EQ(error_of_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
  EXPECT_EQ(error_of_socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
  EXPECT_EQ(error_of_socket(AF_INET, SOCK_STREAM, 254), EPROTONOSUPPORT);
  EXPECT_EQ(error_of_socket(AF_INET, SOCK_RDM, 0), ESOCKTNOSUPPORT);
  EXPECT_EQ(error_of_socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
}

TEST(Open, TakesTheFlagsOfTheType) {
  NARU_CHECKS("SOC-001");
  const Fd plain = tcp();
  EXPECT_EQ(::fcntl(plain, F_GETFL), O_RDWR);
  EXPECT_EQ(::fcntl(plain, F_GETFD), 0);
  const Fd both = udp(SOCK_NONBLOCK | SOCK_CLOEXEC);
  EXPECT_EQ(::fcntl(both, F_GETFL), O_RDWR | O_NONBLOCK);
  EXPECT_EQ(::fcntl(both, F_GETFD), FD_CLOEXEC);
  struct stat s {};
  EXPECT_EQ(::fstat(plain, &s), 0);
  EXPECT_TRUE(S_ISSOCK(s.st_mode));
}

TEST(Open, RawSocketsNeedAPrivilege) {
  NARU_CHECKS("SOC-002");
  EXPECT_TRUE(in_child([] {
    if (::geteuid() == 0 && ::setuid(65'534) != 0) return false;
    return error_of_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) == EPERM;
  }));
}

// As many as the process may have, and not one is lost by asking for more.
TEST(Open, DescriptorsRunOut) {
  NARU_CHECKS("SOC-001", "SOC-046");
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  for (int round = 0; round < 20; ++round) {
    std::vector<Fd> all;
    for (;;) {
      Fd fd = tcp();
      if (fd < 0) break;
      all.push_back(std::move(fd));
    }
    EXPECT_EQ(errno, EMFILE);
    EXPECT_GT(all.size(), 30U);
    EXPECT_EQ(::dup(all.back()), -1);
    EXPECT_EQ(errno, EMFILE);
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
}

// Of memory, so many pages are this program's.
long resident_pages() {
  long size = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident;
}

// A million times, or as often as ten seconds allow; NARU_NIGHTLY is not in a hurry.
TEST(Open, NothingIsLostByOpeningAndClosingOften) {
  NARU_CHECKS("SOC-046");
  constexpr int kTimes = 1'000'000;
  constexpr int kWarm = 10'000;
  const auto end = std::chrono::steady_clock::now() + (is_nightly() ? 1h : 10s);
  const Fd first = tcp();
  const int number = first + 1;
  long pages = 0;
  int done = 0;
  while (done < kTimes && std::chrono::steady_clock::now() < end) {
    if (done == kWarm) pages = resident_pages();
    const Fd fd = (++done & 1) != 0 ? tcp() : udp();
    ASSERT_EQ(static_cast<int>(fd), number);
  }
  EXPECT_GT(done, 10 * kWarm);
  EXPECT_LT(resident_pages() - pages, 64);
}

// --- descriptors that are no sockets -------------------------------------------------------

TEST(Descriptors, BadOnes) {
  NARU_CHECKS("SOC-003");
  const int bad = 1000;
  sockaddr_in a{};
  socklen_t size = sizeof a;
  int value = 0;
  char byte = 0;
  msghdr message{};
  EXPECT_EQ(error_of(bind(bad, v4(0))), EBADF);
  EXPECT_EQ(error_of(connect(bad, v4(1))), EBADF);
  EXPECT_EQ(error_of(::listen(bad, 1)), EBADF);
  EXPECT_EQ(error_of(::accept(bad, nullptr, nullptr)), EBADF);
  EXPECT_EQ(error_of(::shutdown(bad, SHUT_RD)), EBADF);
  EXPECT_EQ(error_of(::getsockname(bad, generic(a), &size)), EBADF);
  EXPECT_EQ(error_of(::getpeername(bad, generic(a), &size)), EBADF);
  EXPECT_EQ(error_of(::setsockopt(bad, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value)), EBADF);
  EXPECT_EQ(error_of(::getsockopt(bad, SOL_SOCKET, SO_TYPE, &value, &size)), EBADF);
  EXPECT_EQ(error_of(::send(bad, &byte, 1, 0)), EBADF);
  EXPECT_EQ(error_of(::recv(bad, &byte, 1, 0)), EBADF);
  EXPECT_EQ(error_of(::sendmsg(bad, &message, 0)), EBADF);
  EXPECT_EQ(error_of(::recvmsg(bad, &message, 0)), EBADF);
  EXPECT_EQ(error_of(::close(bad)), EBADF);
  EXPECT_EQ(poll_now(bad), POLLNVAL);
}

TEST(Descriptors, OfOtherKinds) {
  NARU_CHECKS("SOC-003");
  const Fd file(::open("/dev/null", O_RDWR));
  sockaddr_in a{};
  socklen_t size = sizeof a;
  int value = 0;
  char byte = 0;
  msghdr message{};
  EXPECT_EQ(error_of(bind(file, v4(0))), ENOTSOCK);
  EXPECT_EQ(error_of(connect(file, v4(1))), ENOTSOCK);
  EXPECT_EQ(error_of(::listen(file, 1)), ENOTSOCK);
  EXPECT_EQ(error_of(::accept(file, nullptr, nullptr)), ENOTSOCK);
  EXPECT_EQ(error_of(::shutdown(file, SHUT_RD)), ENOTSOCK);
  EXPECT_EQ(error_of(::getsockname(file, generic(a), &size)), ENOTSOCK);
  EXPECT_EQ(error_of(::setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &value, 4)), ENOTSOCK);
  EXPECT_EQ(error_of(::getsockopt(file, SOL_SOCKET, SO_TYPE, &value, &size)), ENOTSOCK);
  EXPECT_EQ(error_of(::send(file, &byte, 1, 0)), ENOTSOCK);
  EXPECT_EQ(error_of(::recv(file, &byte, 1, 0)), ENOTSOCK);
  EXPECT_EQ(error_of(::sendmsg(file, &message, 0)), ENOTSOCK);
  EXPECT_EQ(error_of(::recvmsg(file, &message, 0)), ENOTSOCK);
}

TEST(Descriptors, SocketsHaveNoPlaceToSeek) {
  NARU_CHECKS("SOC-003", "SOC-050");
  const Fd fd = tcp();
  char byte = 0;
  const iovec part{&byte, 1};
  EXPECT_EQ(error_of(::lseek(fd, 0, SEEK_CUR)), ESPIPE);
  EXPECT_EQ(error_of(::pread(fd, &byte, 1, 0)), ESPIPE);
  EXPECT_EQ(error_of(::pwrite(fd, &byte, 1, 0)), ESPIPE);
  EXPECT_EQ(error_of(::preadv(fd, &part, 1, 0)), ESPIPE);
  EXPECT_EQ(error_of(::pwritev(fd, &part, 1, 0)), ESPIPE);
  EXPECT_EQ(error_of(::ftruncate(fd, 0)), EINVAL);
  EXPECT_EQ(::isatty(fd), 0);
}

// Other address families and kinds are the kernel's.
TEST(Descriptors, OtherFamiliesStayWithTheKernel) {
  NARU_CHECKS("SOC-058");
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const Fd left(ends[0]);
  const Fd right(ends[1]);
  EXPECT_EQ(send(left, "local"), 5);
  EXPECT_EQ(recv(right), "local");
  EXPECT_EQ(get(left, SOL_SOCKET, SO_DOMAIN), AF_UNIX);
  EXPECT_EQ(error_of(::socketpair(AF_INET, SOCK_STREAM, 0, ends)), EOPNOTSUPP);
}

}  // namespace
}  // namespace naru::sockets
