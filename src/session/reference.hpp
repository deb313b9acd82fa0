// References to open sockets, counted by the kernel.
//
// The descriptor that a program sees is one of the session's empty `.sockets` file. As
// long as it is the only one of its socket it is a *blank*: a duplicate of the one that
// the library holds itself, which costs a fifth of opening a file, and the OpenSocket
// knows its number (an exec finds it by that).
//
// When a descriptor may exist outside the process that made it, or twice, it is given an
// open file of its own. Its read position tells the index of the OpenSocket, so whoever
// gets it (after fork, exec, dup, SCM_RIGHTS) knows what it is: the inode says "a socket
// of this session", the position which one. Both belong to the open file and cannot
// differ between its descriptors. A read lock of the open file (F_OFD_SETLK) on the byte
// `index` counts: the kernel holds it until the last descriptor is closed, wherever that
// is: in a process killed, in a program that knows nothing of naru, or in a message on
// its way. F_OFD_GETLK asks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

#include "session/folder.hpp"

namespace naru::session {

class References {
 public:
  // Of the file that socket_file() names.
  static Said<References> open(const std::string& path);

  References(References&& other) noexcept;
  References& operator=(References&& other) noexcept;
  ~References();

  // A blank descriptor (lowest free number), or -errno.
  int make(bool close_on_exec) const;
  bool is_blank(int fd) const;
  // From now on the kernel counts. Nobody else may close `fd` meanwhile. 0 or -errno:
  // then it is what it was.
  long share(int fd, std::uint32_t index) const;
  // Which socket a descriptor is that was shared; none: it is no such thing.
  std::optional<std::uint32_t> identify(int fd) const;
  // Does any descriptor of a shared socket exist anywhere?
  bool is_held(std::uint32_t index) const;

  // Gives this process' own descriptors other numbers.
  void move_descriptors(const std::function<int(int)>& move) {
    own_ = move(own_);
    proc_ = move(proc_);
  }

 private:
  References(std::string path, int own, int proc, dev_t device, ino_t inode)
      : path_(std::move(path)), own_(own), proc_(proc), device_(device), inode_(inode) {}

  // An open file of its own, or -errno.
  long open_again() const;
  // Where it stands, if it is one of the file.
  std::optional<long> position(int fd) const;

  std::string path_;
  int own_ = -1;   // of the file, at position 0: what blanks are duplicates of
  int proc_ = -1;  // of /proc, for who has another root folder since
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace naru::session
