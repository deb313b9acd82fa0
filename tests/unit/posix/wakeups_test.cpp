// No wake-up is lost, wherever on its way to sleep a thread is when that happens which it
// waits for: it is stopped there, at one instruction after the other.
//
//   NARU_NIGHTLY=1 test_posix --gtest_filter='*Wakeups*'     at every one
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <thread>

#include <naru/socket/clock.hpp>

#include "fixture.hpp"

namespace naru::posix::test {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint32_t kStride = 307;  // the way is longer
#else
constexpr std::uint32_t kStride = 53;
#endif

// A process that we trace, at the beginning of a call.
class Stepped {
 public:
  explicit Stepped(pid_t pid) : pid_(pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSTOPPED(status));
  }

  // One instruction further. False: it sleeps in that.
  bool step() {
    EXPECT_EQ(::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr), 0);
    int status = 0;
    for (int looks = 0;; ++looks) {
      const pid_t stopped = ::waitpid(pid_, &status, WNOHANG);
      if (stopped == pid_) {
        EXPECT_TRUE(WIFSTOPPED(status)) << "it has ended by itself";
        return WIFSTOPPED(status);
      }
      if (looks > 1000 && state() == 'S') return false;
    }
  }

  // From here on by itself, to the end, which comes soon.
  bool ends_well(bool is_asleep) {
    if (!is_asleep) ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
    const Time end = monotonic_now() + kLong;
    int status = 0;
    while (monotonic_now() < end) {
      const pid_t changed = ::waitpid(pid_, &status, WNOHANG);
      if (changed == pid_ && !WIFSTOPPED(status))
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
      if (changed == pid_) ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);  // its step is over
      ::usleep(50);
    }
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
    return false;
  }

 private:
  char state() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string text;
    std::getline(file, text);
    const auto at = text.rfind(')');
    return at == std::string::npos ? '?' : text[at + 2];
  }

  pid_t pid_;
};

class Wakeups : public PosixTest {
 protected:
  Wakeups() {
    session::Header& h = fds().session().header();
    h.spinners.store(1000);  // they sleep at once
    h.yields_again.store(kTimeNever);
  }

  // A connection that holds nothing back until it is acknowledged: no keeper is here to look
  // at timers.
  Pair prompt() {
    const Pair ends = connected();
    const int on = 1;
    EXPECT_EQ(sockets().set_option(ends.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    return ends;
  }

  Stepped start(const std::function<bool()>& call) {
    fds().before_fork();
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      fds().after_fork_in_child();
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::raise(SIGSTOP);
      ::_exit(call() ? 0 : 1);
    }
    fds().after_fork_in_parent();
    return Stepped(child);
  }

  // Is nobody inside? Who is cannot be overtaken.
  bool is_nobody_inside() {
    pthread_mutex_t& mutex = fds().session().header().mutex;
    if (::pthread_mutex_trylock(&mutex) != 0) return false;
    ::pthread_mutex_unlock(&mutex);
    return true;
  }

  // `happen` comes when the call has made so many steps that somebody else may make
  // something happen in between. False: it slept by then.
  bool check(const std::function<bool()>& call, const std::function<void()>& happen,
             std::uint32_t steps) {
    Stepped process = start(call);
    bool is_asleep = false;
    for (std::uint32_t done = 0; !is_asleep; is_asleep = !process.step()) {
      if (is_nobody_inside() && done++ == steps) break;
    }
    happen();
    EXPECT_TRUE(process.ends_well(is_asleep)) << "stopped after " << steps << " steps";
    return !is_asleep;
  }

  void check_everywhere(const std::function<bool()>& call, const std::function<void()>& happen) {
    // Once by itself, so that the loader has found all functions on the way.
    bool is_well = false;
    std::thread first([&] { is_well = call(); });
    std::this_thread::sleep_for(30ms);
    happen();
    first.join();
    ASSERT_TRUE(is_well);
    const std::uint32_t stride = ::getenv("NARU_NIGHTLY") != nullptr ? 1 : kStride;
    const auto seed = static_cast<std::uint32_t>(::testing::UnitTest::GetInstance()->random_seed());
    int places = 0;
    for (std::uint32_t at = seed % stride; check(call, happen, at) && !HasFailure(); at += stride) {
      ++places;
    }
    EXPECT_GT(places, 4);
    RecordProperty("places", places);
  }
};

TEST_F(Wakeups, OfWhoReceives) {
  const auto [client, server] = prompt();
  check_everywhere([&, c = client] { return recv(c) == "x"; },
                   [&, s = server] { EXPECT_EQ(send(s, "x"), 1); });
}

TEST_F(Wakeups, OfWhoPolls) {
  const auto [client, server] = prompt();
  check_everywhere(
      [&, c = client] {
        pollfd p{c, POLLIN, 0};
        return library->polling.poll({&p, 1}, kTimeNever, nullptr) == 1 && recv(c) == "x";
      },
      [&, s = server] { EXPECT_EQ(send(s, "x"), 1); });
}

TEST_F(Wakeups, OfWhoPollsThingsOfTheKernelToo) {
  const auto [client, server] = prompt();
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  check_everywhere(
      [&, c = client] {
        pollfd p[2]{{c, POLLIN, 0}, {pipe[0], POLLIN, 0}};
        return library->polling.poll(p, kTimeNever, nullptr) == 1 && recv(c) == "x";
      },
      [&, s = server] { EXPECT_EQ(send(s, "x"), 1); });
}

// A set of the child's own: level or edge.
bool wait_in_set(Library& library, int fd, std::uint32_t events, int other = -1) {
  const auto set = static_cast<int>(library.epoll.create(0));
  epoll_event event{events, {.fd = fd}};
  if (library.epoll.control(set, EPOLL_CTL_ADD, fd, &event) != 0) return false;
  if (other >= 0 && library.epoll.control(set, EPOLL_CTL_ADD, other, &event) != 0) return false;
  return library.epoll.wait(set, &event, 1, kTimeNever, nullptr) == 1;
}

TEST_F(Wakeups, OfWhoHasASet) {
  const auto [client, server] = prompt();
  for (const std::uint32_t edge : {0U, static_cast<std::uint32_t>(EPOLLET)}) {
    check_everywhere(
        [&, c = client] { return wait_in_set(*library, c, EPOLLIN | edge) && recv(c) == "x"; },
        [&, s = server] { EXPECT_EQ(send(s, "x"), 1); });
  }
}

TEST_F(Wakeups, OfWhoHasASetWithThingsOfTheKernel) {
  const auto [client, server] = prompt();
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  check_everywhere(
      [&, c = client] { return wait_in_set(*library, c, EPOLLIN, pipe[0]) && recv(c) == "x"; },
      [&, s = server] { EXPECT_EQ(send(s, "x"), 1); });
}

TEST_F(Wakeups, OfWhoAccepts) {
  const int l = listener(80);
  check_everywhere([&] { return sockets().accept(l, nullptr, nullptr, 0) >= 0; },
                   [&] {
                     const int client = tcp(SOCK_NONBLOCK);
                     (void)connect(client, 80);
                     fds().close(client);
                   });
}

}  // namespace
}  // namespace naru::posix::test
