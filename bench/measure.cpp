#include "measure.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Without valgrind's header the programs are measured as ever, only not counted.
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

namespace naru::bench {
namespace {

double clock_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// A counter of this thread's user-mode instructions, or -1: virtual machines often
// have no PMU.
int open_instruction_counter() {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_HARDWARE;
  attr.config = PERF_COUNT_HW_INSTRUCTIONS;
  attr.disabled = 1;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  return static_cast<int>(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

}  // namespace

double cpu_ns() { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }
double wall_ns() { return clock_ns(CLOCK_MONOTONIC); }

Region::Region() : perf_fd_(open_instruction_counter()) {}

Region::~Region() {
  if (perf_fd_ >= 0) close(perf_fd_);
}

void Region::start() {
  if (perf_fd_ >= 0) {
    ioctl(perf_fd_, PERF_EVENT_IOC_RESET, 0);
    ioctl(perf_fd_, PERF_EVENT_IOC_ENABLE, 0);
  }
  start_ns_ = cpu_ns();
  CALLGRIND_START_INSTRUMENTATION;
}

void Region::stop(Sample& sample) {
  CALLGRIND_STOP_INSTRUMENTATION;
  sample.ns += cpu_ns() - start_ns_;
  if (perf_fd_ < 0) return;
  ioctl(perf_fd_, PERF_EVENT_IOC_DISABLE, 0);
  std::uint64_t counted = 0;
  if (read(perf_fd_, &counted, sizeof counted) == sizeof counted && counted > 0) {
    sample.instructions = sample.instructions.value_or(0) + counted;
  }
}

void print(const Row& row) {
  std::printf("{\"name\":\"%s\",\"contestant\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"",
              row.name.c_str(), row.contestant.c_str(), row.value, row.unit.c_str());
  if (!row.unit_of_work.empty() && row.work > 0) {
    std::printf(",\"per\":\"%s\",\"work\":%.6g,\"ns_per_work\":%.6g", row.unit_of_work.c_str(),
                row.work, row.sample.ns / row.work);
    if (row.sample.instructions) {
      std::printf(",\"instructions_per_work\":%.6g",
                  static_cast<double>(*row.sample.instructions) / row.work);
    }
  }
  std::printf("}\n");
  std::fflush(stdout);
}

void fail(std::string_view what) {
  std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

void pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    fail(std::string("cannot pin to a CPU: ") + std::strerror(errno));
}

}  // namespace naru::bench
