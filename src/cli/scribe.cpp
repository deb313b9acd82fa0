#include "cli/scribe.hpp"

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "cli/failure.hpp"
#include "cli/machine.hpp"
#include "observe/journey.hpp"
#include "session/daemon.hpp"
#include "session/session.hpp"

namespace naru::cli {
namespace {

// How far the lines are behind.
constexpr auto kPause = std::chrono::milliseconds(20);

// Copies, so that nobody waits outside while lines are printed.
std::vector<trace::Event> take_events(session::Session& session) {
  std::vector<trace::Event> events;
  session.hold();
  while (const trace::Event* event = session.stack().next_trace()) events.push_back(*event);
  session.let_go();
  return events;
}

void write_down(session::Session& session, const std::string& name) {
  observe::Journey journey({.hosts = {name}, .colour = wants_colour(stderr)},
                           [](std::string_view line) { fmt::print(stderr, "{}\n", line); });
  for (bool is_over = false; !is_over;) {
    // The keeper removes the file when all is said.
    is_over = !std::filesystem::exists(session.file());
    for (const trace::Event& event : take_events(session)) journey.add(0, event);
    if (!is_over) std::this_thread::sleep_for(kPause);
  }
  journey.finish();
}

}  // namespace

void start_scribe(const std::string& memory_file, const std::string& name) {
  const auto started = session::start_daemon(
      "naru-journey",
      [&](session::Readiness& readiness) {
        auto session = session::Session::visit(memory_file);
        if (!session) return readiness.failed({EIO, session.error()});
        readiness.is_ready();
        write_down(**session, name);
      },
      session::Voice::standard_error);
  if (!started) throw Failure(started.error().message);
}

}  // namespace naru::cli
