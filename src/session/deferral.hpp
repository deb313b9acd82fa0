// Deferral: the handlers of signals that come while a thread is inside the stack wait
// until it has left. A handler may make socket calls, and would wait for its own thread.
//
//   enter ──── signal: all are blocked, this one is sent again ──── leave: as before
//                                                                    └► the handler runs
//
// Costs two increments a call; nothing is masked as long as no signal comes.
#pragma once

#include <cstdint>

namespace naru::session {

// Of one thread.
struct DeferralState {
  volatile int depth = 0;  // handlers read it
  volatile bool holds = false;
  volatile std::uint32_t handled = 0;  // handlers that have run
  volatile bool is_interrupted = false;
  std::uint64_t mask = 0;  // of the signals, before `holds`
};

class Deferral {
 public:
  static void enter() { state_.depth = state_.depth + 1; }
  static void leave() {
    state_.depth = state_.depth - 1;
    if (state_.depth == 0 && state_.holds) release();
  }
  static bool is_inside() { return state_.depth != 0; }

  // In a signal handler that came while inside, with its siginfo_t and ucontext_t.
  static void hold(int number, void* info, void* context);

  // A handler has run: it ends poll(2) and its kind, and other blocking calls when it
  // was set without SA_RESTART.
  static void note_handler(bool restarts) {
    state_.handled = state_.handled + 1;
    if (!restarts) state_.is_interrupted = true;
  }
  static std::uint32_t handled() { return state_.handled; }
  // When a call begins that may sleep; then, before it does.
  static void forget_interruption() { state_.is_interrupted = false; }
  static bool was_interrupted() { return state_.is_interrupted; }

 private:
  static void release();

  // Without a call: the library is there when the program starts.
  static inline thread_local constinit DeferralState state_
      __attribute__((tls_model("initial-exec"))) = {};
};

}  // namespace naru::session
