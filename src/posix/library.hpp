// Library: all that a process on naru has.
#pragma once

#include <memory>

#include "posix/descriptors.hpp"
#include "posix/epoll.hpp"
#include "posix/polling.hpp"
#include "posix/sockets.hpp"
#include "resolver/shared_cache.hpp"

namespace naru::posix {

class Library {
 public:
  // Enters the session of this file (NARU_SESSION).
  static session::Said<std::unique_ptr<Library>> open(const std::string& memory_file);

  Descriptors fds;
  Sockets sockets{fds};
  Epoll epoll;
  Polling polling{fds, epoll};
  // What the name servers have said.
  std::unique_ptr<resolver::SharedCache> names;

  void after_fork_in_child();

  // The process ends by its own doing, in this thread.
  void end();

 private:
  explicit Library(std::unique_ptr<Session> session, std::uint64_t bell_data)
      : epoll(fds, bell_data), names(empty_cache()), session_(std::move(session)) {}

  static std::unique_ptr<resolver::SharedCache> empty_cache();

  std::unique_ptr<Session> session_;
};

}  // namespace naru::posix
