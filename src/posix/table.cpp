#include "posix/table.hpp"

#include <sys/mman.h>

namespace naru::posix {

bool Table::init() {
  void* memory = ::mmap(nullptr, kMost * sizeof(std::uint32_t), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  words_ = static_cast<std::atomic<std::uint32_t>*>(memory);
  return true;
}

void Table::set(int fd, Entry entry) {
  if (static_cast<unsigned>(fd) >= kMost) return;
  words_[fd].store(static_cast<std::uint32_t>(entry.kind) << kShift | entry.index);
  if (entry.kind == Kind::kernel) return;
  int end = end_.load();
  while (end <= fd && !end_.compare_exchange_weak(end, fd + 1)) {
  }
}

bool Table::has(Entry entry) const {
  for (int fd = 0; fd < end(); ++fd) {
    const Entry e = at(fd);
    if (e.kind == entry.kind && e.index == entry.index) return true;
  }
  return false;
}

}  // namespace naru::posix
