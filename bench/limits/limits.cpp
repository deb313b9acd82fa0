// What the machine can do at best: copying, summing, and the way between the cores.
// No stack that offers the copying API is faster than `copies`.
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <CLI/CLI.hpp>

#include "limits/checksum.hpp"
#include "limits/ping_pong.hpp"
#include "measure.hpp"

namespace naru::bench {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;

// Storage at a cache line's start, as frames and pages have it.
template <class T>
struct LineAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = LineAllocator<U>;
  };
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{64}); }
};
using Buffer = std::vector<std::uint8_t, LineAllocator<std::uint8_t>>;

Buffer pattern(std::size_t n) {
  Buffer b(n);
  for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<std::uint8_t>(i * 131U);
  return b;
}

// Keeps the compiler from leaving out work whose result nobody reads.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

// The three copies that a byte makes, the first and the last with a checksum.
struct Stages {
  Buffer app = Buffer(kBuffer);
  Buffer queued = Buffer(kBuffer);
  Buffer frame = Buffer(kBuffer);
  Buffer out = Buffer(kBuffer);
};

// Application to send queue, send queue to frame, frame to application: segment by
// segment, so that each stage finds the bytes in the first cache.
template <bool kChecksums>
void carry(Stages& stages, std::size_t mss) {
  for (std::size_t at = 0; at < kBuffer; at += mss) {
    const std::size_t n = std::min(mss, kBuffer - at);
    if constexpr (kChecksums) {
      keep(copy_and_checksum(stages.queued.data(), stages.app.data() + at, n));
      std::memcpy(stages.frame.data(), stages.queued.data(), n);
      keep(copy_and_checksum(stages.out.data() + at, stages.frame.data(), n));
    } else {
      std::memcpy(stages.queued.data(), stages.app.data() + at, n);
      std::memcpy(stages.frame.data(), stages.queued.data(), n);
      std::memcpy(stages.out.data() + at, stages.frame.data(), n);
    }
  }
  keep(stages.out.data());
}

Row carry_row(const MeasureOptions& options, std::size_t mtu, bool sums) {
  Stages stages;
  stages.app = pattern(kBuffer);
  const std::size_t mss = mtu - 40;
  const Sample s = measure(options, 256, [&](std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i)
      sums ? carry<true>(stages, mss) : carry<false>(stages, mss);
  });
  if (stages.out != stages.app) fail("the copies differ");
  const double bytes = static_cast<double>(s.units) * kBuffer;
  return {.name = "bulk mtu=" + std::to_string(mtu) + (sums ? " checksums" : " no-checksums"),
          .contestant = "limit",
          .value = bytes * 8 / s.ns,
          .unit = "Gbit/s",
          .unit_of_work = "segment",
          .work = bytes / static_cast<double>(mss),
          .sample = s};
}

// One operation over `size` bytes, 64 KiB at a time, in GB/s.
Row memory_row(const MeasureOptions& options, const std::string& operation, std::size_t size) {
  const Buffer from = pattern(size);
  Buffer to(size);
  const auto each_part = [&](auto work) {
    for (std::size_t at = 0; at < size; at += kBuffer) {
      work(to.data() + at, from.data() + at, std::min(kBuffer, size - at));
    }
  };
  const Sample s = measure(options, 1 + (64 << 20) / size, [&](std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      if (operation == "memcpy") {
        each_part([](auto* out, auto* in, std::size_t n) { std::memcpy(out, in, n); });
      } else if (operation == "checksum") {
        each_part([](auto*, auto* in, std::size_t n) { keep(checksum(in, n)); });
      } else {
        each_part([](auto* out, auto* in, std::size_t n) { keep(copy_and_checksum(out, in, n)); });
      }
      keep(to.data());
    }
  });
  const double bytes = static_cast<double>(s.units) * static_cast<double>(size);
  return {.name = operation + " " + std::to_string(size),
          .contestant = "limit",
          .value = bytes / s.ns,
          .unit = "GB/s",
          .sample = s};
}

// The vector code against the definition (RFC 1071 1), for every short length and alignment.
void check_checksum() {
  const Buffer data = pattern(4096);
  Buffer copy(4096);
  for (std::size_t n = 0; n < 700; ++n) {
    for (std::size_t at = 0; at < 40; at += 7) {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += std::uint64_t{data[at + i]} << (i % 2 * 8);
      const std::uint16_t expected = fold(sum);
      const bool copied = copy_and_checksum(copy.data() + 1, data.data() + at, n) == expected &&
                          std::memcmp(copy.data() + 1, data.data() + at, n) == 0;
      if (checksum(data.data() + at, n) != expected || !copied) fail("the AVX2 checksum is wrong");
    }
  }
}

}  // namespace
}  // namespace naru::bench

int main(int argc, char** argv) {
  using namespace naru::bench;
  CLI::App app{"bench_limit: what the machine can do at best"};
  MeasureOptions options;
  std::size_t mtu = 1500;
  bool no_checksums = false;
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--seconds", options.seconds, "CPU time per row");
  auto* bulk = app.add_subcommand("bulk", "three copies and two checksums per segment");
  bulk->add_option("--mtu", mtu)->check(CLI::Range(576, 65535));
  bulk->add_flag("--no-checksums", no_checksums);
  auto* memory = app.add_subcommand("memory", "one operation on so many bytes");
  std::string operation = "memcpy";
  std::size_t size = kBuffer;
  memory->add_option("operation", operation)
      ->check(CLI::IsMember({"memcpy", "checksum", "copy-and-checksum"}));
  memory->add_option("bytes", size)->check(CLI::Range(1, 1 << 30));
  auto* cores = app.add_subcommand("pingpong", "a cache line from CPU 0 to CPU 1 and back");
  CLI11_PARSE(app, argc, argv);

  if (*cores) {
    print({.name = "ping-pong", .contestant = "limit", .value = ping_pong_ns(0, 1), .unit = "ns"});
    return 0;
  }
  pin_to_cpu(0);
  check_checksum();
  if (*bulk) print(carry_row(options, mtu, !no_checksums));
  if (*memory) print(memory_row(options, operation, size));
}
