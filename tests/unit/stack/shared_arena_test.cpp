// One stack, two processes: its arena is shared memory, and they enter in turn.
#include <cstdio>
#include <functional>
#include <memory>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <naru/stack/stack.hpp>

#include "dsl/bytes.hpp"
#include "dsl/processes.hpp"

namespace naru::test {
namespace {

constexpr Endpoint kServer{IpAddr::loopback_v4(), 80};
constexpr std::size_t kRequest = 300'000;
constexpr std::size_t kReply = 100'000;
constexpr int kTurns = 3'000'000;

// Shared as the arena is, but not in it (a lock refers to the thread that holds it):
// whose turn it is, and the time.
struct Shared {
  pthread_mutex_t mutex;
  Time now = Time(1s);
};

// A process' way into the stack.
class Visitor {
 public:
  Visitor(Arena& arena, Shared& shared) : stack_(*Stack::attach(arena)), shared_(shared) {}

  // Enters until `done` says so. False when it never does.
  bool until(const std::function<bool(Stack&)>& done) {
    for (int turn = 0; turn < kTurns; ++turn) {
      lock();
      shared_.now += 10us;
      stack_->poll(shared_.now);
      const bool is_done = done(*stack_);
      stack_->poll(shared_.now);
      stack_->check_invariants();
      unlock();
      if (is_done) return true;
      ::sched_yield();
    }
    return false;
  }

  void lock() {
    // Whoever held it last died outside the stack's calls: its state is sound.
    if (::pthread_mutex_lock(&shared_.mutex) == EOWNERDEAD) {
      ::pthread_mutex_consistent(&shared_.mutex);
    }
  }
  void unlock() { ::pthread_mutex_unlock(&shared_.mutex); }

 private:
  std::unique_ptr<Stack> stack_;
  Shared& shared_;
};

// Sends `bytes`, a piece each time it is asked; true when all are sent.
class Sending {
 public:
  explicit Sending(Buffer bytes) : bytes_(std::move(bytes)) {}
  bool operator()(Stack& stack, SocketId socket) {
    if (const auto n = stack.send(socket, Bytes(bytes_).subspan(done_)); n) done_ += *n;
    return done_ == bytes_.size();
  }

 private:
  Buffer bytes_;
  std::size_t done_ = 0;
};

// Receives to the end; true when there.
class Receiving {
 public:
  bool operator()(Stack& stack, SocketId socket) {
    Buffer piece(10'000);
    const auto n = stack.recv(socket, piece);
    if (n) bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<long>(*n));
    return n && *n == 0;
  }

  Buffer bytes;
};

// The other process: connects, asks and reads the answer. Gives its exit status.
int run_client(Arena& arena, Shared& shared) {
  Visitor visitor(arena, shared);
  SocketId socket;
  const auto connect = [&socket](Stack& stack) {
    socket = *stack.open_tcp();
    return stack.connect(socket, kServer).error() == Error::in_progress;
  };
  if (!visitor.until(connect)) return 1;
  Sending send(stream(0, kRequest));
  if (!visitor.until([&](Stack& stack) { return send(stack, socket); })) return 2;
  const auto shut = [&](Stack& stack) {
    return stack.shutdown(socket, Shutdown::send).has_value();
  };
  if (!visitor.until(shut)) return 3;
  Receiving receive;
  if (!visitor.until([&](Stack& stack) { return receive(stack, socket); })) return 4;
  const auto close = [&](Stack& stack) { return stack.close(socket).has_value(); };
  if (!visitor.until(close)) return 5;
  return receive.bytes == stream(1000, kReply) ? 0 : 6;
}

// Where this process has its own memory: code, heap, stack, libraries.
std::vector<std::pair<std::uintptr_t, std::uintptr_t>> private_memory(const Arena& arena) {
  constexpr std::uintptr_t kTooLarge = std::uintptr_t{1} << 36U;  // a sanitizer's shadow
  constexpr std::uintptr_t kTooLow = std::uintptr_t{1} << 32U;    // numbers look like it
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> ranges;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps(std::fopen("/proc/self/maps", "r"),
                                                             std::fclose);
  char line[512];
  while (maps && std::fgets(line, sizeof line, maps.get()) != nullptr) {
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
    const bool is_arena = start == reinterpret_cast<std::uintptr_t>(&arena);
    if (!is_arena && start >= kTooLow && end - start < kTooLarge) ranges.emplace_back(start, end);
  }
  return ranges;
}

// Words in the arena that would mean something in one process only.
std::size_t foreign_pointers(const Arena& arena) {
  const auto ranges = private_memory(arena);
  const auto* words = reinterpret_cast<const std::uintptr_t*>(&arena);
  std::size_t found = 0;
  for (std::size_t i = 0; i < arena.used() / sizeof *words; ++i) {
    for (const auto& [start, end] : ranges) found += words[i] >= start && words[i] < end;
  }
  return found;
}

class SharedArena : public ::testing::Test {
 protected:
  SharedArena() {
    config.random = Random::seeded(1);
    const std::pair<Option, std::int64_t> sizes[] = {
        {Option::max_connections, 256},   {Option::max_time_wait, 64},
        {Option::max_small_packets, 512}, {Option::max_large_packets, 64},
        {Option::max_send_blocks, 512},   {Option::max_flows, 64},
    };
    for (const auto& [option, value] : sizes) EXPECT_TRUE(config.options.set(option, value));
    mapping = std::make_unique<ArenaMapping>(
        *ArenaMapping::map_shared(arena_size(config) + 64, kSharedArenaAddress));
    void* memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    shared = new (memory) Shared;
    make_lock();
    // The creator's own handle is no better than the others'.
    EXPECT_TRUE(Stack::create(arena(), config, shared->now).has_value());
  }

  ~SharedArena() override { ::munmap(shared, sizeof(Shared)); }

  Arena& arena() { return mapping->arena(); }

  void make_lock() {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    EXPECT_EQ(::pthread_mutex_init(&shared->mutex, &attributes), 0);
    ::pthread_mutexattr_destroy(&attributes);
  }

  // Listens, and serves one client: reads its request, answers it.
  void serve(Visitor& visitor, const std::function<pid_t()>& start_client) {
    SocketId listener;
    SocketId socket;
    ASSERT_TRUE(visitor.until([&](Stack& stack) {
      listener = *stack.open_tcp();
      return stack.bind(listener, kServer) && stack.listen(listener, 4);
    }));
    const pid_t client = start_client();
    ASSERT_TRUE(visitor.until([&](Stack& stack) {
      const auto accepted = stack.accept(listener);
      if (accepted) socket = accepted->socket;
      return accepted.has_value();
    }));
    Receiving receive;
    ASSERT_TRUE(visitor.until([&](Stack& stack) { return receive(stack, socket); }));
    EXPECT_TRUE(receive.bytes == stream(0, kRequest));
    Sending send(stream(1000, kReply));
    ASSERT_TRUE(visitor.until([&](Stack& stack) { return send(stack, socket); }));
    visitor.lock();
    EXPECT_EQ(foreign_pointers(arena()), 0U) << "in the middle of it";
    visitor.unlock();
    ASSERT_TRUE(visitor.until([&](Stack& stack) { return stack.close(socket).has_value(); }));
    EXPECT_EQ(status_of(client), 0);
    ASSERT_TRUE(visitor.until([&](Stack& stack) { return stack.close(listener).has_value(); }));
  }

  StackConfig config;
  std::unique_ptr<ArenaMapping> mapping;
  Shared* shared = nullptr;
};

TEST_F(SharedArena, ProcessesTalkOverTheLoopbackOfOneStack) {
  Visitor visitor(arena(), *shared);
  serve(visitor, [this] { return in_child([this] { return run_client(arena(), *shared); }); });
  EXPECT_EQ(foreign_pointers(arena()), 0U);
  shared->now += 61s;
  EXPECT_TRUE(visitor.until([](Stack& stack) {
    const Stack::Usage u = stack.usage();
    return u.connections + u.time_wait + u.flows + u.packets + u.send_blocks + u.timers == 0;
  }));
}

TEST_F(SharedArena, OutlivesAProcessThatDiesWithTheLock) {
  Visitor visitor(arena(), *shared);
  EXPECT_EQ(status_of(in_child([this] {
              Visitor(arena(), *shared).lock();
              return 7;
            })),
            7);
  serve(visitor, [this] { return in_child([this] { return run_client(arena(), *shared); }); });
}

// The test can tell: a pointer to this process' heap is found.
TEST_F(SharedArena, ForeignPointersAreFound) {
  const auto heap = std::make_unique<int>(1);
  auto* word = arena().make<const void*>();
  EXPECT_EQ(foreign_pointers(arena()), 0U);
  *word = heap.get();
  EXPECT_EQ(foreign_pointers(arena()), 1U);
}

}  // namespace
}  // namespace naru::test
