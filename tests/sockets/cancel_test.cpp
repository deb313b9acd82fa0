// pthread_cancel(3) of threads that sleep in a socket call.
#include <atomic>
#include <functional>
#include <pthread.h>
#include <sys/select.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

// A thread that can be cancelled, which those of std::thread cannot.
class Thread {
 public:
  explicit Thread(std::function<void()> act) : act_(std::move(act)) {
    const auto run = [](void* self) -> void* {
      static_cast<Thread*>(self)->act_();
      return nullptr;
    };
    ::pthread_create(&thread_, nullptr, run, this);
  }
  void cancel() { ::pthread_cancel(thread_); }
  // True when it ended by being cancelled.
  bool was_cancelled() {
    timespec limit{};
    ::clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += kLong / 1000;
    void* answer = nullptr;
    const bool has_ended = ::pthread_timedjoin_np(thread_, &answer, &limit) == 0;
    EXPECT_TRUE(has_ended);
    if (!has_ended) ::abort();  // it uses what is on our stack
    return answer == PTHREAD_CANCELED;
  }

 private:
  std::function<void()> act_;
  pthread_t thread_{};
};

struct Scene {
  Pair tcp = connected();
  Fd quiet = listener();
  Fd udp = bound_udp();
  Fd set{::epoll_create1(0)};
  Fd mixed{::epoll_create1(0)};
  int pipe[2]{-1, -1};

  Scene() {
    EXPECT_EQ(::pipe(pipe), 0);
    epoll_event event{EPOLLIN, {}};
    for (const int s : {static_cast<int>(set), static_cast<int>(mixed)}) {
      EXPECT_EQ(::epoll_ctl(s, EPOLL_CTL_ADD, tcp.client, &event), 0);
    }
    EXPECT_EQ(::epoll_ctl(mixed, EPOLL_CTL_ADD, pipe[0], &event), 0);
  }
  ~Scene() {
    for (const int fd : pipe) ::close(fd);
  }
};

struct Call {
  const char* name;
  void (*make)(Scene&);
};

char byte = 0;
iovec part{&byte, 1};
msghdr message_of_one() {
  msghdr m{};
  m.msg_iov = &part;
  m.msg_iovlen = 1;
  return m;
}

const Call kCalls[] = {
    {"recv", [](Scene& s) { ::recv(s.tcp.client, &byte, 1, 0); }},
    {"read", [](Scene& s) { (void)::read(s.tcp.client, &byte, 1); }},
    {"readv", [](Scene& s) { (void)::readv(s.tcp.client, &part, 1); }},
    {"recvfrom", [](Scene& s) { ::recvfrom(s.udp, &byte, 1, 0, nullptr, nullptr); }},
    {"recvmsg",
     [](Scene& s) {
       msghdr m = message_of_one();
       ::recvmsg(s.udp, &m, 0);
     }},
    {"recvmmsg",
     [](Scene& s) {
       mmsghdr m{message_of_one(), 0};
       ::recvmmsg(s.udp, &m, 1, 0, nullptr);
     }},
    {"a recv with a timeout",
     [](Scene& s) {
       set_timeout(s.tcp.client, SO_RCVTIMEO, kLong);
       ::recv(s.tcp.client, &byte, 1, 0);
     }},
    {"send", [](Scene& s) { send(s.tcp.client, std::string(32 << 20, 's')); }},
    {"write",
     [](Scene& s) {
       const std::string much(32 << 20, 's');
       (void)::write(s.tcp.client, much.data(), much.size());
     }},
    {"accept", [](Scene& s) { ::accept(s.quiet, nullptr, nullptr); }},
    {"accept4", [](Scene& s) { ::accept4(s.quiet, nullptr, nullptr, SOCK_CLOEXEC); }},
    {"poll",
     [](Scene& s) {
       pollfd p{s.tcp.client, POLLIN, 0};
       ::poll(&p, 1, -1);
     }},
    {"poll with a pipe",
     [](Scene& s) {
       pollfd p[2]{{s.tcp.client, POLLIN, 0}, {s.pipe[0], POLLIN, 0}};
       ::poll(p, 2, kLong);
     }},
    {"select",
     [](Scene& s) {
       fd_set in;
       FD_ZERO(&in);
       FD_SET(static_cast<int>(s.tcp.client), &in);
       ::select(s.tcp.client + 1, &in, nullptr, nullptr, nullptr);
     }},
    {"epoll_wait",
     [](Scene& s) {
       epoll_event event;
       ::epoll_wait(s.set, &event, 1, -1);
     }},
    {"epoll_wait with a pipe",
     [](Scene& s) {
       epoll_event event;
       ::epoll_wait(s.mixed, &event, 1, -1);
     }},
};

// After what threads may have left in the way.
bool carries_on(int from, int to) {
  std::thread sender([from] { EXPECT_EQ(send(from, "!"), 1); });  // it may have to wait
  char last = 0;
  while (::recv(to, &last, 1, 0) == 1 && last == 'x') {
  }
  sender.join();
  return last == '!';
}

TEST(Cancel, EndsWhoSleeps) {
  NARU_CHECKS("SOC-047", "SOC-056");
  for (const Call& call : kCalls) {
    Scene s;
    bool has_cleaned_up = false;
    Thread thread([&] {
      struct Cleanup {
        bool& done;
        ~Cleanup() {
          const auto [client, server] = connected();
          done = send(client, "clean") == 5 && recv(server) == "clean";
        }
      };
      const Cleanup cleanup{has_cleaned_up};
      call.make(s);
    });
    sleep_ms(20);
    thread.cancel();
    EXPECT_TRUE(thread.was_cancelled()) << call.name;
    EXPECT_TRUE(has_cleaned_up) << call.name << ": by calls of its own, to the end";
    const auto [client, server] = connected();
    EXPECT_EQ(send(client, "on"), 2) << call.name << ": everything goes on";
    EXPECT_EQ(recv(server), "on") << call.name;
  }
}

// At whatever moment it comes, also when the call does not sleep at all.
TEST(Cancel, AtAnyMoment) {
  NARU_CHECKS("SOC-047");
  const auto [client, server] = connected();
  for (int i = 0; i < 300; ++i) {
    std::atomic<bool> runs{false};
    Thread reader([&, fd = static_cast<int>(client)] {
      runs = true;
      for (char b = 0;;) ::recv(fd, &b, 1, i % 3 == 0 ? MSG_DONTWAIT : 0);
    });
    Thread writer([fd = static_cast<int>(server)] {
      for (;;) (void)send(fd, "x");
    });
    while (!runs) std::this_thread::yield();
    for (volatile int turns = 0; turns < i * 50;) turns = turns + 1;
    reader.cancel();
    EXPECT_TRUE(reader.was_cancelled());
    writer.cancel();
    EXPECT_TRUE(writer.was_cancelled());
  }
  EXPECT_TRUE(carries_on(server, client));
}

TEST(Cancel, WaitsUntilItIsAllowed) {
  NARU_CHECKS("SOC-047");
  const auto [client, server] = connected();
  std::string got;
  Thread thread([&, fd = static_cast<int>(client)] {
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    got = recv(fd);
    ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    (void)recv(fd);
    got = "not cancelled";
  });
  sleep_ms(20);
  thread.cancel();
  sleep_ms(20);
  EXPECT_EQ(send(server, "first"), 5);
  EXPECT_TRUE(thread.was_cancelled());
  EXPECT_EQ(got, "first");
}

// Who may be cancelled at any instruction is not cancelled in the middle of a call, and is
// what it was after it.
TEST(Cancel, AlsoOfWhoAllowsItAlways) {
  NARU_CHECKS("SOC-047");
  const auto [client, server] = connected();
  for (int i = 0; i < 200; ++i) {
    std::atomic<bool> runs{false};
    Thread thread([&, c = static_cast<int>(client), s = static_cast<int>(server)] {
      ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
      ::send(c, "x", 1, MSG_NOSIGNAL);
      ::recv(s, &byte, 1, 0);
      runs = true;
      if (i % 2 == 0) {
        for (volatile int turns = 0;;) turns = turns + 1;
      }
      for (;;) {
        ::send(c, "x", 1, MSG_NOSIGNAL);
        ::recv(s, &byte, 1, 0);
      }
    });
    while (!runs) std::this_thread::yield();
    thread.cancel();
    EXPECT_TRUE(thread.was_cancelled());
  }
  EXPECT_TRUE(carries_on(client, server));
}

}  // namespace
}  // namespace naru::sockets
