#include "session/daemon.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace naru::session {
namespace {

std::unexpected<link::OpenError> failure(int number, const std::string& words) {
  return std::unexpected(link::OpenError{number, words});
}

void leave_the_caller(const std::string& name) {
  ::setsid();
  (void)::chdir("/");
  // Ctrl-C and a closing terminal are meant for the program.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    ::signal(number, SIG_IGN);
  }
  ::prctl(PR_SET_NAME, name.c_str());
}

[[noreturn]] void become(const std::string& name, int ready,
                         const std::function<void(Readiness&)>& work, Voice voice) {
  leave_the_caller(name);
  const int nothing = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO}) ::dup2(nothing, fd);
  if (voice == Voice::none) ::dup2(nothing, STDERR_FILENO);
  constexpr int kReady = 3;
  if (ready != kReady) ::dup2(ready, kReady);
  ::close_range(kReady + 1, ~0U, 0);
  ::fcntl(kReady, F_SETFD, FD_CLOEXEC);
  Readiness readiness(kReady);
  work(readiness);
  ::_exit(EXIT_SUCCESS);
}

constexpr int kStanding = -1;  // no error has this number

// The number at the beginning, once it is there; 0 else.
int number_of(const std::string& heard) {
  int number = 0;
  if (heard.size() >= sizeof number) std::memcpy(&number, heard.data(), sizeof number);
  return number;
}

// What the daemon has to say: perhaps that it stands, then a number, which is 0 when all is
// well, and words.
link::OpenResult<void> hear(int from, const std::string& name,
                            const std::function<void()>& on_standing) {
  std::string heard;
  char bytes[256];
  for (ssize_t n = 0; (n = ::read(from, bytes, sizeof bytes)) != 0;) {
    if (n < 0 && errno != EINTR) break;
    if (n > 0) heard.append(bytes, static_cast<std::size_t>(n));
    if (number_of(heard) != kStanding) continue;
    heard.erase(0, sizeof kStanding);
    if (on_standing) on_standing();
  }
  if (heard.size() < sizeof(int)) return failure(EIO, name + " did not start");
  const int number = number_of(heard);
  if (number != 0) return failure(number, heard.substr(sizeof number));
  return {};
}

}  // namespace

void Readiness::is_standing() { (void)::write(descriptor_, &kStanding, sizeof kStanding); }

void Readiness::is_ready() { failed({}); }

void Readiness::failed(const link::OpenError& why) {
  std::string words(reinterpret_cast<const char*>(&why.number), sizeof why.number);
  words += why.message;
  (void)::write(descriptor_, words.data(), words.size());
  ::close(descriptor_);
}

link::OpenResult<void> start_daemon(const std::string& name,
                                    const std::function<void(Readiness&)>& work, Voice voice,
                                    const std::function<void()>& on_standing) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return failure(errno, name + ": " + std::strerror(errno));
  const pid_t child = ::fork();
  if (child == 0) {
    // Twice, so that it is nobody's child.
    if (::fork() == 0) become(name, ready[1], work, voice);
    ::_exit(EXIT_SUCCESS);
  }
  const int error = errno;
  ::close(ready[1]);
  if (child > 0) ::waitpid(child, nullptr, 0);
  const auto heard = child > 0 ? hear(ready[0], name, on_standing)
                               : failure(error, name + ": " + std::strerror(error));
  ::close(ready[0]);
  return heard;
}

}  // namespace naru::session
