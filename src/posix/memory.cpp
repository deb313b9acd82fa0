#include "posix/memory.hpp"

#include <algorithm>
#include <ucontext.h>

namespace naru::posix {
namespace {

// Every touch leaves an entry: its own place and where to go on after a fault, both as
// distances from the entry's words.
struct Entry {
  std::int32_t touch;
  std::int32_t next;
};

extern "C" {
extern const Entry __start_naru_touches[] __attribute__((visibility("hidden")));
extern const Entry __stop_naru_touches[] __attribute__((visibility("hidden")));
}

#define NARU_TOUCH_ENTRY               \
  ".pushsection naru_touches, \"a\"\n" \
  ".balign 4\n"                        \
  ".long 1b - ., %l[fault] - .\n"      \
  ".popsection\n"

bool read_touch(const char* at) {
#if defined(__x86_64__)
  asm goto("1: testb $0, (%0)\n" NARU_TOUCH_ENTRY : : "r"(at) : "cc", "memory" : fault);
#elif defined(__aarch64__)
  asm goto("1: ldrb wzr, [%0]\n" NARU_TOUCH_ENTRY : : "r"(at) : "memory" : fault);
#endif
  return true;
fault:
  return false;
}

// Leaves every bit as it is, also one that another thread is changing.
bool write_touch(char* at) {
#if defined(__x86_64__)
  asm goto("1: lock orb $0, (%0)\n" NARU_TOUCH_ENTRY : : "r"(at) : "cc", "memory" : fault);
#elif defined(__aarch64__)
  asm goto(
      "2: ldxrb w9, [%0]\n"
      "1: stxrb w10, w9, [%0]\n"
      "cbnz w10, 2b\n" NARU_TOUCH_ENTRY
      ".pushsection naru_touches, \"a\"\n.long 2b - ., %l[fault] - .\n.popsection\n"
      :
      : "r"(at)
      : "w9", "w10", "memory"
      : fault);
#endif
  return true;
fault:
  return false;
}

constexpr std::uintptr_t kPage = 4096;  // the smallest there is

// Touches the first byte and one of each page behind it.
template <class Byte, class Touch>
std::size_t good_bytes(Byte* first, std::size_t most, const Touch& touch) {
  std::size_t good = 0;
  while (good < most && touch(first + good)) {
    const auto address = reinterpret_cast<std::uintptr_t>(first) + good;
    good += kPage - address % kPage;
  }
  return std::min(good, most);
}

}  // namespace

std::size_t readable_bytes(const void* memory, std::size_t most) {
  return good_bytes(static_cast<const char*>(memory), most, read_touch);
}

std::size_t writable_bytes(void* memory, std::size_t most) {
  return good_bytes(static_cast<char*>(memory), most, write_touch);
}

bool is_readable(const void* memory, std::size_t size) {
  return readable_bytes(memory, size) == size;
}

bool is_writable(void* memory, std::size_t size) { return writable_bytes(memory, size) == size; }

bool resume_after_touch(void* context) {
  mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  auto& place = machine.gregs[REG_RIP];
#elif defined(__aarch64__)
  auto& place = machine.pc;
#endif
  for (const Entry* e = __start_naru_touches; e != __stop_naru_touches; ++e) {
    const auto touch = reinterpret_cast<std::intptr_t>(&e->touch) + e->touch;
    if (static_cast<std::intptr_t>(place) != touch) continue;
    place = reinterpret_cast<std::intptr_t>(&e->next) + e->next;
    return true;
  }
  return false;
}

}  // namespace naru::posix
