// Memory of the program: may it be touched? A call is told EFAULT before it enters the
// stack, since a fault inside would cost the session its connections.
//
// A page is asked by touching it: one instruction whose fault the handler of SIGSEGV
// (signals.hpp) turns into an answer. That costs about a nanosecond for each page, a
// system call (process_vm_readv, mincore) a hundred times as much. A program that blocks
// SIGSEGV, or unmaps in one thread what another sends from, dies as it would by its own
// touch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>

namespace naru::posix {

using Parts = std::span<const iovec>;

bool is_readable(const void* memory, std::size_t size);
bool is_writable(void* memory, std::size_t size);
template <class T>
bool is_readable(const T* value) {
  return is_readable(value, sizeof *value);
}
template <class T>
bool is_writable(T* value) {
  return is_writable(value, sizeof *value);
}
// How many of the first `most` bytes can be read, or written.
std::size_t readable_bytes(const void* memory, std::size_t most);
std::size_t writable_bytes(void* memory, std::size_t most);

// In a handler of SIGSEGV or SIGBUS: when one of the touches above has caused it, its
// thread goes on with the answer "no".
bool resume_after_touch(void* context);

}  // namespace naru::posix
