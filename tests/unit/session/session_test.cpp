// Sessions: what several processes share, and what is left when one of them dies.
#include "session/session.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include <naru/socket/clock.hpp>

#include "dsl/processes.hpp"
#include "session/process_id.hpp"
#include "session/sleep.hpp"

namespace naru::session {
namespace {

using test::in_child;
using test::status_of;

constexpr Endpoint kServer{IpAddr::loopback_v4(), 80};
constexpr Duration kLong = 20s;  // what must happen happens sooner

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A session in a folder of its own, without a keeper.
class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    char folder[] = "/tmp/naru-session-test-XXXXXX";
    folder_ = ::mkdtemp(folder);
    file = *Session::create(folder_, "test");
    session = *Session::attach(file);
  }
  ~SessionTest() override {
    session.reset();
    std::filesystem::remove_all(folder_);
  }

  OpenSocket& open() {
    const Inside inside(*session);
    return *session->add_socket(*session->stack().open_tcp(), AF_INET, SOCK_STREAM, 0);
  }
  OpenSocket& listening() {
    OpenSocket& o = open();
    const Inside inside(*session);
    EXPECT_TRUE(session->stack().bind(o.id, kServer) && session->stack().listen(o.id, 8));
    o.is_bound = o.is_listening = true;
    o.bound = kServer;
    o.backlog = 8;
    return o;
  }
  void connect_to_server(OpenSocket& o) {
    const Inside inside(*session);
    EXPECT_EQ(session->stack().connect(o.id, kServer).error(), Error::in_progress);
  }
  std::uint32_t sockets() { return session->tables().sockets.in_use(); }

  std::string folder_;
  std::string file;
  std::unique_ptr<Session> session;
};

TEST_F(SessionTest, RefusesWhatIsNoSessionOrOfAnotherBuild) {
  const std::string other = folder_ + "/other.session";
  std::filesystem::copy_file("/proc/self/comm", other);
  EXPECT_NE(Session::visit(other).error().find("not a session"), std::string::npos);
  session->header().layout ^= 1;
  EXPECT_NE(glance(file).error().find("another build"), std::string::npos);
  session->header().layout ^= 1;
  EXPECT_EQ(glance(file)->processes, 1U);
}

TEST_F(SessionTest, ASocketReadyWakesTheThreadThatSleepsForIt) {
  OpenSocket& listener = listening();
  session->enter();
  Seat seat = session->take_seat();
  session->add_watch(*seat.waiter, listener, EPOLLIN);
  session->leave();
  const pid_t child = in_child([&] {
    session->on_forked();
    ::usleep(50'000);
    connect_to_server(open());
    return 0;
  });
  EXPECT_EQ(sleep_in(*session, seat, monotonic_now() + kLong), 0);
  session->enter();
  EXPECT_TRUE(session->stack().accept(listener.id).has_value());
  session->give_seat(std::move(seat));
  session->leave();
  EXPECT_EQ(status_of(child), 0);
}

TEST_F(SessionTest, ASleepEndsAtItsTimeAndWithASignal) {
  session->enter();
  Seat seat = session->take_seat();
  session->leave();
  EXPECT_EQ(sleep_in(*session, seat, monotonic_now() + 20ms), -ETIMEDOUT);
  seat.waiter->word.store(Waiter::kAwake);
  struct sigaction act {};
  act.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &act, nullptr);
  ::ualarm(50'000, 0);
  EXPECT_EQ(sleep_in(*session, seat, monotonic_now() + kLong), -EINTR);
}

TEST_F(SessionTest, WhoIsStoppedInsideIsNamed) {
  const std::string said = folder_ + "/log";
  ::setenv("NARU_LOG", said.c_str(), 1);
  const pid_t child = in_child([&] {
    session->on_forked();
    const Inside inside(*session);
    ::raise(SIGSTOP);
    return 0;
  });
  ASSERT_EQ(::waitpid(child, nullptr, WUNTRACED), child);
  const auto words = [&] {
    std::ifstream file(said);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  std::thread helper([&] {
    while (words().empty()) ::usleep(1000);
    ::kill(child, SIGCONT);
  });
  { const Inside inside(*session); }
  helper.join();
  EXPECT_NE(words().find("thread " + std::to_string(child) + ","), std::string::npos) << words();
  EXPECT_EQ(status_of(child), 0);
  ::unsetenv("NARU_LOG");
}

TEST_F(SessionTest, DescriptorsAreKnownByTheirFile) {
  OpenSocket& o = open();
  const std::uint32_t index = session->index_of(o);
  const int fd = session->references().make(false);
  EXPECT_TRUE(session->references().is_blank(fd));
  EXPECT_FALSE(session->references().is_blank(0));
  EXPECT_EQ(session->references().identify(fd), std::nullopt);
  EXPECT_FALSE(session->references().is_held(index));
  EXPECT_EQ(session->references().share(fd, index), 0);
  EXPECT_FALSE(session->references().is_blank(fd));
  const int copy = ::dup(fd);
  EXPECT_EQ(session->references().identify(copy), index);
  EXPECT_EQ(session->references().identify(0), std::nullopt);
  ::close(fd);
  EXPECT_TRUE(session->references().is_held(index)) << "by the copy";
  const pid_t child = in_child([] { return ::pause(); });
  ::close(copy);
  EXPECT_TRUE(session->references().is_held(index)) << "by the child";
  ::kill(child, SIGKILL);
  status_of(child);
  EXPECT_FALSE(session->references().is_held(index));
}

TEST_F(SessionTest, ADescriptorIsSharedWhereNoNumberIsFree) {
  const int fd = session->references().make(true);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(fd) + 1;
  std::vector<int> fill;
  ::setrlimit(RLIMIT_NOFILE, &none);
  for (int n = 0; (n = ::dup(0)) >= 0;) fill.push_back(n);
  EXPECT_EQ(session->references().make(false), -EMFILE);
  EXPECT_EQ(session->references().share(fd, 7), 0);
  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(after.rlim_cur, none.rlim_cur);
  EXPECT_EQ(session->references().identify(fd), 7U);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  for (const int n : fill) ::close(n);
  ::close(fd);
}

TEST_F(SessionTest, WhatADeadProcessHadOpenIsClosed) {
  OpenSocket& mine = open();
  const pid_t child = in_child([&] {
    session->on_forked();
    listening();
    return 0;
  });
  EXPECT_EQ(status_of(child), 0);
  EXPECT_EQ(sockets(), 2U);
  session->enter();
  session->drop_dead();
  EXPECT_EQ(sockets(), 1U);
  EXPECT_EQ(session->tables().processes.in_use(), 1U);
  EXPECT_EQ(session->stack().usage().listeners, 0U);
  session->leave();
  EXPECT_TRUE(session->is_sound(mine));
}

TEST_F(SessionTest, ADeathInsideCostsOnlyWhatWasBeingChanged) {
  OpenSocket& listener = listening();
  OpenSocket& client = open();
  connect_to_server(client);
  session->enter();
  OpenSocket& server =
      *session->add_socket(session->stack().accept(listener.id)->socket, AF_INET, SOCK_STREAM, 0);
  session->leave();
  const pid_t child = in_child([&] {
    session->on_forked();
    OpenSocket& own = open();
    connect_to_server(own);
    session->enter();
    (void)session->stack().open_udp();  // and nobody knows of it yet
    (void)session->stack().send(own.id, bytes_of("half a requ"));
    return 3;  // with the lock
  });
  EXPECT_EQ(status_of(child), 3);
  const Inside inside(*session);
  ASSERT_TRUE(session->is_sound(client) && session->is_sound(server));
  EXPECT_EQ(session->stack().usage().udp_sockets, 0U);
  EXPECT_EQ(sockets(), 3U) << "the dead one's is closed";
  EXPECT_TRUE(session->stack().send(client.id, bytes_of("hello")).has_value());
  session->turn();
  std::array<std::uint8_t, 16> room;
  EXPECT_EQ(session->stack().recv(server.id, room), 5U);
  const SocketId again = *session->stack().open_tcp();
  EXPECT_EQ(session->stack().connect(again, kServer).error(), Error::in_progress);
  session->turn();
  EXPECT_TRUE(session->stack().accept(listener.id).has_value());
}

TEST_F(SessionTest, BeyondRepairConnectionsAreResetAndListenersKept) {
  OpenSocket& listener = listening();
  OpenSocket& client = open();
  connect_to_server(client);
  const pid_t child = in_child([&] {
    session->on_forked();
    session->enter();
    std::memset(static_cast<void*>(session->header().stack_base()), 0xa5, 4096);
    return 3;  // with the lock
  });
  EXPECT_EQ(status_of(child), 3);
  const Inside inside(*session);
  EXPECT_FALSE(session->is_sound(client));
  EXPECT_NE(session->readiness(client) & ready::kErr, 0);
  ASSERT_TRUE(session->is_sound(listener));
  const SocketId again = *session->stack().open_tcp();
  EXPECT_EQ(session->stack().connect(again, kServer).error(), Error::in_progress);
  session->turn();
  EXPECT_TRUE(session->stack().accept(listener.id).has_value());
}

TEST_F(SessionTest, ADeathWhileRecoveringIsNotMetTwice) {
  OpenSocket& listener = listening();
  OpenSocket& client = open();
  connect_to_server(client);
  const pid_t child = in_child([&] {
    session->enter();
    session->header().is_recovering = true;
    return 5;
  });
  EXPECT_EQ(status_of(child), 5);
  const Inside inside(*session);
  EXPECT_FALSE(session->header().is_recovering);
  EXPECT_FALSE(session->is_sound(client)) << "the stack was made anew";
  EXPECT_TRUE(session->is_sound(listener));
}

TEST_F(SessionTest, ADeathDuringAForkHarmsNothing) {
  OpenSocket& o = open();
  EXPECT_EQ(status_of(in_child([&] {
              session->hold();
              return 4;
            })),
            4);
  const Inside inside(*session);
  EXPECT_TRUE(session->is_sound(o));
}

TEST(ProcessId, TellsTheLivingFromTheDead) {
  const std::uint64_t started = start_time(::getpid());
  EXPECT_TRUE(is_alive(::getpid(), started));
  EXPECT_FALSE(is_alive(::getpid(), started + 1)) << "a pid used again";
  const pid_t child = in_child([] { return 0; });
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_FALSE(is_alive(child, start_time(child))) << "a zombie";
  status_of(child);
  EXPECT_FALSE(is_alive(child, 1));
}

}  // namespace
}  // namespace naru::session
