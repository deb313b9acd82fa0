// Processes end: what they had open is closed before their parent hears of it.
#include <cstdlib>
#include <sys/syscall.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

constexpr int kStatus = 3;

struct Way {
  const char* name;
  void (*end)();
  int status = kStatus;  // of waitpid(2): an exit status, or a signal
};

// As `main` returns: this program again, with one test that fails, so that the status shows
// whether it was run. It is disabled because it is for this alone.
void return_from_main() {
  ::dup2(Fd(::open("/dev/null", O_WRONLY)), STDOUT_FILENO);
  ::execl("/proc/self/exe", "sockets", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
          "--gtest_filter=Ending.DISABLED_FailsAtOnce", nullptr);
}
TEST(Ending, DISABLED_FailsAtOnce) { FAIL() << "as it shall"; }

const Way kWays[] = {
    {"exit", [] { ::exit(kStatus); }},
    {"_exit", [] { ::_exit(kStatus); }},
    {"_Exit", [] { ::_Exit(kStatus); }},
    {"quick_exit", [] { ::quick_exit(kStatus); }},
    {"exit_group", [] { ::syscall(SYS_exit_group, kStatus); }},
    {"the end of main", return_from_main, 1},
    {"abort", [] { ::abort(); }, SIGABRT},
};

int wait_for_end_of(pid_t pid) {
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

// What a child does with `act` before it ends; the port where it listens.
struct Child {
  pid_t pid = 0;
  std::uint16_t port = 0;
};

Child child_that(void (*act)(int listener), void (*end)()) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  std::fflush(nullptr);  // else the child writes it, too
  Child child;
  child.pid = ::fork();
  if (child.pid == 0) {
    ::close(ready[0]);
    const int l = listener().release();
    const std::uint16_t port = port_of(l);
    (void)::write(ready[1], &port, sizeof port);
    act(l);
    end();
    ::_exit(99);
  }
  ::close(ready[1]);
  EXPECT_EQ(::read(ready[0], &child.port, sizeof child.port), long{sizeof child.port});
  ::close(ready[0]);
  return child;
}

TEST(Ending, ClosesWhatTheProcessHadOpen) {
  NARU_CHECKS("SOC-027", "SOC-048");
  for (const Way& way : kWays) {
    const Child child = child_that([](int l) { (void)::accept(l, nullptr, nullptr); }, way.end);
    const Fd client = tcp();
    ASSERT_EQ(connect(client, v4(child.port)), 0);
    EXPECT_EQ(wait_for_end_of(child.pid), way.status) << way.name;
    EXPECT_EQ(error_of(connect(tcp(), v4(child.port))), ECONNREFUSED) << way.name;
    EXPECT_EQ(recv(client), "") << way.name;
    const Fd other = udp();
    EXPECT_EQ(bind(other, v4(child.port)), 0) << way.name;
  }
}

TEST(Ending, FreesThePort) {
  NARU_CHECKS("SOC-048");
  for (const Way& way : kWays) {
    const Child child = child_that([](int) {}, way.end);
    EXPECT_EQ(wait_for_end_of(child.pid), way.status) << way.name;
    const Fd mine = tcp();
    EXPECT_EQ(bind(mine, v4(child.port)), 0) << way.name;
    EXPECT_EQ(::listen(mine, 1), 0) << way.name;
  }
}

TEST(Ending, LeavesToOthersWhatTheyHave) {
  NARU_CHECKS("SOC-048");
  for (const Way& way : kWays) {
    auto [client, server] = connected();
    const Fd l = listener();
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
      send(server, "bye");
      way.end();
    }
    EXPECT_EQ(wait_for_end_of(pid), way.status) << way.name;
    EXPECT_EQ(recv(client), "bye") << way.name;
    EXPECT_EQ(recv(client, MSG_DONTWAIT), "EAGAIN") << way.name;
    EXPECT_EQ(connect(tcp(), name_of(l)), 0) << way.name;
    server.close();
    EXPECT_EQ(recv(client), "") << way.name << ": nobody else has it";
  }
}

TEST(Ending, DeliversWhatWasSent) {
  NARU_CHECKS("SOC-027");
  constexpr std::size_t kMuch = 100'000;
  for (const Way& way : kWays) {
    const Child child = child_that(
        [](int l) {
          const int end = ::accept(l, nullptr, nullptr);
          send(end, std::string(kMuch, 'w'));
        },
        way.end);
    const Fd client = tcp();
    ASSERT_EQ(connect(client, v4(child.port)), 0);
    EXPECT_EQ(wait_for_end_of(child.pid), way.status) << way.name;
    std::size_t got = 0;
    for (std::string piece; !(piece = recv(client, 0, 1 << 16)).empty() && piece[0] == 'w';) {
      got += piece.size();
    }
    EXPECT_EQ(got, kMuch) << way.name;
  }
}

// Threads in the middle of a call see nothing of the end.
TEST(Ending, IsNotToldToOtherThreads) {
  NARU_CHECKS("SOC-047", "SOC-048");
  for (int round = 0; round < 40; ++round) {
    const Way& way = kWays[static_cast<std::size_t>(round) % 5];
    const Child child = child_that(
        [](int l) {
          for (int i = 0; i < 4; ++i) {
            std::thread([l, i] {
              if (i == 0) (void)::accept(l, nullptr, nullptr);
              if (i == 1) (void)wait_for(l, POLLIN, -1);
              if (i == 2) (void)bound_udp();
              while (i == 3 && error_of(::accept4(-1, nullptr, nullptr, 0)) == EBADF) {
                if (name_of(l).sin_port == 0) break;
              }
              if (i != 2) ::_exit(77);  // nobody has connected
            }).detach();
          }
          sleep_ms(2);
        },
        way.end);
    EXPECT_EQ(wait_for_end_of(child.pid), way.status) << way.name;
    EXPECT_EQ(error_of(connect(tcp(), v4(child.port))), ECONNREFUSED) << way.name;
  }
}

// A handler of atexit(3) and a stream that is written out in the end still find the socket.
TEST(Ending, ComesLast) {
  NARU_CHECKS("SOC-056");
  static int kept = -1;
  const Child child = child_that(
      [](int l) {
        kept = ::accept(l, nullptr, nullptr);
        ::atexit([] { send(kept, "handler "); });
        FILE* stream = ::fdopen(::dup(kept), "w");
        (void)std::fputs("stream", stream);
      },
      [] { ::exit(0); });
  const Fd client = tcp();
  ASSERT_EQ(connect(client, v4(child.port)), 0);
  EXPECT_EQ(wait_for_end_of(child.pid), 0);
  std::string got;
  for (std::string piece; !(piece = recv(client)).empty() && piece[0] != 'E';) got += piece;
  EXPECT_EQ(got, "handler stream");
}

// Close-on-exec is a close, too.
TEST(Ending, ExecClosesWhatIsNotKept) {
  NARU_CHECKS("SOC-048");
  const Child child = child_that(
      [](int l) {
        ::fcntl(l, F_SETFD, FD_CLOEXEC);
        int ready[2];
        (void)::pipe(ready);
        ::dup2(ready[0], STDIN_FILENO);
        const pid_t other = ::fork();  // so that the kernel counts it
        if (other == 0) ::_exit(0);
        ::waitpid(other, nullptr, 0);
      },
      [] { ::execl("/bin/cat", "cat", nullptr); });
  const auto is_refused = [&] {
    const Fd fd = tcp();
    return error_of(connect(fd, v4(child.port))) == ECONNREFUSED;
  };
  for (int i = 0; i < kLong && !is_refused(); ++i) sleep_ms(1);
  EXPECT_TRUE(is_refused());
  ::kill(child.pid, SIGKILL);
  wait_for_end_of(child.pid);
}

}  // namespace
}  // namespace naru::sockets
