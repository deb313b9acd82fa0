// The shared object for packetdrill, driven as the tool drives it.

#include <fcntl.h>
#include <fstream>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

#include "tool.hpp"

namespace naru::test {
namespace {

// A call on a second thread, that has begun to sleep before the constructor returns.
template <class Result>
class Blocked {
 public:
  template <class Call>
  explicit Blocked(Tool& tool, Call call) {
    std::promise<std::string> stat;
    std::future<std::string> path = stat.get_future();
    result_ = std::async(std::launch::async, [&tool, call, s = std::move(stat)]() mutable {
      s.set_value("/proc/self/task/" + std::to_string(::gettid()) + "/stat");
      const Result r = call();
      const Duration done_at = tool.now();
      return std::pair(r, done_at);
    });
    const std::string file = path.get();
    while (!sleeps(file)) std::this_thread::yield();
  }
  // What it answered, and when it says that it was done.
  std::pair<Result, Duration> get() { return result_.get(); }

 private:
  static bool sleeps(const std::string& file) {
    std::string line;
    std::getline(std::ifstream(file), line);
    const std::size_t name_end = line.rfind(')');
    return name_end != std::string::npos && line.compare(name_end, 3, ") S") == 0;
  }
  std::future<std::pair<Result, Duration>> result_;
};

TEST(PacketdrillInterface, FillsEveryCall) {
  Tool tool;
  const auto* first = reinterpret_cast<void* const*>(&tool.api);
  for (std::size_t i = 0; i < sizeof tool.api / sizeof(void*); ++i) EXPECT_NE(first[i], nullptr);
}

TEST(PacketdrillInterface, RefusesFlagsThatMakeNoSense) {
  for (const char* flags : {"nonsense", "mtu=67", "mtu=x", "local_ip=1.2.3", "tcp.no_such=1",
                            "tcp.rto_min=0", "variant=ipv6"}) {
    EXPECT_EXIT(Tool tool(flags), ::testing::ExitedWithCode(2), "makes no sense") << flags;
  }
}

TEST(PacketdrillInterface, AcceptsAConnectionAndCarriesData) {
  Tool tool;
  const int listener = tool.listener();
  EXPECT_GE(listener, 100'000);
  tool.send(tcp().syn().mss(1460).sack_ok().ts(100).wscale(7));
  // Linux's order of options.
  const Seen answer = tool.expect(tcp().syn().ack(1).mss(1460).sack_ok().wscale(8));
  EXPECT_EQ(option_kinds(wire::TcpView::parse(answer.frame.ipv4().payload())->options()),
            (std::vector<std::uint8_t>{2, 4, 8, 1, 3}));
  tool.send(tcp().ack().ts(101));
  sockaddr_in from{};
  const int fd = tool.accept(listener, &from);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(ntohl(from.sin_addr.s_addr), Tool::kRemote.to_v4());
  EXPECT_EQ(ntohs(from.sin_port), 8080);

  const Buffer zeros(1000);
  EXPECT_EQ(tool.api.write(tool.user(), fd, zeros.data(), zeros.size()), 1000);
  tool.expect(tcp().psh().ack(1).seq(1).data(zeros));
  tool.send(tcp().ack().ts(102).data(Buffer(10)));
  tool.expect(tcp().ack(11).seq(1001));
  Buffer in(100);
  EXPECT_EQ(tool.api.read(tool.user(), fd, in.data(), in.size()), 10);
  EXPECT_EQ(tool.api.close(tool.user(), fd), 0);
  tool.expect(tcp().fin().ack(11));
}

TEST(PacketdrillInterface, TimersRunInVirtualTime) {
  Tool tool;
  const int fd = tool.establish();
  const Buffer zeros(1000);
  EXPECT_EQ(tool.api.write(tool.user(), fd, zeros.data(), zeros.size()), 1000);
  Duration last = tool.expect(tcp().seq(1).length(1000)).at.time_since_epoch();
  Duration gap = 0s;
  for (int i = 0; i < 4; ++i) {  // netdev_receive jumps from timer to timer
    const Seen again = tool.expect(tcp().seq(1).length(1000));
    const Duration next = again.at.time_since_epoch() - last;
    const Duration expected = i == 0 ? next : 2 * gap;
    EXPECT_NEAR(next / 1ms, expected / 1ms, 20);
    gap = next;
    last = again.at.time_since_epoch();
    const Duration clock = tool.now();
    EXPECT_GE(clock, last) << "one clock for both";
    EXPECT_LT(clock, last + 1ms);
  }
}

TEST(PacketdrillInterface, TheClockMovesWhenLookedAt) {
  Tool tool;
  Duration last = tool.now();
  for (int i = 0; i < 100; ++i) {
    const Duration next = tool.now();
    EXPECT_GE(next - last, 1us);
    last = next;
  }
  tool.sleep(250ms);
  EXPECT_NEAR((tool.now() - last) / 1us, 250'000, 2);
}

TEST(PacketdrillInterface, SaysWhenNothingWillEverCome) {
  Tool tool;
  tool.listener();
  EXPECT_TRUE(tool.is_silent());
}

TEST(PacketdrillInterface, SettingsReachTheStack) {
  Tool tool("mtu=1280,tcp.timestamps=0,tcp.window_scaling=0,tcp.initial_rto=3000");
  tool.listener();
  tool.send(tcp().syn().mss(1460).sack_ok().ts(1).wscale(7));
  const Seen first = tool.expect(tcp().syn().ack(1).mss(1240).without(8).without(3));
  const Seen second = tool.expect(tcp().syn().ack(1));
  EXPECT_NEAR((second.at - first.at) / 1ms, 3000, 10);
}

// --- calls that block ---------------------------------------------------------------

TEST(PacketdrillInterface, AcceptSleepsOnTheSecondThread) {
  Tool tool;
  const int listener = tool.listener();
  Blocked<int> accept(tool, [&] { return tool.accept(listener); });
  tool.send(tcp().syn().mss(1460));
  tool.expect(tcp().syn().ack(1));
  tool.sleep(100ms);
  tool.send(tcp().ack());
  const Duration done = tool.now();
  const auto [fd, done_at] = accept.get();
  EXPECT_GE(fd, 0);
  EXPECT_NEAR(done_at / 1us, done / 1us, 5);
}

TEST(PacketdrillInterface, ReadWakesBeforeTimeMovesOn) {
  Tool tool;
  const int fd = tool.establish();
  Buffer in(100);
  Blocked<ssize_t> read(tool, [&] { return tool.api.read(tool.user(), fd, in.data(), in.size()); });
  tool.sleep(50ms);
  const Duration before = tool.now();
  tool.send(tcp().ack().data(Buffer(7)));
  tool.sleep(10s);  // the call must not be charged for this
  const auto [n, done_at] = read.get();
  EXPECT_EQ(n, 7);
  EXPECT_LT(done_at - before, 1ms);
}

TEST(PacketdrillInterface, WriteSleepsUntilThereIsRoom) {
  Tool tool;
  const int fd = tool.establish();
  const int size = 4608;
  EXPECT_EQ(tool.api.setsockopt(tool.user(), fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  const Buffer zeros(100'000);
  Blocked<ssize_t> write(
      tool, [&] { return tool.api.write(tool.user(), fd, zeros.data(), zeros.size()); });
  std::uint32_t seq = 1;
  while (seq < 100'001) {
    seq = tool.expect(tcp().ack(1).seq(seq)).end();
    tool.send(tcp().ack());
  }
  EXPECT_EQ(write.get().first, 100'000);
}

TEST(PacketdrillInterface, ConnectSleepsUntilTheHandshakeIsDone) {
  Tool tool;
  const int fd = tool.socket();
  Blocked<int> connect(tool, [&] { return tool.connect(fd); });
  tool.expect(tcp().syn());
  tool.send(tcp().syn().ack().mss(1460));
  tool.expect(tcp().ack(1).seq(1));
  EXPECT_EQ(connect.get().first, 0);
}

TEST(PacketdrillInterface, ABlockingCallOfTheMainThreadMovesTheClock) {
  Tool tool("tcp.syn_retries=2");
  const int fd = tool.socket();
  const Duration start = tool.now();
  EXPECT_EQ(tool.connect(fd), -1);
  EXPECT_EQ(errno, ETIMEDOUT);
  EXPECT_GE(tool.now() - start, 3s);
  for (int i = 0; i < 3; ++i) tool.expect(tcp().syn());
}

TEST(PacketdrillInterface, PollGivesUpInTime) {
  Tool tool;
  const int fd = tool.establish();
  pollfd p{fd, POLLIN, POLLIN | POLLOUT};  // revents as the tool leaves them
  EXPECT_EQ(tool.api.poll(tool.user(), &p, 1, 0), 0);
  EXPECT_EQ(p.revents, 0);
  const Duration start = tool.now();
  EXPECT_EQ(tool.api.poll(tool.user(), &p, 1, 300), 0);
  EXPECT_NEAR((tool.now() - start) / 1ms, 300, 2);
  tool.send(tcp().ack().data(Buffer(7)));
  EXPECT_EQ(tool.api.poll(tool.user(), &p, 1, -1), 1);
  EXPECT_EQ(p.revents, POLLIN);
}

TEST(PacketdrillInterface, PollSleepsOnTheSecondThread) {
  Tool tool;
  const int fd = tool.establish();
  pollfd p{fd, POLLIN, 0};
  const Duration start = tool.now();
  Blocked<int> poll(tool, [&] { return tool.api.poll(tool.user(), &p, 1, 300); });
  tool.sleep(10s);
  const auto [n, done_at] = poll.get();
  EXPECT_EQ(n, 0);
  EXPECT_NEAR((done_at - start) / 1ms, 300, 2);
}

// --- the other calls -------------------------------------------------------------------

TEST(PacketdrillInterface, ErrorsAreLinuxes) {
  Tool tool;
  EXPECT_EQ(tool.api.socket(tool.user(), 9999, SOCK_STREAM, 0), -1);
  EXPECT_EQ(errno, EAFNOSUPPORT);
  EXPECT_EQ(tool.api.listen(tool.user(), 12, 1), -1);
  EXPECT_EQ(errno, EBADF);
  const int fd = tool.establish();
  EXPECT_EQ(tool.api.write(tool.user(), fd, nullptr, 10), -1);
  EXPECT_EQ(errno, EFAULT);
  Buffer in(10);
  EXPECT_EQ(tool.api.recv(tool.user(), fd, in.data(), in.size(), MSG_DONTWAIT), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(tool.api.fcntl(tool.user(), fd, F_GETFL, 0), O_RDWR);
  EXPECT_EQ(tool.api.fcntl(tool.user(), fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
  EXPECT_EQ(tool.api.read(tool.user(), fd, in.data(), in.size()), -1);
  EXPECT_EQ(errno, EAGAIN);
  tool.send(tcp().rst());
  EXPECT_EQ(tool.api.read(tool.user(), fd, in.data(), in.size()), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST(PacketdrillInterface, TheAssertionsOfScriptsFindTheirOptions) {
  Tool tool;
  const int fd = tool.establish(tcp().mss(1460).sack_ok());
  std::uint8_t info[400]{};
  socklen_t length = sizeof info;
  EXPECT_EQ(tool.api.getsockopt(tool.user(), fd, IPPROTO_TCP, TCP_INFO, info, &length), 0);
  EXPECT_GE(length, 280U);
  EXPECT_EQ(info[0], TCP_ESTABLISHED);
  EXPECT_NE(info[5] & TCPI_OPT_SACK, 0);
  length = sizeof info;
  EXPECT_EQ(tool.api.getsockopt(tool.user(), fd, IPPROTO_TCP, 26, info, &length), 0);
  EXPECT_EQ(length, 0U);
  length = sizeof info;
  EXPECT_EQ(tool.api.getsockopt(tool.user(), fd, SOL_SOCKET, 55, info, &length), 0);
  EXPECT_EQ(length, 36U);
}

TEST(PacketdrillInterface, OptionsAreSetAndReadBack) {
  Tool tool;
  const int fd = tool.socket();
  int value = 10'000;
  EXPECT_EQ(tool.api.setsockopt(tool.user(), fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof value), 0);
  socklen_t length = sizeof value;
  EXPECT_EQ(tool.api.getsockopt(tool.user(), fd, SOL_SOCKET, SO_SNDBUF, &value, &length), 0);
  EXPECT_EQ(value, 20'000) << "doubled, as Linux does";
  const std::uint8_t one = 1;  // the tool writes short ints
  EXPECT_EQ(tool.api.setsockopt(tool.user(), fd, IPPROTO_TCP, TCP_NODELAY, &one, 1), 0);
  EXPECT_EQ(tool.api.getsockopt(tool.user(), fd, IPPROTO_TCP, TCP_NODELAY, &value, &length), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(tool.api.setsockopt(tool.user(), fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
  char name[16]{};
  length = sizeof name;
  EXPECT_EQ(tool.api.getsockopt(tool.user(), fd, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
  EXPECT_STREQ(name, "reno");
  EXPECT_EQ(tool.api.setsockopt(tool.user(), fd, SOL_SOCKET, 9999, &value, sizeof value), -1);
  EXPECT_EQ(errno, ENOPROTOOPT);
}

TEST(PacketdrillInterface, IoctlsCount) {
  Tool tool;
  const int fd = tool.establish();
  int n = -1;
  EXPECT_EQ(tool.api.ioctl(tool.user(), fd, SIOCINQ, &n), 0);
  EXPECT_EQ(n, 0);
  tool.send(tcp().ack().data(Buffer(7)));
  EXPECT_EQ(tool.api.ioctl(tool.user(), fd, SIOCINQ, &n), 0);
  EXPECT_EQ(n, 7);
  const Buffer zeros(50);
  EXPECT_EQ(tool.api.write(tool.user(), fd, zeros.data(), zeros.size()), 50);
  EXPECT_EQ(tool.api.ioctl(tool.user(), fd, SIOCOUTQ, &n), 0);
  EXPECT_EQ(n, 50);
}

TEST(PacketdrillInterface, EpollReportsLevelsAndEdges) {
  Tool tool;
  const int fd = tool.establish();
  const int level = tool.api.epoll_create(tool.user(), 1);
  const int edge = tool.api.epoll_create(tool.user(), 1);
  epoll_event wanted{EPOLLIN, {.u64 = 42}};
  EXPECT_EQ(tool.api.epoll_ctl(tool.user(), level, EPOLL_CTL_ADD, fd, &wanted), 0);
  EXPECT_EQ(tool.api.epoll_ctl(tool.user(), level, EPOLL_CTL_ADD, fd, &wanted), -1);
  EXPECT_EQ(errno, EEXIST);
  wanted.events = EPOLLIN | EPOLLET;
  EXPECT_EQ(tool.api.epoll_ctl(tool.user(), edge, EPOLL_CTL_ADD, fd, &wanted), 0);
  epoll_event got[4]{};
  EXPECT_EQ(tool.api.epoll_wait(tool.user(), level, got, 4, 0), 0);
  tool.send(tcp().ack().data(Buffer(7)));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(tool.api.epoll_wait(tool.user(), level, got, 4, 0), 1);
    EXPECT_EQ(got[0].data.u64, 42U);
    EXPECT_EQ(got[0].events, std::uint32_t{EPOLLIN});
    EXPECT_EQ(tool.api.epoll_wait(tool.user(), edge, got, 4, 0), i == 0 ? 1 : 0);
  }
  tool.send(tcp().ack().data(Buffer(7)));
  EXPECT_EQ(tool.api.epoll_wait(tool.user(), edge, got, 4, 0), 1) << "more has come";
}

TEST(PacketdrillInterface, SpliceMovesBytesBetweenSocketAndPipe) {
  Tool tool;
  const int fd = tool.establish();
  int ends[2]{};
  ASSERT_EQ(tool.api.pipe(tool.user(), ends), 0);
  loff_t none = 0;
  tool.send(tcp().ack().data(Buffer(1000)));
  tool.expect(tcp().ack(1001).length(0));
  EXPECT_EQ(tool.api.splice(tool.user(), fd, &none, ends[1], &none, 600, 0), 600);
  EXPECT_EQ(tool.api.splice(tool.user(), ends[0], &none, fd, &none, 500, 0), 500);
  tool.expect(tcp().psh().ack().seq(1).length(500));
  Buffer in(1000);
  EXPECT_EQ(tool.api.read(tool.user(), ends[0], in.data(), in.size()), 100);
  EXPECT_EQ(tool.api.splice(tool.user(), fd, &none, fd, &none, 1, 0), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST(PacketdrillInterface, MessagesAreGatheredAndScattered) {
  Tool tool;
  const int fd = tool.establish();
  Buffer out[2]{Buffer(300, 1), Buffer(200, 2)};
  iovec parts[2]{{out[0].data(), 300}, {out[1].data(), 200}};
  EXPECT_EQ(tool.api.writev(tool.user(), fd, parts, 2), 500);
  Buffer both = out[0];
  append(both, out[1]);
  tool.expect(tcp().seq(1).data(both));
  tool.send(tcp().ack().data(both));
  Buffer in[2]{Buffer(300), Buffer(300)};
  iovec room[2]{{in[0].data(), 300}, {in[1].data(), 300}};
  msghdr message{};
  message.msg_iov = room;
  message.msg_iovlen = 2;
  message.msg_flags = -1;
  EXPECT_EQ(tool.api.recvmsg(tool.user(), fd, &message, 0), 500);
  EXPECT_EQ(message.msg_flags, 0);
  EXPECT_EQ(message.msg_controllen, 0U);
  EXPECT_EQ(in[0], out[0]);
  in[1].resize(200);
  EXPECT_EQ(in[1], out[1]);
}

// The v4-mapped variant of the tool.
TEST(PacketdrillInterface, SocketsOfAfInet6SpeakIpv4) {
  Tool tool;
  const int fd = tool.socket(AF_INET6);
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(8080);
  EXPECT_EQ(tool.api.bind(tool.user(), fd, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  EXPECT_EQ(tool.api.listen(tool.user(), fd, 1), 0);
  tool.send(tcp().syn().mss(1460));
  tool.expect(tcp().syn().ack(1));
  tool.send(tcp().ack());
  sockaddr_in6 from{};
  socklen_t length = sizeof from;
  EXPECT_GE(tool.api.accept(tool.user(), fd, reinterpret_cast<sockaddr*>(&from), &length), 0);
  EXPECT_EQ(length, sizeof from);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
}

// Where the object is preloaded, calls that the tool sends to the kernel come here.
TEST(PacketdrillInterface, StrayCallsAreCaught) {
  Tool tool;
  const int fd = tool.establish();
  std::uint8_t info[400]{};
  socklen_t length = sizeof info;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &length), 0);
  EXPECT_EQ(info[0], TCP_ESTABLISHED);
  EXPECT_EQ(::close(fd), 0);
  tool.expect(tcp().fin().ack());
  int kernel[2]{};
  ASSERT_EQ(::pipe(kernel), 0);
  EXPECT_EQ(::close(kernel[0]), 0);
  EXPECT_EQ(::close(kernel[1]), 0);
  EXPECT_EQ(::close(kernel[1]), -1);
  EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace naru::test
