#include <sys/mman.h>

#include <naru/base/arena.hpp>

namespace naru {

Arena* Arena::format(void* base, std::size_t size) {
  if (size < sizeof(Arena)) return nullptr;
  return ::new (base) Arena(size, sizeof(Arena));
}

Result<Arena*> Arena::attach(void* base, std::size_t size) {
  auto* arena = static_cast<Arena*>(base);
  if (arena->magic_ != kMagic || arena->size_ != size) return std::unexpected(Error::invalid);
  return arena;
}

void* Arena::take(std::size_t size, std::size_t align) {
  const std::size_t start = (used_ + align - 1) & ~(align - 1);
  if (start > size_ || size > size_ - start) return nullptr;
  used_ = start + size;
  return reinterpret_cast<std::byte*>(this) + start;
}

bool Arena::contains(const void* p) const {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  const auto base = reinterpret_cast<std::uintptr_t>(this);
  return at >= base && at - base < size_;
}

namespace {

// Random access to a million connections lives from huge pages: without them
// every touch also misses the TLB.
void* map(std::size_t size, void* at, int flags) {
  if (size < sizeof(Arena)) return nullptr;
  void* base =
      ::mmap(at, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  ::madvise(base, size, MADV_HUGEPAGE);
  return base;
}

}  // namespace

Result<ArenaMapping> ArenaMapping::map_private(std::size_t size) {
  void* base = map(size, nullptr, MAP_PRIVATE);
  if (base == nullptr) return std::unexpected(Error::no_memory);
  Arena::format(base, size);
  return ArenaMapping(base, size);
}

Result<ArenaMapping> ArenaMapping::map_shared(std::size_t size, std::uintptr_t at) {
  void* base = map(size, reinterpret_cast<void*>(at), MAP_SHARED | MAP_FIXED_NOREPLACE);
  if (base == nullptr) return std::unexpected(Error::no_memory);
  Arena::format(base, size);
  return ArenaMapping(base, size);
}

ArenaMapping::~ArenaMapping() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

}  // namespace naru
