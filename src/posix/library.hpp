// Library: all that a process on naru has.
#pragma once

#include <memory>

#include "posix/descriptors.hpp"
#include "posix/epoll.hpp"
#include "posix/polling.hpp"
#include "posix/sockets.hpp"

namespace naru::posix {

class Library {
 public:
  // Enters the session of this file (NARU_SESSION).
  static session::Said<std::unique_ptr<Library>> open(const std::string& memory_file);

  Descriptors fds;
  Sockets sockets{fds};
  Epoll epoll;
  Polling polling{fds, epoll};

  // The process ends by its own doing, in this thread.
  void end();

 private:
  explicit Library(std::unique_ptr<Session> session, std::uint64_t bell_data)
      : epoll(fds, bell_data), session_(std::move(session)) {}

  std::unique_ptr<Session> session_;
};

}  // namespace naru::posix
