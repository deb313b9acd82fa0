// Descriptors: duplicates, processes and what keeps a socket open.
#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <sys/wait.h>
#include <thread>

#include "fixture.hpp"

namespace naru::posix::test {
namespace {

struct DescriptorsTest : PosixTest {
  // What pthread_atfork does for a program.
  pid_t in_child(const std::function<int()>& act) {
    library->fds.before_fork();
    const pid_t child = ::fork();
    if (child == 0) {
      library->fds.after_fork_in_child();
      ::_exit(act());
    }
    library->fds.after_fork_in_parent();
    return child;
  }
  static int status_of(pid_t child) {
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

TEST_F(DescriptorsTest, AChildThatDiesBeforeItJoinsHoldsNoPort) {
  const int l = listener(80);
  library->fds.before_fork();
  const pid_t child = ::fork();
  if (child == 0) ::pause();  // it has the descriptor, and the session does not know it
  library->fds.after_fork_in_parent();
  EXPECT_EQ(fds().close(l), 0);
  EXPECT_EQ(bind(tcp(), 80), -EADDRINUSE);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(bind(tcp(), 80), 0);
}

TEST_F(DescriptorsTest, WhoIsCalledByOneThatDiesIsWoken) {
  const Pair ends = connected();
  session::Session& session = fds().session();
  const auto somebody_sleeps = [&] {
    const session::Inside inside(session);
    bool found = false;
    session.tables().waiters.for_each([&](session::Waiter& w) {
      found |= !w.watches.empty() && w.word == session::Waiter::kAsleep;
    });
    return found;
  };
  {
    const session::Inside inside(session);
    fds().socket(ends.server)->receive_timeout_ns = kLong.count();
  }
  std::thread reader([&] { EXPECT_NE(recv(ends.server), error(EAGAIN)); });
  while (!somebody_sleeps()) std::this_thread::yield();
  const pid_t child = in_child([&] {
    session.enter();
    const std::uint8_t data = 1;
    (void)session.stack().send(fds().socket(ends.client)->id, {&data, 1});
    session.turn();
    return 0;  // inside, so that the wake never comes
  });
  EXPECT_EQ(status_of(child), 0);
  EXPECT_FALSE(somebody_sleeps());  // whoever enters next cleans up
  reader.join();
}

TEST_F(DescriptorsTest, ADuplicateKeepsTheSocketOpen) {
  const auto [client, server] = connected();
  const auto copy = static_cast<int>(fds().dup(server));
  EXPECT_TRUE(fds().is_socket(copy));
  EXPECT_EQ(fds().close(server), 0);
  send(copy, "still");
  EXPECT_EQ(recv(client), "still");
  EXPECT_EQ(fds().dup3(copy, 300, 0), 300);
  EXPECT_EQ(fds().close(copy), 0);
  send(300, "here");
  EXPECT_EQ(recv(client), "here");
  EXPECT_EQ(fds().close(300), 0);
  EXPECT_EQ(recv(client), "");
}

TEST_F(DescriptorsTest, DupOntoASocketClosesIt) {
  const auto [client, server] = connected();
  const int other = ::open("/dev/null", O_RDWR);
  EXPECT_EQ(fds().dup3(other, server, 0), server);
  EXPECT_FALSE(fds().is_ours(server));
  EXPECT_EQ(recv(client), "");
}

TEST_F(DescriptorsTest, AChildKeepsTheSocketOpenAndUsesIt) {
  const auto [client, server] = connected();
  const pid_t child = in_child([&, s = server, c = client] {
    fds().close(c);
    ::usleep(50'000);
    return send(s, "from the child") == 14 ? 0 : 1;
  });
  EXPECT_EQ(fds().close(server), 0);
  EXPECT_EQ(recv(client), "from the child");
  EXPECT_EQ(status_of(child), 0);
  const Inside inside(fds().session());
  fds().session().drop_dead();
  EXPECT_EQ(open_sockets(), 1U) << "the client's own";
}

TEST_F(DescriptorsTest, ASocketIsClosedWhenWhoWaitsOnItDies) {
  const auto [client, server] = connected();
  const pid_t child = in_child([&, c = client] {
    std::thread([this, c] { (void)recv(c); }).detach();
    ::usleep(50'000);
    fds().close(c);
    return ::pause();
  });
  EXPECT_EQ(fds().close(client), 0);
  const auto is_orphan = [&] {
    const Inside inside(fds().session());
    bool found = false;
    fds().session().tables().sockets.for_each([&](OpenSocket& o) { found |= o.is_orphan; });
    return found;
  };
  while (!is_orphan()) ::usleep(1000);
  ::kill(child, SIGKILL);
  status_of(child);
  const Inside inside(fds().session());
  fds().session().drop_dead();
  EXPECT_EQ(open_sockets(), 1U);
}

TEST_F(DescriptorsTest, AMessageKeepsTheSocketOpen) {
  const auto [client, server] = connected();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  fds().share(server);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  char byte = 'm';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &server, sizeof server);
  ASSERT_EQ(::sendmsg(ends[0], &message, 0), 1);
  fds().close(server);
  EXPECT_EQ(recv(client, MSG_DONTWAIT), error(EAGAIN)) << "it is on its way";
  ASSERT_EQ(::recvmsg(ends[1], &message, 0), 1);
  int passed = -1;
  std::memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
  fds().adopt(passed);
  EXPECT_EQ(send(passed, "arrived"), 7);
  EXPECT_EQ(recv(client), "arrived");
  fds().close(passed);
  EXPECT_EQ(recv(client), "");
}

TEST_F(DescriptorsTest, CloseRangeSparesWhatIsOurs) {
  const auto [client, server] = connected();
  int own = -1;
  fds().session().move_descriptors([&](int fd) {
    own = std::max(own, fd);
    return fd;
  });
  const auto last = static_cast<unsigned>(own) + 10;
  EXPECT_EQ(fds().close_range(static_cast<unsigned>(server), last, 0), 0);
  EXPECT_EQ(::fcntl(server, F_GETFD), -1);
  EXPECT_NE(::fcntl(own, F_GETFD), -1);
  EXPECT_EQ(fds().close(own), -EBADF);
}

TEST_F(DescriptorsTest, WhatIsOursMakesWay) {
  const auto [client, server] = connected();
  std::vector<int> all;
  fds().session().move_descriptors([&](int fd) { return all.emplace_back(fd); });
  for (const int own : all) EXPECT_EQ(fds().dup3(server, own, 0), own);
  const auto [another, end] = connected(81);
  EXPECT_EQ(send(another, "still here"), 10);
  EXPECT_EQ(recv(end), "still here");
  for (const int own : all) EXPECT_EQ(fds().close(own), 0);
  EXPECT_EQ(fds().close(server), 0);
  EXPECT_EQ(recv(client), "");
}

TEST_F(DescriptorsTest, APortIsFreeWhenItsHolderHasDied) {
  const pid_t child = in_child([&] {
    listener(80);
    return ::pause();
  });
  while (open_sockets() == 0) ::usleep(1000);
  ::usleep(20'000);
  ::kill(child, SIGKILL);
  status_of(child);
  EXPECT_EQ(bind(tcp(), 80), 0);
}

}  // namespace
}  // namespace naru::posix::test
