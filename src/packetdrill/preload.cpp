// The tool has two faults: the last close() of a script's sockets, and the
// getsockopt() calls of its %{ }% blocks, go to the kernel and not to the table.
// Where this object is preloaded too (scripts/packetdrill does it), those that are
// about our descriptors come here after all.

#include <sys/syscall.h>

#include "packetdrill/machine.hpp"

namespace {

bool is_ours(int fd) {
  return fd >= naru::packetdrill::Descriptors::kFirst && naru::packetdrill::the_machine != nullptr;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int close(int fd) {
  if (is_ours(fd)) return naru::packetdrill::the_machine->close(fd);
  return static_cast<int>(::syscall(SYS_close, fd));
}

__attribute__((visibility("default"))) int getsockopt(int fd, int level, int name, void* value,
                                                      socklen_t* length) noexcept {
  if (is_ours(fd)) {
    return naru::packetdrill::the_machine->getsockopt(fd, level, name, value, length);
  }
  return static_cast<int>(::syscall(SYS_getsockopt, fd, level, name, value, length));
}

}  // extern "C"
