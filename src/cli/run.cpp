#include "cli/run.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/failure.hpp"
#include "session/keeper.hpp"
#include "session/session.hpp"

namespace naru::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kNotFound = 127;  // as shells say it
constexpr int kNotExecutable = 126;

template <class T>
T must(session::Said<T> said) {
  if (!said) throw Failure(said.error());
  if constexpr (!std::is_void_v<T>) return std::move(*said);
}

// Beside this program, as it is built and installed.
std::string library_path() {
  if (const char* path = std::getenv("NARU_POSIX_LIBRARY"); path != nullptr && *path != '\0') {
    if (!fs::exists(path)) throw Failure(fmt::format("NARU_POSIX_LIBRARY: there is no {}", path));
    return fs::absolute(path);
  }
  std::error_code ec;
  const fs::path self = fs::read_symlink("/proc/self/exe", ec).parent_path();
  for (const fs::path& place : {self, self / "../lib/naru"}) {
    const fs::path library = place / "libnaru-posix.so";
    if (fs::exists(library, ec)) return library;
  }
  throw Failure(
      fmt::format("there is no libnaru-posix.so beside {} (NARU_POSIX_LIBRARY says where else)",
                  self.string()));
}

std::string session_name(const RunOptions& options) {
  if (options.name.empty()) {
    return fmt::format("{}-{}", fs::path(options.command.front()).filename().string(), ::getpid());
  }
  const bool is_plain = options.name.find_first_not_of(
                            "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789-_") == std::string::npos;
  constexpr std::size_t kLongest = 63;  // a label of a host name (RFC 1035 2.3.4)
  if (!is_plain || options.name.size() > kLongest) {
    throw Failure("--name: letters, digits, - and _, 63 at most");
  }
  return options.name;
}

void set_environment(const std::string& file, const std::string& library) {
  ::setenv("NARU_SESSION", file.c_str(), 1);
  std::string preload = library;
  if (const char* others = std::getenv("LD_PRELOAD"); others != nullptr && *others != '\0') {
    preload += fmt::format(":{}", others);
  }
  ::setenv("LD_PRELOAD", preload.c_str(), 1);
}

// Inside a session its memory is where a new one would be: this program starts again
// outside of it.
void leave_session(const std::string& library) {
  if (std::getenv("NARU_SESSION") == nullptr) return;
  ::unsetenv("NARU_SESSION");
  std::string preload = std::getenv("LD_PRELOAD") != nullptr ? std::getenv("LD_PRELOAD") : "";
  if (const auto at = preload.find(library); at != std::string::npos) {
    preload.erase(at, library.size());
  }
  ::setenv("LD_PRELOAD", preload.c_str(), 1);
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  throw Failure(fmt::format("cannot start outside of the session: {}", std::strerror(errno)));
}

// What another session of this name has left behind is cleared away; a live one is not.
void make_room(const std::string& file, const std::string& name) {
  if (!fs::exists(file)) return;
  if (const auto old = session::glance(file); old && old->is_alive) {
    throw Failure(fmt::format("a session named {} is running (naru ps)", name));
  }
  ::unlink(session::socket_file(file).c_str());
  ::unlink(file.c_str());
}

}  // namespace

void RunOptions::add_to(CLI::App& app) {
  app.add_option("--name", name, "the session's name; made from the program's without it");
  app.add_option("PROGRAM", command, "the program and its arguments, best after --")->required();
  app.footer(
      "The program's TCP and UDP sockets, and those of all that it starts, live on naru.\n"
      "Programs of one session meet at 127.0.0.1. Nothing is reached from outside yet.\n"
      "NARU_LOG=stderr or NARU_LOG=FILE makes the library say what goes wrong.");
}

int run_program(const RunOptions& options) {
  const std::string library = library_path();
  leave_session(library);
  const std::string folder = must(session::runtime_folder());
  const std::string name = session_name(options);
  make_room(session::memory_file(folder, name), name);
  const std::string file = must(session::Session::create(folder, name));
  must(session::start_keeper(file));
  // Joined here, so that the keeper has somebody to wait for until the program is loaded.
  must(session::Session::attach(file)).release();
  set_environment(file, library);
  std::vector<char*> arguments;
  for (const std::string& word : options.command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  const int error = errno;
  fmt::print(stderr, "naru: {}: {}\n", options.command.front(), std::strerror(error));
  return error == ENOENT ? kNotFound : kNotExecutable;
}

int list_sessions() {
  const std::string folder = must(session::runtime_folder());
  fmt::print("{:<24} {:>8} {:>10} {:>8}\n", "session", "keeper", "processes", "sockets");
  for (const std::string& name : session::session_names(folder)) {
    const auto seen = session::glance(session::memory_file(folder, name));
    if (!seen) {
      fmt::print("{:<24} {}\n", name, seen.error());
      continue;
    }
    fmt::print("{:<24} {:>8} {:>10} {:>8}{}\n", name, seen->keeper, seen->processes, seen->sockets,
               seen->is_alive ? "" : "  (dead)");
  }
  return EXIT_SUCCESS;
}

}  // namespace naru::cli
