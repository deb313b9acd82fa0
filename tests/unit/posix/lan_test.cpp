// Two sessions on a lan, each a process of its own: who is woken by what.
#include <csignal>
#include <functional>
#include <poll.h>
#include <random>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <thread>

#include <naru/socket/clock.hpp>

#include "fixture.hpp"
#include "posix/interfaces.hpp"
#include "posix/names.hpp"
#include "session/keeper.hpp"

namespace naru::posix::test {
namespace {

constexpr std::uint16_t kPort = 7000;

enum class How { block, poll, epoll, timeout };

std::string name_of(const testing::TestParamInfo<How>& how) {
  constexpr const char* kNames[] = {"block", "poll", "epoll", "timeout"};
  return kNames[static_cast<int>(how.param)];
}

// A process on naru, in a session with a keeper.
class Peer {
 public:
  Peer(const std::string& folder, const std::string& name) {
    const auto file = session::Session::create(folder, name);
    if (!file) throw std::runtime_error(file.error());
    const auto kept = session::start_keeper(*file, {.cable = session::LanChoice{}});
    if (!kept) throw std::runtime_error(kept.error().message);
    library_ = *Library::open(*file);
  }

  Session& session() { return library_->fds.session(); }
  Library& library() { return *library_; }
  // Not while it is inside: nobody else could enter.
  void stop_keeper() {
    const session::Inside inside(session());
    ::kill(session().header().keeper, SIGSTOP);
    ::usleep(1000);
  }
  void let_keeper_go_on() { ::kill(session().header().keeper, SIGCONT); }
  IpAddr address() { return session().header().port.address.addr; }

  int tcp() { return static_cast<int>(library_->sockets.socket(AF_INET, SOCK_STREAM, 0)); }
  int listener() {
    const int fd = tcp();
    const sockaddr_in a = at(IpAddr::any_v4());
    if (library_->sockets.bind(fd, generic(a), sizeof a) != 0) return -1;
    return library_->sockets.listen(fd, 64) == 0 ? fd : -1;
  }
  int accept(int listener) {
    return static_cast<int>(library_->sockets.accept(listener, nullptr, nullptr, 0));
  }
  int connect(const IpAddr& to) {
    const int fd = tcp();
    const sockaddr_in a = at(to);
    const Time end = monotonic_now() + kLong;
    while (library_->sockets.connect(fd, generic(a), sizeof a) != 0) {
      if (monotonic_now() > end) return -1;
      ::usleep(1000);
    }
    return fd;
  }

  bool send(int fd, std::uint64_t value) {
    const iovec part{&value, sizeof value};
    return library_->sockets.send(fd, {&part, 1}, MSG_NOSIGNAL) == sizeof value;
  }
  // 0: the end, or an error.
  std::uint64_t receive(int fd, How how) {
    std::uint64_t value = 0;
    const iovec part{&value, sizeof value};
    for (;;) {
      wait(fd, how);
      const long n = library_->sockets.receive(fd, {&part, 1}, 0);
      if (n == sizeof value) return value;
      if (n != -EAGAIN) return 0;
    }
  }
  void wait(int fd, How how) {
    if (how == How::poll) {
      pollfd p{fd, POLLIN, 0};
      library_->polling.poll({&p, 1}, kTimeNever, nullptr);
    } else if (how == How::epoll) {
      thread_local int set = -1;
      thread_local int member = -1;
      epoll_event event{EPOLLIN, {.fd = fd}};
      if (std::exchange(member, fd) != fd) {
        set = static_cast<int>(library_->epoll.create(0));
        library_->epoll.control(set, EPOLL_CTL_ADD, fd, &event);
      }
      library_->epoll.wait(set, &event, 1, kTimeNever, nullptr);
    } else if (how == How::timeout) {
      const timeval after{10, 0};
      library_->sockets.set_option(fd, SOL_SOCKET, SO_RCVTIMEO, &after, sizeof after);
    }
  }
  void close(int fd) { library_->fds.close(fd); }

 private:
  static const sockaddr* generic(const sockaddr_in& a) {
    return reinterpret_cast<const sockaddr*>(&a);
  }
  static sockaddr_in at(const IpAddr& address) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(kPort);
    a.sin_addr.s_addr = htonl(address.to_v4());
    return a;
  }

  std::unique_ptr<Library> library_;
};

// Answers each number with the next one, until the end.
void echo(Peer& peer, int fd, How how) {
  while (const std::uint64_t value = peer.receive(fd, how)) {
    if (!peer.send(fd, value + 1)) break;
  }
  peer.close(fd);
}

// Sleeps, nearly sleeps and does not sleep. False: an answer was missing.
bool ask(Peer& peer, int fd, How how, int rounds, unsigned seed) {
  std::minstd_rand random(seed);
  for (int i = 0; i < rounds; ++i) {
    const std::uint64_t value = random();
    const Time end = monotonic_now() + Duration(random() % 4 == 0 ? random() % 100'000 : 0);
    while (monotonic_now() < end) {
    }
    if (!peer.send(fd, value) || peer.receive(fd, how) != value + 1) return false;
  }
  peer.close(fd);
  return true;
}

class PosixLan : public testing::TestWithParam<How> {
 protected:
  PosixLan() {
    char name[] = "/tmp/naru-posix-lan-XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~PosixLan() override {
    // The keepers take their files away themselves, perhaps just now.
    std::error_code already_gone;
    for (int i = 0; i < 10 && std::filesystem::exists(folder); ++i) {
      std::filesystem::remove_all(folder, already_gone);
    }
  }

  // In a child each, as a process can be in one session only. The first is served by the
  // second, at 10.77.0.2.
  void run(const std::function<bool(Peer&)>& client, const std::function<bool(Peer&)>& server) {
    const pid_t serving = in_session("server", server);
    while (link::list_members("lan0", folder).value_or(std::vector<link::LanMember>()).empty()) {
      ::usleep(1000);
    }
    const pid_t asking = in_session("client", client);
    EXPECT_EQ(status_of(asking), 0);
    EXPECT_EQ(status_of(serving), 0);
  }
  pid_t in_session(const std::string& name, const std::function<bool(Peer&)>& act) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::alarm(300);  // instead of hanging for ever
    Peer peer(folder, name);
    ::_exit(act(peer) ? 0 : 1);
  }
  static int status_of(pid_t child) {
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const IpAddr kServer = IpAddr::v4(10, 77, 0, 2);
  std::string folder;
};

// The keepers are stopped, so that nobody makes up for a frame that called nobody.
TEST_P(PosixLan, NoWakeUpIsLost) {
  constexpr int kRounds = 20'000;
  const How how = GetParam();
  run(
      [&](Peer& peer) {
        const int fd = peer.connect(kServer);
        peer.stop_keeper();
        const bool fine = ask(peer, fd, how, kRounds, 2);
        peer.let_keeper_go_on();
        return fine;
      },
      [&](Peer& peer) {
        const int listener = peer.listener();
        const int fd = peer.accept(listener);
        peer.stop_keeper();
        echo(peer, fd, how);
        peer.let_keeper_go_on();
        return true;
      });
}

// Each of them sleeps for itself; one of them at a time for the frames of all.
TEST_P(PosixLan, ManyThreadsSleep) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2'000;
  const How how = GetParam();
  const auto in_threads = [](const std::function<void(int)>& act) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(act, i);
    for (std::thread& t : threads) t.join();
  };
  run(
      [&](Peer& peer) {
        std::atomic<int> fine = 0;
        in_threads([&](int i) {
          fine += ask(peer, peer.connect(kServer), how, kRounds, static_cast<unsigned>(i) + 1);
        });
        return fine == kThreads;
      },
      [&](Peer& peer) {
        const int listener = peer.listener();
        in_threads([&](int) { echo(peer, peer.accept(listener), how); });
        return true;
      });
}

INSTANTIATE_TEST_SUITE_P(Ways, PosixLan,
                         testing::Values(How::block, How::poll, How::epoll, How::timeout), name_of);

using PosixLanOnce = PosixLan;

TEST_F(PosixLanOnce, NamesAndInterfaces) {
  const pid_t child = in_session("web", [](Peer& peer) {
    const Names names(peer.library());
    const std::vector<IpAddr> both{peer.address(), *peer.session().lan()->to_v6(peer.address())};
    const bool found =
        names.addresses_of("web") == both && names.addresses_of("WEB.lan.") == both &&
        names.addresses_of("other").empty() && names.addresses_of("localhost").empty() &&
        names.name_of(both[0]) == "web.lan" && names.name_of(both[1]) == "web.lan";
    const auto all = interfaces(peer.session());
    ifreq r{};
    std::strcpy(r.ifr_name, "eth0");
    const bool shown = all.size() == 2 && all[1].address_v4()->addr == peer.address() &&
                       interface_ioctl(peer.session(), SIOCGIFMTU, &r) == 0 && r.ifr_mtu == 1500;
    std::strcpy(r.ifr_name, "eth1");
    const bool missing = interface_ioctl(peer.session(), SIOCGIFADDR, &r) == -ENODEV &&
                         !interface_ioctl(peer.session(), FIONBIO, &r);
    return found && shown && missing;
  });
  EXPECT_EQ(status_of(child), 0);
}

}  // namespace
}  // namespace naru::posix::test
