#include "gateway/client.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "gateway/control.hpp"
#include "gateway/gateway.hpp"
#include "session/daemon.hpp"

namespace naru::gateway {
namespace {

using link::OpenError;
using link::OpenResult;

// A gateway that is about to leave, or one that somebody else has just started.
constexpr int kTries = 40;
constexpr auto kBetweenTries = std::chrono::milliseconds(50);

std::unexpected<OpenError> failure(int number, std::string words) {
  return std::unexpected(OpenError{number, std::move(words)});
}

// The connection to a gateway.
class Line {
 public:
  explicit Line(int fd) : fd_(fd) {}
  Line(Line&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Line& operator=(Line&&) = delete;
  ~Line() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  // The answer; empty when there is nobody any more.
  std::string ask(std::string order) const;

 private:
  int fd_;
};

std::string Line::ask(std::string order) const {
  order += '\n';
  const ssize_t sent = ::send(fd_, order.data(), order.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(order.size())) return "";
  std::string answer;
  char c = 0;
  while (answer.size() < kMaxLine) {
    const ssize_t n = ::read(fd_, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return "";
    if (c == '\n') return answer;
    answer += c;
  }
  return "";
}

OpenResult<Line> connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Line line(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(line.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    return failure(error, std::string("the gateway: ") + std::strerror(error));
  }
  return line;
}

OpenResult<void> start_gateway(const std::string& lan, const link::LanDirectory& directory) {
  return session::start_daemon("naru-gateway", [&](session::Readiness& readiness) {
    const auto gateway = Gateway::open(lan, directory);
    if (!gateway) return readiness.failed(gateway.error());
    readiness.is_ready();
    (*gateway)->run();
  });
}

OpenResult<Line> find_gateway(const std::string& lan, const link::LanDirectory& directory) {
  const auto folder = link::lan::Folder::open(directory, true);
  if (!folder) return std::unexpected(folder.error());
  const std::string path = control_path(*folder, lan);
  for (int tries = 0;; ++tries) {
    auto line = connect(path);
    if (line) return line;
    const OpenResult<void> started = start_gateway(lan, directory);
    if (!started && tries == kTries) return std::unexpected(started.error());
    if (!started) std::this_thread::sleep_for(kBetweenTries);
  }
}

enum class Answer : std::uint8_t { published, refused, nobody };

Answer ask(const Line& line, std::span<const Publication> publications, std::string& why) {
  for (const Publication& publication : publications) {
    const std::string answer = line.ask(to_line(publication));
    if (answer == kOk) continue;
    if (!answer.starts_with(kError)) return Answer::nobody;
    why = publication.name() + ": " + answer.substr(kError.size());
    return Answer::refused;
  }
  return Answer::published;
}

}  // namespace

OpenResult<int> publish(const std::string& lan, const link::LanDirectory& directory,
                        std::span<const Publication> publications) {
  for (int tries = 0; tries < kTries; ++tries) {
    auto line = find_gateway(lan, directory);
    if (!line) return std::unexpected(line.error());
    std::string why;
    switch (ask(*line, publications, why)) {
      case Answer::published:
        return line->release();
      case Answer::refused:
        return failure(EADDRINUSE, why);
      case Answer::nobody:
        std::this_thread::sleep_for(kBetweenTries);
    }
  }
  return failure(ETIMEDOUT, "the gateway does not answer");
}

}  // namespace naru::gateway
