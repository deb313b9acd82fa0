// Sockets and processes, and signals that come at any time.
#include <atomic>
#include <csignal>
#include <pthread.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

TEST(Fork, TheChildHasTheSameSockets) {
  NARU_CHECKS("SOC-048");
  auto [client, server] = connected();
  EXPECT_TRUE(in_child([&, fd = static_cast<int>(server)] { return send(fd, "child") == 5; }));
  EXPECT_EQ(recv(client), "child");
  server.close();
  EXPECT_EQ(recv(client), "") << "nobody else has it";
}

TEST(Fork, InTheMiddleOfTraffic) {
  NARU_CHECKS("SOC-048");
  const auto [client, server] = connected();
  const std::string much(20 << 20, 'm');
  std::size_t got = 0;
  std::thread sender([&, fd = static_cast<int>(client)] {
    send(fd, much);
    ::shutdown(fd, SHUT_WR);
  });
  std::thread reader([&, fd = static_cast<int>(server)] {
    for (std::string piece; !(piece = recv(fd, 0, 1 << 16)).empty();) got += piece.size();
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(in_child([] {
      const auto [mine, other] = connected();
      return send(mine, "x") == 1 && recv(other) == "x";
    }));
  }
  sender.join();
  reader.join();
  EXPECT_EQ(got, much.size());
}

TEST(Fork, ExecKeepsWhatIsToBeKept) {
  NARU_CHECKS("SOC-048");
  auto [client, server] = connected(SOCK_CLOEXEC);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(server, STDOUT_FILENO);
    ::execl("/bin/sh", "sh", "-c", "echo kept; exec sleep 20", nullptr);
    ::_exit(1);
  }
  server.close();
  EXPECT_TRUE(wait_for(client, POLLIN));
  EXPECT_EQ(recv(client), "kept\n");
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_TRUE(wait_for(client, POLLRDHUP)) << "nobody else has it";
}

// --- signals --------------------------------------------------------------------------------

class Signals : public ::testing::Test {
 protected:
  void on(int number, void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigaction(number, &action, &before_);
    number_ = number;
  }
  ~Signals() override { ::sigaction(number_, &before_, nullptr); }
  static void alarm_every(int us) {
    const itimerval t{{0, us}, {0, us}};
    ::setitimer(ITIMER_REAL, &t, nullptr);
  }

 private:
  struct sigaction before_ {};
  int number_ = 0;
};

std::atomic<int> handled{0};

TEST_F(Signals, InterruptWhoWaits) {
  NARU_CHECKS("SOC-003", "SOC-049");
  handled = 0;
  on(
      SIGALRM, [](int) { ++handled; }, 0);
  const auto [client, server] = connected();
  const Fd l = listener();
  const Fd u = bound_udp();
  const Fd set(::epoll_create1(0));
  epoll_event event{EPOLLIN, {}};
  ::epoll_ctl(set, EPOLL_CTL_ADD, client, &event);
  pollfd p{client, POLLIN, 0};
  fd_set in;
  FD_ZERO(&in);
  FD_SET(static_cast<int>(client), &in);
  const std::function<long()> calls[] = {
      [&] {
        char b;
        return ::recv(client, &b, 1, 0);
      },
      [&] { return long{::accept(l, nullptr, nullptr)}; },
      [&] {
        char b;
        return ::read(u, &b, 1);
      },
      [&] { return long{::epoll_wait(set, &event, 1, -1)}; },
      [&] { return long{::poll(&p, 1, -1)}; },
      [&] { return long{::select(client + 1, &in, nullptr, nullptr, nullptr)}; },
  };
  for (const auto& call : calls) {
    const itimerval soon{{}, {0, 30'000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
    EXPECT_EQ(error_of(call()), EINTR);
  }
  EXPECT_EQ(handled, 6);
}

TEST_F(Signals, DoNotEndACallThatIsRestarted) {
  NARU_CHECKS("SOC-003", "SOC-049");
  handled = 0;
  on(
      SIGALRM, [](int) { ++handled; }, SA_RESTART);
  const auto [client, server] = connected();
  std::thread sender([&, fd = static_cast<int>(server)] {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    for (int i = 0; i < 2000 && handled == 0; ++i) sleep_ms(1);
    send(fd, "late");
  });
  const itimerval soon{{}, {0, 30'000}};
  ::setitimer(ITIMER_REAL, &soon, nullptr);
  EXPECT_EQ(recv(client), "late");
  sender.join();
  EXPECT_EQ(handled, 1);
  // Of poll it is the end in any case.
  ::setitimer(ITIMER_REAL, &soon, nullptr);
  pollfd p{client, POLLIN, 0};
  EXPECT_EQ(error_of(::poll(&p, 1, kLong)), EINTR);
}

int socket_of_handler = -1;
int errors_in_handler = 0;

// A handler that does what a program may do with a socket, in the middle of the
// program doing the same.
TEST_F(Signals, HandlersMakeSocketCalls) {
  NARU_CHECKS("SOC-049");
  const auto [client, server] = connected();
  const auto [out, in] = connected();
  socket_of_handler = out;
  errors_in_handler = 0;
  handled = 0;
  on(
      SIGALRM,
      [](int) {
        const int before = errno;
        if (::send(socket_of_handler, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1) {
          ++errors_in_handler;
        }
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        ::close(fd);
        ++handled;
        errno = before;
      },
      SA_RESTART);
  alarm_every(100);
  const auto end = std::chrono::steady_clock::now() + 2s;
  long turns = 0;
  while (std::chrono::steady_clock::now() < end) {
    ASSERT_EQ(send(client, "ping"), 4);
    ASSERT_EQ(recv(server), "ping");
    ASSERT_EQ(send(server, "pong"), 4);
    ASSERT_EQ(recv(client), "pong");
    const Fd fd = tcp();
    ASSERT_GE(fd, 0);
    (void)recv(in, MSG_DONTWAIT, 4096);
    ++turns;
  }
  alarm_every(0);
  EXPECT_GT(handled, 100);
  EXPECT_EQ(errors_in_handler, 0);
  EXPECT_GT(turns, 100);
}

TEST_F(Signals, AStormWithoutRestart) {
  NARU_CHECKS("SOC-049");
  handled = 0;
  on(
      SIGALRM, [](int) { ++handled; }, 0);
  const auto [client, server] = connected();
  std::thread echo([fd = static_cast<int>(server)] {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    for (std::string text; !(text = recv(fd)).empty();) send(fd, text);
  });
  alarm_every(100);
  for (int i = 0; i < 3000; ++i) {
    while (send(client, "ping") < 0) ASSERT_EQ(errno, EINTR);
    std::string got;
    while (got.size() < 4) {
      const std::string piece = recv(client);
      if (piece == "EINTR") continue;
      got += piece;
    }
    ASSERT_EQ(got, "ping");
  }
  alarm_every(0);
  ::shutdown(client, SHUT_WR);
  echo.join();
  EXPECT_GT(handled, 10);
}

// What a program sees of its handlers is what it has set.
TEST_F(Signals, HandlersAreTheProgramsOwn) {
  NARU_CHECKS("SOC-049");
  const auto handler = [](int) {};
  on(SIGUSR1, handler, SA_RESTART | SA_NODEFER);
  struct sigaction seen {};
  ASSERT_EQ(::sigaction(SIGUSR1, nullptr, &seen), 0);
  EXPECT_EQ(seen.sa_handler, static_cast<void (*)(int)>(handler));
  EXPECT_EQ(seen.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO), SA_RESTART | SA_NODEFER);
  EXPECT_EQ(::signal(SIGUSR1, SIG_IGN), static_cast<void (*)(int)>(handler));
  EXPECT_EQ(::signal(SIGUSR1, SIG_DFL), SIG_IGN);
  ASSERT_EQ(::sigaction(SIGSEGV, nullptr, &seen), 0);
  EXPECT_EQ(seen.sa_handler, SIG_DFL);
}

TEST_F(Signals, OfBadMemoryAreStillTheProgramsOwn) {
  NARU_CHECKS("SOC-049");
  const auto dies_of = [](int number, void (*act)()) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      act();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == number;
  };
  EXPECT_TRUE(dies_of(SIGSEGV, [] { *static_cast<volatile int*>(no_memory()) = 1; }));
  EXPECT_TRUE(dies_of(SIGSEGV, [] { ::raise(SIGSEGV); }));
  EXPECT_TRUE(in_child([] {
    struct sigaction action {};
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
      ::_exit(info->si_addr == no_memory() ? 0 : 1);
    };
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSEGV, &action, nullptr);
    *static_cast<volatile int*>(no_memory()) = 1;
    return false;
  }));
}

std::atomic<int> told_by_signal{0};

TEST_F(Signals, TellOfReadiness) {
  NARU_CHECKS("SOC-056");
  told_by_signal = 0;
  on(
      SIGIO, [](int) { ++told_by_signal; }, SA_RESTART);
  const auto [client, server] = connected();
  EXPECT_EQ(::fcntl(server, F_SETOWN, ::getpid()), 0);
  EXPECT_EQ(::fcntl(server, F_GETOWN), ::getpid());
  EXPECT_EQ(::fcntl(server, F_SETFL, O_ASYNC | O_NONBLOCK), 0);
  EXPECT_EQ(::fcntl(server, F_GETFL) & O_ASYNC, O_ASYNC);
  send(client, "x");
  for (int i = 0; i < 2000 && told_by_signal == 0; ++i) sleep_ms(1);
  EXPECT_GE(told_by_signal, 1);
  int off = 0;
  EXPECT_EQ(::ioctl(server, FIOASYNC, &off), 0);
  EXPECT_EQ(::fcntl(server, F_GETFL) & O_ASYNC, 0);
}

}  // namespace
}  // namespace naru::sockets
