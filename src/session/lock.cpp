#include "session/lock.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

#include <naru/socket/clock.hpp>

#include "session/log.hpp"
#include "session/process_id.hpp"

namespace naru::session {
namespace {

constexpr Duration kPatience = 1s;

void say_if_stopped(pid_t holder) {
  if (!is_stopped(holder)) return;
  std::array<char, 128> words{};
  std::snprintf(words.data(), words.size(),
                "the session waits for thread %d, which was stopped inside the stack", holder);
  log(words.data());
}

}  // namespace

int lock_patiently(pthread_mutex_t& mutex) {
  const std::int64_t until = nanoseconds(monotonic_now() + kPatience);
  const timespec limit{until / 1'000'000'000, until % 1'000'000'000};
  const int answer = ::pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &limit);
  if (answer != ETIMEDOUT) return answer;
  // The C library keeps the thread there that a robust mutex is given up for when it dies.
  say_if_stopped(mutex.__data.__owner);
  return ::pthread_mutex_lock(&mutex);
}

}  // namespace naru::session
