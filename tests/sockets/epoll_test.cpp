// Waiting for many: epoll(7).
#include <atomic>
#include <set>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

Fd new_set() { return Fd(::epoll_create1(0)); }

int control(int set, int operation, int fd, std::uint32_t events, std::uint64_t data = 0) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  return ::epoll_ctl(set, operation, fd, &event);
}
int add(int set, int fd, std::uint32_t events, std::uint64_t data = 0) {
  return control(set, EPOLL_CTL_ADD, fd, events, data);
}

// The events of the only member that is ready; 0 for none.
std::uint32_t wait(int set, int ms = 0) {
  epoll_event events[2]{};
  const int n = ::epoll_wait(set, events, 2, ms);
  EXPECT_LE(n, 1);
  return n == 1 ? events[0].events : 0;
}

TEST(Epoll, RefusesMistakes) {
  NARU_CHECKS("SOC-030");
  const Fd set = new_set();
  const Fd fd = tcp();
  EXPECT_EQ(error_of(control(set, EPOLL_CTL_MOD, fd, EPOLLIN)), ENOENT);
  EXPECT_EQ(error_of(control(set, EPOLL_CTL_DEL, fd, 0)), ENOENT);
  EXPECT_EQ(error_of(add(set, fd, EPOLLIN)), 0);
  EXPECT_EQ(error_of(add(set, fd, EPOLLIN)), EEXIST);
  EXPECT_EQ(error_of(control(set, 77, fd, EPOLLIN)), EINVAL);
  EXPECT_EQ(error_of(add(set, set, EPOLLIN)), EINVAL);
  EXPECT_EQ(error_of(add(fd, set, EPOLLIN)), EINVAL) << "a socket is no set";
  EXPECT_EQ(error_of(add(1000, fd, EPOLLIN)), EBADF);
  EXPECT_EQ(error_of(add(set, 1000, EPOLLIN)), EBADF);
  const Fd file(::open("/proc/self/exe", O_RDONLY));
  EXPECT_EQ(error_of(add(set, file, EPOLLIN)), EPERM);
  const Fd other = tcp();
  EXPECT_EQ(error_of(control(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE)), EINVAL);
  EXPECT_EQ(error_of(add(set, other, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT)), EINVAL);
  EXPECT_EQ(error_of(add(set, other, EPOLLIN | EPOLLEXCLUSIVE)), 0);
  EXPECT_EQ(error_of(control(set, EPOLL_CTL_MOD, other, EPOLLIN)), EINVAL);
  epoll_event event{};
  EXPECT_EQ(error_of(::epoll_wait(set, &event, 0, 0)), EINVAL);
  EXPECT_EQ(error_of(::epoll_wait(fd, &event, 1, 0)), EINVAL);
  EXPECT_EQ(error_of(::epoll_wait(1000, &event, 1, 0)), EBADF);
  EXPECT_EQ(error_of(::epoll_create1(0x55)), EINVAL);
  EXPECT_EQ(error_of(::epoll_create(0)), EINVAL);
}

TEST(Epoll, LevelsStayAsLongAsThereIsSomething) {
  NARU_CHECKS("SOC-030");
  const auto [client, server] = connected();
  const Fd set = new_set();
  ASSERT_EQ(add(set, server, EPOLLIN), 0);
  EXPECT_EQ(wait(set), 0U);
  send(client, "ab");
  EXPECT_EQ(wait(set, kLong), EPOLLIN);
  EXPECT_EQ(recv(server, 0, 1), "a");
  EXPECT_EQ(wait(set), EPOLLIN) << "half of it is still there";
  EXPECT_EQ(recv(server), "b");
  EXPECT_EQ(wait(set), 0U);
}

// What an event loop does may be carried out together, but who asks sees all of it.
TEST(Epoll, WhatFollowsEventsIsSeenAtOnce) {
  NARU_CHECKS("SOC-039");
  const auto [client, server] = connected();
  EXPECT_EQ(send(client, "x"), 1);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(send(client, "abc"), 3);
  int count = 0;
  EXPECT_EQ(::ioctl(server, FIONREAD, &count), 0);
  EXPECT_EQ(count, 4);
  EXPECT_EQ(send(server, "de"), 2);
  EXPECT_EQ(recv(client), "de");
}

TEST(Epoll, LastWordsGoBeforeTheReset) {
  NARU_CHECKS("SOC-027");
  auto [client, server] = connected();
  EXPECT_EQ(send(client, "a question"), 10);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(send(server, "no"), 2);
  server.close();  // with a question that nobody has read
  EXPECT_EQ(recv(client), "no");
  EXPECT_EQ(recv(client), "ECONNRESET");
}

TEST(Epoll, EdgesComeWithNewData) {
  NARU_CHECKS("SOC-030");
  const auto [client, server] = connected();
  const Fd set = new_set();
  ASSERT_EQ(add(set, server, EPOLLIN | EPOLLET), 0);
  send(client, "ab");
  EXPECT_EQ(wait(set, kLong), EPOLLIN);
  EXPECT_EQ(wait(set), 0U) << "once";
  EXPECT_EQ(recv(server, 0, 1), "a");
  EXPECT_EQ(wait(set), 0U) << "reading is no edge";
  send(client, "c");
  EXPECT_EQ(wait(set, kLong), EPOLLIN) << "new data is";
  ::shutdown(client, SHUT_WR);
  EXPECT_EQ(wait(set, kLong), EPOLLIN) << "and so is the end";
}

TEST(Epoll, EdgesComeWithNewSpace) {
  NARU_CHECKS("SOC-030");
  const auto [client, server] = connected(SOCK_NONBLOCK);
  const Fd set = new_set();
  ASSERT_EQ(add(set, client, EPOLLOUT | EPOLLET), 0);
  EXPECT_EQ(wait(set), EPOLLOUT) << "at once";
  EXPECT_EQ(wait(set), 0U);
  const std::string much(1 << 20, 'm');
  while (send(client, much) > 0) {
  }
  EXPECT_EQ(wait(set), 0U);
  while (recv(server, 0, 1 << 20) != "EAGAIN") {
    sleep_ms(1);
  }
  EXPECT_EQ(wait(set, kLong), EPOLLOUT);
}

TEST(Epoll, OneShot) {
  NARU_CHECKS("SOC-030");
  const auto [client, server] = connected();
  const Fd set = new_set();
  ASSERT_EQ(add(set, server, EPOLLIN | EPOLLONESHOT), 0);
  send(client, "x");
  EXPECT_EQ(wait(set, kLong), EPOLLIN);
  send(client, "y");
  EXPECT_EQ(wait(set, kSoon), 0U);
  EXPECT_EQ(control(set, EPOLL_CTL_MOD, server, EPOLLIN | EPOLLONESHOT), 0);
  EXPECT_EQ(wait(set, kLong), EPOLLIN);
}

TEST(Epoll, WhatIsReadyIsToldAtOnceAndAgainWhenChanged) {
  NARU_CHECKS("SOC-030");
  const auto [client, server] = connected();
  send(client, "x");
  ASSERT_TRUE(wait_for(server, POLLIN));
  const Fd set = new_set();
  ASSERT_EQ(add(set, server, EPOLLIN | EPOLLET), 0);
  EXPECT_EQ(wait(set), EPOLLIN);
  EXPECT_EQ(wait(set), 0U);
  ASSERT_EQ(control(set, EPOLL_CTL_MOD, server, EPOLLIN | EPOLLOUT | EPOLLET), 0);
  EXPECT_EQ(wait(set), EPOLLIN | EPOLLOUT);
  ASSERT_EQ(control(set, EPOLL_CTL_MOD, server, 0), 0);
  EXPECT_EQ(wait(set), 0U);
  ASSERT_EQ(control(set, EPOLL_CTL_DEL, server, 0), 0);
  EXPECT_EQ(error_of(control(set, EPOLL_CTL_DEL, server, 0)), ENOENT);
}

TEST(Epoll, TheDataIsTheProgramsOwn) {
  NARU_CHECKS("SOC-030");
  const auto [client, server] = connected();
  const Fd set = new_set();
  for (const std::uint64_t data : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 40}) {
    ASSERT_EQ(add(set, client, EPOLLOUT, data), 0);
    epoll_event event{};
    ASSERT_EQ(::epoll_wait(set, &event, 1, kLong), 1);
    EXPECT_EQ(event.data.u64, data);
    ASSERT_EQ(control(set, EPOLL_CTL_DEL, client, 0), 0);
  }
}

TEST(Epoll, ErrorsAndHangUpsNeedNoAsking) {
  NARU_CHECKS("SOC-030");
  auto [client, server] = connected();
  const Fd set = new_set();
  ASSERT_EQ(add(set, client, 0), 0);
  set_linger(server, 1, 0);
  server.close();
  EXPECT_EQ(wait(set, kLong), EPOLLERR | EPOLLHUP);
}

TEST(Epoll, AClosedDescriptorLeavesTheSet) {
  NARU_CHECKS("SOC-030");
  auto [client, server] = connected();
  const Fd set = new_set();
  ASSERT_EQ(add(set, client, EPOLLOUT), 0);
  EXPECT_EQ(wait(set), EPOLLOUT);
  client.close();
  EXPECT_EQ(wait(set), 0U);
  const Fd next = tcp();
  EXPECT_EQ(error_of(control(set, EPOLL_CTL_MOD, next, EPOLLIN)), ENOENT);
}

TEST(Epoll, ADuplicateKeepsTheMember) {
  NARU_CHECKS("SOC-030");
  auto [client, server] = connected();
  const Fd set = new_set();
  ASSERT_EQ(add(set, client, EPOLLOUT), 0);
  Fd copy(::dup(client));
  EXPECT_EQ(error_of(add(set, copy, EPOLLIN)), 0) << "another number, another member";
  client.close();
  EXPECT_EQ(wait(set), EPOLLOUT) << "the file is still open";
  copy.close();
  EXPECT_EQ(wait(set), 0U);
}

TEST(Epoll, SetsInSets) {
  NARU_CHECKS("SOC-030");
  const auto [client, server] = connected();
  const Fd inner = new_set();
  const Fd outer = new_set();
  ASSERT_EQ(add(inner, server, EPOLLIN), 0);
  ASSERT_EQ(add(outer, inner, EPOLLIN), 0);
  EXPECT_EQ(error_of(add(inner, outer, EPOLLIN)), ELOOP);
  EXPECT_EQ(wait(outer), 0U);
  send(client, "x");
  EXPECT_EQ(wait(outer, kLong), EPOLLIN);
  EXPECT_EQ(wait(inner), EPOLLIN);
  EXPECT_EQ(recv(server), "x");
  EXPECT_EQ(wait(inner), 0U);
}

TEST(Epoll, SetsInSetsHaveADepth) {
  NARU_CHECKS("SOC-030");
  std::vector<Fd> sets;
  int error = 0;
  for (int depth = 0; depth < 8 && error == 0; ++depth) {
    sets.push_back(new_set());
    if (depth > 0) error = error_of(add(sets.back(), sets[sets.size() - 2], EPOLLIN));
  }
  EXPECT_EQ(error, ELOOP);
  EXPECT_EQ(sets.size(), 6U);
}

TEST(Epoll, ExclusiveMembersDoNotAllWake) {
  NARU_CHECKS("SOC-030", "SOC-032");
  const Fd l = listener(16, SOCK_NONBLOCK);
  constexpr int kThreads = 6;
  std::atomic<int> woken{0};
  std::atomic<int> accepted{0};
  std::vector<std::thread> all;
  for (int i = 0; i < kThreads; ++i) {
    all.emplace_back([&, fd = static_cast<int>(l)] {
      const Fd set = new_set();
      add(set, fd, EPOLLIN | EPOLLEXCLUSIVE);
      if (wait(set, 500) == 0) return;
      ++woken;
      if (Fd(::accept(fd, nullptr, nullptr)) >= 0) ++accepted;
    });
  }
  sleep_ms(150);
  const Fd client = tcp();
  EXPECT_EQ(connect(client, name_of(l)), 0);
  for (std::thread& t : all) t.join();
  EXPECT_GE(woken, 1);
  EXPECT_LT(woken, kThreads) << "not everybody";
  EXPECT_EQ(accepted, 1);
}

TEST(Epoll, OneBusySocketStarvesNobody) {
  NARU_CHECKS("SOC-031");
  constexpr int kCold = 199;
  const Fd set = new_set();
  std::vector<Pair> all;
  for (int i = 0; i <= kCold; ++i) {
    all.push_back(connected());
    ASSERT_EQ(add(set, all.back().server, EPOLLIN, static_cast<std::uint64_t>(i)), 0);
    send(all.back().client, "x");
  }
  for (const Pair& p : all) ASSERT_TRUE(wait_for(p.server, POLLIN));
  std::set<std::uint64_t> seen;
  for (int round = 0; round < kCold + 1; ++round) {
    epoll_event events[2];
    const int n = ::epoll_wait(set, events, 2, kLong);
    ASSERT_GT(n, 0);
    for (int i = 0; i < n; ++i) {
      seen.insert(events[i].data.u64);
      send(all[0].client, "x");  // the hot one
    }
  }
  EXPECT_EQ(seen.size(), kCold + 1U);
}

TEST(Epoll, MixesKindsOfDescriptors) {
  NARU_CHECKS("SOC-030");
  const auto [client, server] = connected();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd out(ends[0]);
  const Fd in(ends[1]);
  const Fd set = new_set();
  ASSERT_EQ(add(set, server, EPOLLIN, 1), 0);
  ASSERT_EQ(add(set, out, EPOLLIN, 2), 0);
  std::thread writer([&, fd = static_cast<int>(client), pipe = static_cast<int>(in)] {
    sleep_ms(kSoon);
    send(fd, "x");
    sleep_ms(kSoon);
    (void)!::write(pipe, "y", 1);
  });
  epoll_event event{};
  EXPECT_EQ(::epoll_wait(set, &event, 1, kLong), 1);
  EXPECT_EQ(event.data.u64, 1U);
  EXPECT_EQ(recv(server), "x");
  EXPECT_EQ(::epoll_wait(set, &event, 1, kLong), 1);
  EXPECT_EQ(event.data.u64, 2U);
  writer.join();
}

// Two threads throw a ball to each other: one lost wake-up and they stand for ever.
TEST(Wakeups, NoneIsLost) {
  NARU_CHECKS("SOC-032");
  enum class Way { block, poll, epoll, edge };
  for (const Way way : {Way::block, Way::poll, Way::epoll, Way::edge}) {
    const auto [client, server] = connected();
    const auto play = [way](int fd, bool begins) {
      const Fd set = new_set();
      if (way == Way::epoll) add(set, fd, EPOLLIN);
      if (way == Way::edge) add(set, fd, EPOLLIN | EPOLLET);
      for (int i = 0; i < 5000; ++i) {
        if (begins) send(fd, "x");
        if (way == Way::poll && !wait_for(fd, POLLIN)) return false;
        if (way >= Way::epoll && wait(set, kLong) == 0) return false;
        if (recv(fd, 0, 1) != "x") return false;
        if (!begins) send(fd, "x");
      }
      return true;
    };
    bool ended = false;
    std::thread other([&, fd = static_cast<int>(server)] { ended = play(fd, false); });
    EXPECT_TRUE(play(client, true));
    other.join();
    EXPECT_TRUE(ended);
  }
}

TEST(Wakeups, OneConnectionWakesOneAcceptor) {
  NARU_CHECKS("SOC-032");
  const Fd l = listener();
  std::atomic<int> accepted{0};
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i) {
    all.emplace_back([&, fd = static_cast<int>(l)] {
      if (Fd(::accept(fd, nullptr, nullptr)) >= 0) ++accepted;
    });
  }
  for (int i = 1; i <= 4; ++i) {
    const Fd c = tcp();
    EXPECT_EQ(connect(c, name_of(l)), 0);
    for (int k = 0; k < 2000 && accepted < i; ++k) sleep_ms(1);
    EXPECT_EQ(accepted, i);
  }
  for (std::thread& t : all) t.join();
}

}  // namespace
}  // namespace naru::sockets
