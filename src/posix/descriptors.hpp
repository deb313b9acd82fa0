// Descriptors: the numbers of this process and what naru has behind them.
//
// All calls answer as the kernel does: a value, or -errno.
#pragma once

#include <span>
#include <sys/stat.h>

#include "posix/table.hpp"
#include "session/session.hpp"

namespace naru::posix {

using session::Inside;
using session::OpenSocket;
using session::Session;
using session::Waiter;

class Descriptors {
 public:
  // Finds the sockets that the process has from before an exec. False: no memory.
  bool init(Session& session);

  Session& session() { return *session_; }
  Table::Entry at(int fd) const { return table_.at(fd); }
  bool is_ours(int fd) const { return table_.at(fd).kind != Table::Kind::kernel; }
  int end() const { return table_.end(); }
  bool is_socket(int fd) const { return table_.at(fd).kind == Table::Kind::socket; }

  // Inside. nullptr: fd is no socket of ours (any more).
  OpenSocket* socket(int fd);
  Waiter* epoll(int fd);
  // Inside. A descriptor for the socket; the socket is closed where there is none.
  long give_number(OpenSocket& o, bool close_on_exec);
  // The number was given in vain.
  void take_back(int fd, OpenSocket& o);
  void set_epoll(int fd, const Waiter& set);
  void set_own(int fd) { table_.set(fd, {Table::Kind::own, 0}); }

  long close(int fd);
  long close_range(unsigned first, unsigned last, unsigned flags);
  long dup(int fd);
  // flags: O_CLOEXEC; dup2 has it that from == to is no error.
  long dup3(int from, int to, int flags);
  long fcntl(int fd, int command, long argument);
  long ioctl(int fd, unsigned long request, void* argument);
  long fstat(int fd, struct stat& s) const;

  // A descriptor has come from elsewhere (SCM_RIGHTS).
  void adopt(int fd);
  // A descriptor is about to be seen elsewhere (SCM_RIGHTS, posix_spawn): the kernel
  // counts its references from now on. 0, or -errno.
  long share(int fd);
  void share_all();
  void before_fork();
  void after_fork_in_parent();
  void after_fork_in_child();
  // The process ends, by this thread: closes all that it has open.
  void close_all();

 private:
  long share_locked(int fd);
  void share_all_locked();
  template <class Change>
  long replace(Table::Entry before, const Change& change);
  void forget(Table::Entry entry);
  Duration linger_time(std::uint32_t index);
  void linger(std::uint32_t index);
  bool is_delivered(const OpenSocket& o);
  void adopt_all();
  void adopt_own();
  // Makes `number` free where it is one that the program does not know of.
  bool make_way(int number);
  long duplicate(int fd, int command, long lowest);

  Session* session_ = nullptr;
  Table table_;
};

}  // namespace naru::posix
