// Daemon: a process of our own that outlives the command that started it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <naru/link/open_error.hpp>

namespace naru::session {

// The starter waits until the daemon says that it is ready, or why it cannot be.
class Readiness {
 public:
  explicit Readiness(int descriptor) : descriptor_(descriptor) {}
  // What is left takes longer, and concerns only the starter.
  void is_standing();
  void is_ready();
  void failed(const link::OpenError& why);

 private:
  int descriptor_;
};

enum class Voice : std::uint8_t { none, standard_error };

// Starts a process that is not a child of the caller, in a session of its own
// (setsid), deaf to the signals of a terminal, with no descriptor of the caller's but
// its standard error where it has a voice. It ends when `work` returns. `on_standing` is
// called here, once at most, when the daemon says so.
link::OpenResult<void> start_daemon(const std::string& name,
                                    const std::function<void(Readiness&)>& work,
                                    Voice voice = Voice::none,
                                    const std::function<void()>& on_standing = {});

}  // namespace naru::session
