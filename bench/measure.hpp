// How every contestant is measured: the same clock, the same warm-up, the same
// counting of instructions, one JSON line a result.
//
// A row is a piece of work that can be repeated: work(n) does n units of it. Time is
// the CPU time of the process (both ends of an in-process connection live in it), so
// that a neighbour on the core costs nothing but cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace naru::bench {

struct MeasureOptions {
  double seconds = 0.5;           // of CPU time in the measured region
  std::uint64_t count_units = 0;  // above 0: run this many units once, for an instruction counter
};

struct Sample {
  std::uint64_t units = 0;
  double ns = 0;                              // CPU time of all units
  std::optional<std::uint64_t> instructions;  // user mode, of all units, where the PMU counts them
  double ns_per_unit() const { return ns / static_cast<double>(units); }
};

// CPU time of this process in nanoseconds (CLOCK_PROCESS_CPUTIME_ID).
double cpu_ns();
// Monotonic time in nanoseconds, for rows that sleep.
double wall_ns();

// The measured region: between start() and stop() the clock runs, the PMU counts where the
// machine lets it, and callgrind collects where the program runs under it with
// --instr-atstart=no.
class Region {
 public:
  Region();
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  void start();
  // Adds what passed since start() to the sample.
  void stop(Sample& sample);

 private:
  int perf_fd_ = -1;
  double start_ns_ = 0;
};

// Warms up with one batch, then repeats batches until the time is used (or runs
// options.count_units once).
template <class Work>
Sample measure(const MeasureOptions& options, std::uint64_t batch, Work&& work) {
  Region region;
  Sample sample;
  work(options.count_units > 0 ? options.count_units : batch);
  do {
    const std::uint64_t units = options.count_units > 0 ? options.count_units : batch;
    region.start();
    work(units);
    region.stop(sample);
    sample.units += units;
  } while (options.count_units == 0 && sample.ns < options.seconds * 1e9);
  return sample;
}

// One result. `unit_of_work` is what instructions and ns_per_work are counted for.
struct Row {
  std::string name;        // "bulk mtu=1500 checksums"
  std::string contestant;  // "naru", "lwip", "kernel", "limit"
  double value = 0;
  std::string unit;               // "Gbit/s"
  std::string unit_of_work = {};  // "segment"
  double work = 0;                // how many of them
  Sample sample = {};
};

// Prints the row as one JSON line on standard output.
void print(const Row& row);

// Ends the program with one line on standard error: a benchmark whose work did not
// happen has no figure.
[[noreturn]] void fail(std::string_view what);

// Pins the calling thread to a CPU.
void pin_to_cpu(int cpu);

}  // namespace naru::bench
