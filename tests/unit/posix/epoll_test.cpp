// epoll and poll: naru's sockets and the kernel's descriptors in one wait.
#include <sys/eventfd.h>
#include <thread>

#include <naru/socket/clock.hpp>

#include "fixture.hpp"

namespace naru::posix::test {
namespace {

struct EpollTest : PosixTest {
  EpollTest() : set(static_cast<int>(library->epoll.create(EPOLL_CLOEXEC))), ends(connected()) {}

  long control(int operation, int fd, std::uint32_t events, std::uint64_t data = 0) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return library->epoll.control(set, operation, fd, &event);
  }
  long add(int fd, std::uint32_t events, std::uint64_t data = 0) {
    return control(EPOLL_CTL_ADD, fd, events, data);
  }
  // The data of those that are ready, in order.
  std::vector<std::uint64_t> wait(Duration timeout = 0ms, int epoll = -1) {
    epoll_event events[8];
    const long n =
        library->epoll.wait(epoll < 0 ? set : epoll, events, 8, monotonic_now() + timeout, nullptr);
    EXPECT_GE(n, 0);
    std::vector<std::uint64_t> data;
    for (long i = 0; i < n; ++i) data.push_back(events[i].data.u64);
    return data;
  }

  using Ready = std::vector<std::uint64_t>;
  int set;
  Pair ends;
};

TEST_F(EpollTest, LevelsStayAndEdgesAreTold) {
  ASSERT_EQ(add(ends.server, EPOLLIN, 1), 0);
  EXPECT_EQ(wait(), Ready());
  send(ends.client, "x");
  EXPECT_EQ(wait(), Ready({1}));
  EXPECT_EQ(wait(), Ready({1}));
  ASSERT_EQ(control(EPOLL_CTL_MOD, ends.server, EPOLLIN | EPOLLET, 2), 0);
  EXPECT_EQ(wait(), Ready({2})) << "a change looks again";
  EXPECT_EQ(wait(), Ready());
  send(ends.client, "y");
  EXPECT_EQ(wait(), Ready({2}));
  EXPECT_EQ(recv(ends.server), "xy");
  EXPECT_EQ(wait(), Ready());
}

TEST_F(EpollTest, WhoWasToldAloneAndGoesLeavesItToAnother) {
  const int other = static_cast<int>(library->epoll.create(EPOLL_CLOEXEC));
  const int l = listener(81);
  const auto exclusive = EPOLLIN | static_cast<std::uint32_t>(EPOLLEXCLUSIVE);
  ASSERT_EQ(add(l, exclusive, 1), 0);
  epoll_event event{.events = exclusive, .data = {.u64 = 2}};
  ASSERT_EQ(library->epoll.control(other, EPOLL_CTL_ADD, l, &event), 0);
  for (const int epoll : {set, other}) {  // as threads in epoll_wait do
    const session::Inside inside(fds().session());
    fds().epoll(epoll)->sleepers = 1;
  }
  ASSERT_EQ(connect(tcp(), 81), 0);
  EXPECT_EQ(wait(0ms, other), Ready());
  fds().close(set);  // like the death of its process
  EXPECT_EQ(wait(0ms, other), Ready({2}));
}

TEST_F(EpollTest, DataIsNoEdgeOfSpace) {
  ASSERT_EQ(add(ends.server, EPOLLOUT | EPOLLET, 1), 0);
  EXPECT_EQ(wait(), Ready({1}));
  send(ends.client, "x");
  EXPECT_EQ(wait(), Ready());
}

TEST_F(EpollTest, OneShotIsOne) {
  ASSERT_EQ(add(ends.server, EPOLLIN | EPOLLONESHOT, 1), 0);
  send(ends.client, "x");
  EXPECT_EQ(wait(), Ready({1}));
  send(ends.client, "y");
  EXPECT_EQ(wait(), Ready());
  ASSERT_EQ(control(EPOLL_CTL_MOD, ends.server, EPOLLIN | EPOLLONESHOT, 3), 0);
  EXPECT_EQ(wait(), Ready({3}));
}

TEST_F(EpollTest, ControlAnswersAsLinux) {
  EXPECT_EQ(control(EPOLL_CTL_MOD, ends.server, EPOLLIN), -ENOENT);
  EXPECT_EQ(control(EPOLL_CTL_DEL, ends.server, 0), -ENOENT);
  EXPECT_EQ(add(ends.server, EPOLLIN), 0);
  EXPECT_EQ(add(ends.server, EPOLLIN), -EEXIST);
  EXPECT_EQ(add(set, EPOLLIN), -EINVAL);
  EXPECT_EQ(add(999, EPOLLIN), -EBADF);
  EXPECT_EQ(library->epoll.wait(set, nullptr, 0, kTimeNever, nullptr), -EINVAL);
}

TEST_F(EpollTest, TheLastCloseRemovesTheMember) {
  ASSERT_EQ(add(ends.server, EPOLLIN, 1), 0);
  const auto copy = static_cast<int>(fds().dup(ends.server));
  fds().close(ends.server);
  send(ends.client, "x");
  EXPECT_EQ(wait(), Ready({1}));
  fds().close(copy);
  EXPECT_EQ(wait(), Ready());
}

TEST_F(EpollTest, WakesForBothKindsOfMembers) {
  const int kernel = ::eventfd(0, EFD_NONBLOCK);
  ASSERT_EQ(add(ends.server, EPOLLIN, 1), 0);
  std::thread early([&] {
    std::this_thread::sleep_for(30ms);
    send(ends.client, "x");
  });
  EXPECT_EQ(wait(kLong), Ready({1})) << "asleep on the word";
  early.join();
  recv(ends.server);
  ASSERT_EQ(add(kernel, EPOLLIN, 2), 0);
  std::thread writer([&] {
    std::this_thread::sleep_for(30ms);
    send(ends.client, "x");
  });
  EXPECT_EQ(wait(kLong), Ready({1})) << "asleep in the kernel";
  writer.join();
  recv(ends.server);
  std::thread ringer([&] {
    std::this_thread::sleep_for(30ms);
    ::eventfd_write(kernel, 1);
  });
  EXPECT_EQ(wait(kLong), Ready({2}));
  ringer.join();
  send(ends.client, "x");
  EXPECT_EQ(wait(), Ready({1, 2}));
}

TEST_F(EpollTest, ASetInASetIsSeenThrough) {
  const auto outer = static_cast<int>(library->epoll.create(0));
  ASSERT_EQ(add(ends.server, EPOLLIN, 1), 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 7;
  ASSERT_EQ(library->epoll.control(outer, EPOLL_CTL_ADD, set, &event), 0);
  EXPECT_EQ(wait(0ms, outer), Ready());
  send(ends.client, "x");
  EXPECT_EQ(wait(kLong, outer), Ready({7}));
  EXPECT_EQ(wait(), Ready({1}));
  recv(ends.server);
  EXPECT_EQ(wait(), Ready());
  EXPECT_EQ(wait(0ms, outer), Ready());
}

TEST_F(EpollTest, ABusyMemberDoesNotStarveTheOthers) {
  constexpr int kMore = 20;
  std::vector<Pair> others;
  ASSERT_EQ(add(ends.server, EPOLLIN, 0), 0);
  send(ends.client, "never read");
  for (int i = 1; i <= kMore; ++i) {
    others.push_back(connected(static_cast<std::uint16_t>(1000 + i)));
    ASSERT_EQ(add(others.back().server, EPOLLIN, static_cast<std::uint64_t>(i)), 0);
    send(others.back().client, "x");
  }
  std::vector<bool> seen(kMore + 1);
  for (int round = 0; round < 4; ++round) {
    for (const std::uint64_t data : wait()) seen[data] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), kMore + 1);
}

TEST_F(EpollTest, PollWaitsForBothKinds) {
  const int kernel = ::eventfd(0, EFD_NONBLOCK);
  pollfd list[] = {{ends.server, POLLIN, 0}, {kernel, POLLIN, 0}, {-1, POLLIN, 0}};
  Polling& polling = library->polling;
  EXPECT_TRUE(polling.takes(list));
  EXPECT_EQ(polling.poll(list, monotonic_now() + 10ms, nullptr), 0);
  std::thread writer([&] {
    std::this_thread::sleep_for(30ms);
    send(ends.client, "x");
  });
  EXPECT_EQ(polling.poll(list, monotonic_now() + kLong, nullptr), 1);
  writer.join();
  EXPECT_EQ(list[0].revents, POLLIN);
  ::eventfd_write(kernel, 1);
  EXPECT_EQ(polling.poll(list, monotonic_now(), nullptr), 2);
  EXPECT_EQ(list[1].revents, POLLIN);
}

TEST_F(EpollTest, SelectTellsEachSet) {
  fd_set in;
  fd_set out;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_SET(ends.server, &in);
  FD_SET(ends.server, &out);
  EXPECT_EQ(library->polling.select(ends.server + 1, &in, &out, nullptr, monotonic_now(), nullptr),
            1);
  EXPECT_FALSE(FD_ISSET(ends.server, &in));
  EXPECT_TRUE(FD_ISSET(ends.server, &out));
}

}  // namespace
}  // namespace naru::posix::test
