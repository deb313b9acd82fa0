#include "limits/ping_pong.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>

#include "measure.hpp"

namespace naru::bench {
namespace {

constexpr std::uint32_t kRounds = 2000;
constexpr int kTries = 15;

struct alignas(128) Line {
  std::atomic<std::uint32_t> turn{0};
};

// Waits for its numbers (even or odd) and answers each with the next.
void bounce(Line& line, int cpu, std::uint32_t first) {
  pin_to_cpu(cpu);
  for (std::uint32_t i = first; i < 2 * kRounds; i += 2) {
    while (line.turn.load(std::memory_order_acquire) != i) __builtin_ia32_pause();
    line.turn.store(i + 1, std::memory_order_release);
  }
}

}  // namespace

double ping_pong_ns(int a, int b) {
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < kTries; ++i) {
    Line line;
    std::thread other([&] { bounce(line, b, 1); });
    double took = 0;
    std::thread self([&] {
      // The first bounce waits for the other thread to exist: not measured.
      pin_to_cpu(a);
      line.turn.store(1, std::memory_order_release);
      while (line.turn.load(std::memory_order_acquire) != 2) __builtin_ia32_pause();
      const double start = wall_ns();
      bounce(line, a, 2);
      took = wall_ns() - start;
    });
    self.join();
    other.join();
    best = std::min(best, took / (kRounds - 1));
  }
  return best;
}

}  // namespace naru::bench
