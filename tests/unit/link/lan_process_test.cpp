// Members in processes of their own: that sleep, that are killed, stopped and spoilt.
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include <gtest/gtest.h>

#include "frames.hpp"
#include "lan_place.hpp"
#include "link/lan_layout.hpp"
#include "link/raw_frame.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::in_child;
using test::status_of;
using test::TestPool;

Time clock_now() {
  return time_from_ns(std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::steady_clock::now().time_since_epoch())
                          .count());
}

// A member with its pool that talks to one other, by number.
class Talker {
 public:
  explicit Talker(std::unique_ptr<LanLink> joined) : link_(std::move(joined)) {
    link_->attach(pool_.get());
  }

  LanLink& link() { return *link_; }

  bool wait_for_peer(std::string_view name) {
    for (int i = 0; i < 5000; ++i) {
      for (const LanMember& member : link_->members()) {
        if (member.name != name) continue;
        peer_ = member.mac;
        return true;
      }
      ::usleep(1000);
    }
    return false;
  }

  // Frame number `n`, of a size and with bytes that follow from it.
  Frame make(std::uint32_t n, std::size_t size) const {
    Frame frame(size);
    std::copy(peer_.bytes.begin(), peer_.bytes.end(), frame.begin());
    const MacAddr from = link_->mac();
    std::copy(from.bytes.begin(), from.bytes.end(), frame.begin() + 6);
    store_be16(frame.data() + 12, 0x88b5);
    store_be32(frame.data() + 14, n);
    for (std::size_t i = 18; i < size; ++i) frame[i] = content(n, i);
    return frame;
  }
  static std::uint8_t content(std::uint32_t n, std::size_t i) {
    return static_cast<std::uint8_t>(n * 31 + i * 7 + (i >> 8U));
  }
  static bool is_frame(Bytes frame, std::uint32_t n, std::size_t size) {
    if (frame.size() != size || load_be32(frame.data() + 14) != n) return false;
    for (std::size_t i = 18; i < size; ++i) {
      if (frame[i] != content(n, i)) return false;
    }
    return true;
  }
  static std::size_t size_of(std::uint32_t n) { return 18 + (n * 7919U) % 1490; }

  // False: not now, or the other one is not waited for any longer.
  bool try_send(const Frame& bytes) {
    if (link_->transmit_room() == 0) return false;
    TxFrame frame;
    set_raw(frame, bytes);
    const std::uint64_t lost = link_->stats().tx_refused;
    return link_->transmit({&frame, 1}, clock_now()) == 1 && link_->stats().tx_refused == lost;
  }

  // What has come, at most a burst; f(bytes) for each.
  template <class F>
  std::size_t receive(F f) {
    std::array<Packet*, kBurst> burst;
    const std::size_t count = link_->receive(burst, clock_now());
    for (Packet* packet : std::span(burst).first(count)) {
      f(packet->bytes());
      pool_->give_back(packet);
    }
    return count;
  }

  // Sleeps until something may have happened.
  void sleep(bool on_futex) {
    constexpr int kLongest = 20'000;  // ms: a lost wake-up is noticed
    if (on_futex) {
      link_->sleep(std::chrono::milliseconds(kLongest));
    } else if (link_->arm()) {
      pollfd polled{.fd = link_->descriptor(), .events = POLLIN, .revents = 0};
      ::poll(&polled, 1, kLongest);
    }
  }

 private:
  TestPool pool_{1024, 16};
  std::unique_ptr<LanLink> link_;
  MacAddr peer_;
};

class LanProcesses : public test::LanPlace, public testing::WithParamInterface<bool> {
 protected:
  // Both answer each frame with the next number, and sleep in between.
  static bool ping_pong(Talker& talker, bool begins, std::uint32_t rounds, bool on_futex) {
    std::uint32_t next = 0;
    if (begins) talker.try_send(talker.make(next++, 60));
    const Time end = clock_now() + 100s;
    while (next < rounds && clock_now() < end) {
      const std::size_t got =
          talker.receive([&](Bytes frame) { next = load_be32(frame.data() + 14) + 1; });
      if (got == 0) {
        talker.sleep(on_futex);
      } else if (next < rounds) {
        if (!talker.try_send(talker.make(next++, 60))) return false;
      }
    }
    return next >= rounds;
  }
};

// A hundred thousand times each sees the other asleep, or nearly.
TEST_P(LanProcesses, NoWakeUpIsLost) {
  constexpr std::uint32_t kRounds = 200'000;
  const bool on_futex = GetParam();
  const pid_t child = in_child([&] {
    Talker talker(join("echo"));
    if (!talker.wait_for_peer("asker")) return 1;
    return ping_pong(talker, false, kRounds, on_futex) ? 0 : 2;
  });
  Talker talker(join("asker"));
  ASSERT_TRUE(talker.wait_for_peer("echo"));
  EXPECT_TRUE(ping_pong(talker, true, kRounds, on_futex));
  EXPECT_EQ(status_of(child), 0);
}
INSTANTIATE_TEST_SUITE_P(Lan, LanProcesses, testing::Bool(), [](const auto& info) {
  return info.param ? std::string("OnAFutex") : std::string("OnADescriptor");
});

class LanTraffic : public test::LanPlace {
 protected:
  // Sends frames until killed; the parent only sees that they come.
  pid_t start_flood(const std::string& name, const std::string& to) const {
    return in_child([this, name, to] {
      Talker talker(join(name));
      if (!talker.wait_for_peer(to)) return 1;
      for (std::uint32_t n = 0;; ++n) {
        while (!talker.try_send(talker.make(n, Talker::size_of(n)))) {
          talker.receive([](Bytes) {});
          ::sched_yield();
        }
      }
      return 0;
    });
  }
};

TEST_F(LanTraffic, EverythingArrivesInOrder) {
  constexpr std::uint32_t kFrames = 100'000;
  const pid_t child = in_child([&] {
    Talker talker(join("sender"));
    talker.link().set_patience(60s);  // a busy machine may hold the receiver up
    if (!talker.wait_for_peer("receiver")) return 1;
    for (std::uint32_t n = 0; n < kFrames; ++n) {
      while (!talker.try_send(talker.make(n, Talker::size_of(n)))) talker.sleep(false);
    }
    return 0;
  });
  Talker talker(join("receiver"));
  std::uint32_t next = 0;
  bool right = true;
  const Time end = clock_now() + 100s;
  while (next < kFrames && right && clock_now() < end) {
    const std::size_t got = talker.receive([&](Bytes frame) {
      right = right && Talker::is_frame(frame, next, Talker::size_of(next));
      ++next;
    });
    if (got == 0) talker.sleep(false);
  }
  EXPECT_TRUE(right) << "frame " << next;
  EXPECT_EQ(next, kFrames);
  if (next != kFrames) ::kill(child, SIGKILL);
  EXPECT_EQ(status_of(child), 0);
}

// Killed in the middle of it, again and again: whole frames or none, and the seat
// goes to the next.
TEST_F(LanTraffic, AMemberIsKilled) {
  Talker talker(join("receiver"));
  for (int round = 0; round < 30; ++round) {
    const pid_t child = start_flood("sender", "receiver");
    std::uint32_t next = 0;
    const std::uint32_t enough = 100 + static_cast<std::uint32_t>(round) * 37;
    const auto check = [&](Bytes frame) {
      EXPECT_TRUE(Talker::is_frame(frame, next, Talker::size_of(next)));
      ++next;
    };
    const Time end = clock_now() + 20s;
    while (next < enough && clock_now() < end) talker.receive(check);
    EXPECT_GE(next, enough);
    ::kill(child, SIGKILL);
    EXPECT_EQ(status_of(child), -SIGKILL);
    while (talker.receive(check) != 0) {
    }
    EXPECT_EQ(list_members("lan0", folder)->size(), 1U);
  }
  EXPECT_EQ(talker.link().members().size(), 1U);
}

// A sender finds out by itself that whom it sends to is no more.
TEST_F(LanTraffic, ADeadReceiverIsNoticed) {
  const pid_t child = in_child([&] {
    const auto link = join("receiver");
    ::pause();
    return 0;
  });
  Talker talker(join("sender"));
  ASSERT_TRUE(talker.wait_for_peer("receiver"));
  ::kill(child, SIGKILL);
  EXPECT_EQ(status_of(child), -SIGKILL);
  const Time end = clock_now() + 20s;
  while (talker.link().members().size() == 2 && clock_now() < end) {
    talker.try_send(talker.make(0, 1500));
    talker.receive([](Bytes) {});
  }
  EXPECT_EQ(talker.link().members().size(), 1U);
}

TEST_F(LanTraffic, AMemberIsStopped) {
  const pid_t stopped = in_child([&] {
    const auto link = join("stopped");
    ::raise(SIGSTOP);
    return 0;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(stopped, &status, WUNTRACED), stopped);
  ASSERT_TRUE(WIFSTOPPED(status));
  const pid_t echo = in_child([&] {
    Talker talker(join("echo"));
    if (!talker.wait_for_peer("asker")) return 1;
    std::uint32_t next = 0;
    while (next < 10'000) {
      const auto got =
          talker.receive([&](Bytes frame) { next = load_be32(frame.data() + 14) + 1; });
      if (got == 0) {
        talker.sleep(false);
      } else {
        talker.try_send(talker.make(next - 1, 60));
      }
    }
    return 0;
  });
  Talker flood(join("flood"));
  ASSERT_TRUE(flood.wait_for_peer("stopped"));
  const Time full_by = clock_now() + 10s;
  while (flood.link().stats().tx_refused == 0 && clock_now() < full_by) {
    flood.try_send(flood.make(0, 1500));
    flood.receive([](Bytes) {});
  }
  EXPECT_NE(flood.link().stats().tx_refused, 0U);
  Talker talker(join("asker"));
  ASSERT_TRUE(talker.wait_for_peer("echo"));
  for (std::uint32_t n = 0; n < 10'000; ++n) {
    while (!talker.try_send(talker.make(n, 60))) talker.receive([](Bytes) {});
    bool answered = false;
    while (!answered) {
      if (talker.receive([&](Bytes) { answered = true; }) == 0) talker.sleep(false);
    }
  }
  EXPECT_EQ(status_of(echo), 0);
  ::kill(stopped, SIGCONT);
  EXPECT_EQ(status_of(stopped), 0);
}

// Random bytes over the whole file, again and again, under traffic both ways. Who is
// spoilt may lose frames or its place, and nothing else.
TEST_F(LanTraffic, RandomBytesInTheFile) {
  constexpr Duration kTime = 2s;
  std::array<pid_t, 4> children;
  for (std::size_t i = 0; i < children.size(); ++i) {
    children[i] = in_child([&, i] {
      const auto name = [](std::size_t k) { return "m" + std::to_string(k); };
      Talker talker(join(name(i)));
      if (!talker.wait_for_peer(name((i + 1) % children.size()))) return 1;
      const Time end = clock_now() + kTime;
      std::uint64_t sum = 0;
      for (std::uint32_t n = 0; clock_now() < end; ++n) {
        talker.try_send(talker.make(n, Talker::size_of(n)));
        talker.receive([&](Bytes frame) {
          for (const std::uint8_t byte : frame) sum += byte;
        });
        if (n % 64 == 0 && talker.link().arm()) {
          pollfd polled{.fd = talker.link().descriptor(), .events = POLLIN, .revents = 0};
          ::poll(&polled, 1, 1);
        }
        if (n % 256 == 0) talker.link().members();
      }
      return sum == 0 ? 3 : 0;
    });
  }
  Talker waits(join("waits"));
  for (const char* name : {"m0", "m1", "m2", "m3"}) ASSERT_TRUE(waits.wait_for_peer(name));
  ::usleep(200'000);

  const int descriptor = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  const std::size_t size = lan::ring_offset(1, 0, 256U << 10U);
  void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const MutableBytes bytes(static_cast<std::uint8_t*>(mapped), size);
  Random random = Random::seeded(7);
  // First what keeps the members going, then who they are, then everything.
  const std::size_t rings = offsetof(lan::Control, tails);
  for (const Time end = clock_now() + kTime; clock_now() < end;) {
    const bool spare_seats = clock_now() + kTime / 2 < end;
    const auto low = static_cast<std::uint32_t>(spare_seats ? rings : 0);
    for (int i = 0; i < 200; ++i) {
      const std::uint32_t at = low + random.below(sizeof(lan::Control) - low - 64);
      random.fill(bytes.subspan(at, 1 + random.below(64)));
    }
    const std::uint32_t ring = random.below(5) * (256U << 10U) + random.below(16'000);
    random.fill(bytes.subspan(lan::kRingsOffset + ring, 4096));
    ::usleep(500);
  }
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
  ::munmap(mapped, size);
  ::close(descriptor);
}

}  // namespace
}  // namespace naru::link
