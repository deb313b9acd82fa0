#include "session/bell.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>

#include "link/lan_bell.hpp"
#include "session/own_descriptor.hpp"
#include "session/system.hpp"

namespace naru::session {
namespace {

constexpr int kType = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

using Name = link::lan::BellName;

}  // namespace

Bell::~Bell() {
  if (fd_ >= 0) system::call(SYS_close, fd_);
}

int Bell::open(std::uint64_t id, std::uint32_t number) {
  const long fd = system::call(SYS_socket, AF_UNIX, kType, 0);
  if (fd < 0) return static_cast<int>(fd);
  const Name name(id, number);
  if (const long bound = system::call(SYS_bind, fd, name.pointer(), name.length); bound < 0) {
    system::call(SYS_close, fd);
    return static_cast<int>(bound);
  }
  fd_ = move_away(static_cast<int>(fd));
  return 0;
}

void Bell::hear() const {
  char byte = 0;
  while (system::call(SYS_recvfrom, fd_, &byte, 1, MSG_DONTWAIT, nullptr, nullptr) >= 0) {
  }
}

int Ringer::open(std::uint64_t id) {
  id_ = id;
  fd_ = move_away(static_cast<int>(system::call(SYS_socket, AF_UNIX, kType, 0)));
  return fd_ < 0 ? fd_ : 0;
}

void Ringer::ring(std::uint32_t number) const {
  // A full queue is a bell that rings already; nobody there is a process that died.
  const Name name(id_, number);
  system::call(SYS_sendto, fd_, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL, name.pointer(), name.length);
}

}  // namespace naru::session
