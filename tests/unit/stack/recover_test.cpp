// A stack in shared memory outlives the death of whoever is inside, at any instruction.
//
//   NARU_DEATHS=20000 test_stack --gtest_filter='Recover*'     so many deaths in each test
#include <array>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <naru/stack/stack.hpp>

#include "stack/state.hpp"
#include "unit/stack/busy_programs.hpp"

namespace naru::test {
namespace {

constexpr std::size_t kProgramsSize = 65'536;
static_assert(sizeof(BusyPrograms) <= kProgramsSize);

std::uint32_t deaths(std::uint32_t otherwise) {
  const char* text = std::getenv("NARU_DEATHS");
  return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

StackConfig small_config() {
  StackConfig config;
  config.random = Random::seeded(1);
  const std::pair<Option, std::int64_t> sizes[] = {
      {Option::max_connections, 256},   {Option::max_time_wait, 64},
      {Option::max_small_packets, 512}, {Option::max_large_packets, 64},
      {Option::max_send_blocks, 512},   {Option::max_flows, 32},
      {Option::tcp_quiet_flows, 4},     {Option::max_udp_sockets, 16},
      {Option::max_destinations, 16},   {Option::max_listeners, 16},
  };
  for (const auto& [option, value] : sizes) EXPECT_TRUE(config.options.set(option, value));
  return config;
}

// Why a stack did not recover; nullptr when it did.
const char* fault_of(Stack& stack, BusyPrograms& programs) {
  if (!stack.recover(programs.now, Random::seeded(2))) return "it is beyond repair";
  stack.check_invariants();
  programs.bury(stack);
  stack.check_invariants();
  const std::uint32_t failures = programs.failures;
  if (!programs.finish_a_round(stack)) return "not everybody goes on";
  if (programs.wrong != 0) return "bytes were changed";
  if (programs.failures > failures + 1) return "more than one connection was reset";
  return nullptr;
}

// Why something is left when all sockets are closed and time has passed.
const char* leftover_of(Stack& stack, BusyPrograms& programs) {
  programs.close_all(stack);
  for (int i = 0; i < 400; ++i) {
    while (stack.poll(programs.now)) {
    }
    programs.now += 1s;
  }
  stack.check_invariants();
  const Stack::Usage u = stack.usage();
  if (u.connections + u.orphans + u.time_wait + u.listeners != 0) return "connections are left";
  if (u.udp_sockets != 0) return "udp sockets are left";
  if (u.flows + u.send_blocks != 0) return "flows or blocks are left";
  if (u.packets != 0) return "packets are left";
  return u.timers == 0 ? nullptr : "timers are left";
}

int say(const char* fault) {
  if (fault != nullptr) std::fprintf(stderr, "%s\n", fault);
  return fault == nullptr ? 0 : 1;
}

class Recover : public ::testing::Test {
 protected:
  Recover() : text_(stream(0, BusyPrograms::kText)) {
    const StackConfig config = small_config();
    const std::size_t arena = arena_size(config) + 64;
    size_ = kProgramsSize + (arena + 4095) / 4096 * 4096;
    memory_ = ::memfd_create("recover", 0);
    EXPECT_EQ(::ftruncate(memory_, static_cast<off_t>(size_)), 0);
    map(MAP_SHARED);
    Arena::format(base() + kProgramsSize, size_ - kProgramsSize);
    programs = new (base())
        BusyPrograms(::testing::UnitTest::GetInstance()->random_seed() + 7U, text_.data());
    const auto stack = Stack::create(this->arena(), config, programs->now);
    EXPECT_TRUE(stack.has_value());
    programs->open(**stack);
  }
  ~Recover() override {
    ::munmap(base(), size_);
    ::close(memory_);
  }

  // MAP_PRIVATE over it: a copy of its own, in which the others change nothing.
  void map(int how) {
    void* at =
        ::mmap(base(), size_, PROT_READ | PROT_WRITE, how | MAP_FIXED | MAP_NORESERVE, memory_, 0);
    ASSERT_EQ(at, base());
  }
  static std::byte* base() { return reinterpret_cast<std::byte*>(kSharedArenaAddress); }
  Arena& arena() const { return **Arena::attach(base() + kProgramsSize, size_ - kProgramsSize); }
  std::unique_ptr<Stack> attach() { return std::move(*Stack::attach(arena())); }

  // A process that lets the programs run, for ever.
  pid_t start(const std::function<void(Stack&)>& first) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto stack = attach();
    first(*stack);
    for (;;) programs->step(*stack);
  }

  // So many instructions of a process that we trace.
  static bool go_on(pid_t child, std::uint32_t instructions) {
    int status = 0;
    for (; instructions != 0; --instructions) {
      const bool is_done = ::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) == 0 &&
                           ::waitpid(child, &status, 0) == child && WIFSTOPPED(status);
      if (!is_done) return false;
    }
    return true;
  }

  pid_t start_survivor() {
    const pid_t survivor = ::fork();
    if (survivor != 0) return survivor;
    map(MAP_PRIVATE);
    const auto stack = attach();
    const char* fault = fault_of(*stack, *programs);
    ::_exit(say(fault != nullptr ? fault : leftover_of(*stack, *programs)));
  }

  static int status_of(pid_t child) {
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  BusyPrograms* programs = nullptr;

 private:
  Buffer text_;
  std::size_t size_ = 0;
  int memory_ = -1;
};

// Without an accident, too.
TEST_F(Recover, HarmsNobodyWhenNothingWasBeingChanged) {
  const auto stack = attach();
  ASSERT_TRUE(programs->finish_a_round(*stack));
  for (int i = 0; i < 20; ++i) {
    EXPECT_STREQ(fault_of(*stack, *programs), nullptr);
  }
  EXPECT_EQ(programs->failures, 0U);
  EXPECT_STREQ(leftover_of(*stack, *programs), nullptr);
}

// --- one call, and a death at its end -------------------------------------------------

// A client and its server, besides the busy programs, who do nothing meanwhile.
class RecoverPair : public Recover {
 protected:
  RecoverPair() : stack(attach()), state(*static_cast<StackState*>(arena().root())) {
    listener = *stack->open_tcp();
    EXPECT_TRUE(stack->bind(listener, kServer) && stack->listen(listener, 4));
    client = connect();
    server = stack->accept(listener)->socket;
    turn();
  }

  SocketId connect() {
    const SocketId id = *stack->open_tcp();
    EXPECT_EQ(stack->connect(id, kServer).error(), Error::in_progress);
    turn();
    return id;
  }
  void turn() {
    while (stack->poll(programs->now)) {
    }
  }
  bool recover() {
    const bool is_done = stack->recover(programs->now, Random::seeded(3));
    if (is_done) stack->check_invariants();
    return is_done;
  }
  Result<std::size_t> say(SocketId id) { return stack->send(id, Bytes(word_)); }
  Result<std::size_t> hear(SocketId id) { return stack->recv(id, MutableBytes(room_)); }
  tcp::Connection& connection(SocketId id) { return *state.tcp.connections.at(id.index); }
  tcp::Flow& flow(SocketId id) { return *state.tcp.flow_of(connection(id)); }

  static constexpr Endpoint kServer{IpAddr::loopback_v4(), 8080};
  std::unique_ptr<Stack> stack;
  StackState& state;
  SocketId listener;
  SocketId client;
  SocketId server;

 private:
  std::array<std::uint8_t, 100> word_{};
  std::array<std::uint8_t, 200> room_{};
};

TEST_F(RecoverPair, ResetsTheConnectionThatWasBeingChanged) {
  ASSERT_TRUE(say(client));  // and nothing after it
  ASSERT_TRUE(recover());
  EXPECT_EQ(hear(client).error(), Error::reset);
  turn();
  EXPECT_EQ(hear(server).error(), Error::reset);
  EXPECT_EQ(stack->usage().send_blocks, 0U);
}

TEST_F(RecoverPair, KeepsWhatOthersHaveReceived) {
  ASSERT_TRUE(say(client));
  turn();
  const SocketId other = connect();
  ASSERT_TRUE(say(other));
  ASSERT_TRUE(recover());
  EXPECT_EQ(hear(server), 100U);
  EXPECT_EQ(hear(client).error(), Error::would_block);
  EXPECT_EQ(hear(other).error(), Error::reset);
}

TEST_F(RecoverPair, AListenerKeepsListeningAndWhoWaitsIsAccepted) {
  const SocketId first = connect();
  const SocketId second = connect();
  ASSERT_TRUE(stack->listen(listener, 5));
  ASSERT_TRUE(recover());
  EXPECT_NE(stack->readiness(listener) & ready::kIn, 0);
  const SocketId third = connect();
  for (const SocketId id : {first, second, third}) {
    const auto accepted = stack->accept(listener);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->peer, *stack->local(id));
  }
  EXPECT_EQ(stack->accept(listener).error(), Error::would_block);
}

TEST_F(RecoverPair, WhoWasBeingAcceptedIsReset) {
  const SocketId first = connect();
  const SocketId second = connect();
  ASSERT_TRUE(stack->accept(listener));
  ASSERT_TRUE(recover());
  turn();
  EXPECT_EQ(hear(first).error(), Error::reset);
  EXPECT_EQ(stack->accept(listener)->peer, *stack->local(second));
}

TEST_F(RecoverPair, AQueueThatMakesNoSenseCostsItsConnection) {
  const SocketId other = connect();
  ASSERT_TRUE(say(client) && say(other));
  stack->set_now(programs->now);  // nobody is being changed
  auto& head = *reinterpret_cast<tcp::SendBlock**>(&flow(client).send);
  head = reinterpret_cast<tcp::SendBlock*>(std::uintptr_t{0x5555});
  ASSERT_TRUE(recover());
  turn();
  EXPECT_EQ(hear(client).error(), Error::reset);
  EXPECT_EQ(hear(other).error(), Error::would_block);
  EXPECT_EQ(hear(stack->accept(listener)->socket), 100U);
}

TEST_F(RecoverPair, SendsWhatWaitedToBeSent) {
  ASSERT_TRUE(say(client));
  stack->set_now(programs->now);
  ASSERT_TRUE(recover());
  turn();
  EXPECT_EQ(hear(server), 100U);
}

TEST_F(RecoverPair, TimeWaitEndsWhenItWouldHave) {
  const SocketId later = connect();
  const auto end = [this](SocketId first, SocketId second) {
    EXPECT_TRUE(stack->close(first));
    turn();
    EXPECT_TRUE(stack->close(second));
    turn();
  };
  const SocketId peer_of_later = stack->accept(listener)->socket;
  end(client, server);
  programs->now += 30s;
  end(later, peer_of_later);
  ASSERT_TRUE(recover());
  EXPECT_EQ(stack->usage().time_wait, 2U);
  const auto left_after = [this](Duration d) {
    programs->now += d;
    turn();
    return stack->usage().time_wait;
  };
  EXPECT_EQ(left_after(29s), 2U);
  EXPECT_EQ(left_after(3s), 1U);
  EXPECT_EQ(left_after(27s), 1U);
  EXPECT_EQ(left_after(3s), 0U);
}

TEST_F(RecoverPair, MemoryThatTwoHoldIsBeyondRepair) {
  const SocketId other = connect();
  ASSERT_TRUE(say(client) && say(other));
  stack->set_now(programs->now);
  flow(client).send = flow(other).send;
  EXPECT_FALSE(recover());
}

TEST_F(RecoverPair, ADeathInTheConfigurationIsBeyondRepair) {
  state.ip.configuration().set(&state);
  EXPECT_FALSE(recover());
}

// --- many deaths ------------------------------------------------------------------------

TEST_F(Recover, FromKillsAtAnyTime) {
  const auto stack = attach();
  const std::uint32_t count = deaths(150);
  for (std::uint32_t i = 0; i < count && !HasFailure(); ++i) {
    const pid_t child = start([](Stack&) {});
    ::usleep(static_cast<useconds_t>(i * 7919 % 3000));
    ::kill(child, SIGKILL);
    EXPECT_EQ(status_of(child), -1);
    EXPECT_STREQ(fault_of(*stack, *programs), nullptr) << "death " << i;
  }
  EXPECT_LE(programs->failures, count);
  EXPECT_STREQ(leftover_of(*stack, *programs), nullptr);
}

// One process goes on instruction by instruction. Whenever it stands still, another one
// recovers, in a copy of the memory, from its death at this very instruction.
TEST_F(Recover, FromADeathAtAnyInstruction) {
  constexpr std::uint32_t kWindow = 25;  // deaths, before life goes on at full speed
  const std::uint32_t count = deaths(300);
  const auto stack = attach();
  for (std::uint32_t i = 0; i < count && !HasFailure(); i += kWindow) {
    const pid_t child = start([this, i](Stack& own) {
      for (std::uint32_t n = i * 7919 % 997; n != 0; --n) programs->step(own);
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(0);
      ::raise(SIGSTOP);
    });
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) GTEST_SKIP() << "no tracing of processes here";
    for (std::uint32_t n = 0; n < kWindow && !HasFailure(); ++n) {
      ASSERT_TRUE(go_on(child, 1 + (i + n) * 7919 % 499));
      EXPECT_EQ(status_of(start_survivor()), 0) << "death " << i + n;
    }
    ::kill(child, SIGKILL);
    EXPECT_EQ(status_of(child), -1);
    EXPECT_STREQ(fault_of(*stack, *programs), nullptr);
  }
}

}  // namespace
}  // namespace naru::test
