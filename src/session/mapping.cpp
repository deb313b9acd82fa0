// A session's file, and how a process maps it.

#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session/process_id.hpp"
#include "session/session.hpp"
#include "session/system.hpp"

namespace naru::session {
namespace {

std::string fault(const std::string& file, int number) {
  return file + ": " + std::strerror(number);
}

// Closes at the end of the scope; the preload library would take close() for the program's.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) system::call(SYS_close, fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Said<Header*> map(const std::string& file, int fd, std::size_t size) {
  void* at = reinterpret_cast<void*>(kSharedArenaAddress);
  void* base = ::mmap(at, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);
  if (base == MAP_FAILED) return std::unexpected(fault(file, errno));
  if (base != at) {
    ::munmap(base, size);
    return std::unexpected(file + ": its address is taken in this process");
  }
  return static_cast<Header*>(base);
}

// A copy, checked. Nothing in it is followed.
Said<std::unique_ptr<Header>> read_header(const std::string& file, int fd) {
  auto head = std::make_unique<Header>();
  const long n = system::call(SYS_pread64, fd, head.get(), sizeof *head, 0);
  if (n != sizeof *head || head->magic != Header::kMagic) {
    return std::unexpected(file + " is not a session");
  }
  struct stat s {};
  system::call(SYS_newfstatat, fd, "", &s, AT_EMPTY_PATH);
  if (head->layout != layout_fingerprint() || head->size != static_cast<std::uint64_t>(s.st_size)) {
    return std::unexpected(file + " belongs to another build of naru");
  }
  return head;
}

}  // namespace

Mapping::~Mapping() {
  if (header_ != nullptr) ::munmap(header_, size_);
}

Said<Mapping> Mapping::create(const std::string& file, std::size_t size) {
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
  const File f(static_cast<int>(system::call(SYS_openat, AT_FDCWD, file.c_str(), flags, 0600)));
  if (f.fd() < 0) return std::unexpected(fault(file, -f.fd()));
  if (::ftruncate(f.fd(), static_cast<off_t>(size)) != 0) {
    return std::unexpected(fault(file, errno));
  }
  const auto header = map(file, f.fd(), size);
  if (!header) return std::unexpected(header.error());
  return Mapping(*header, size);
}

Said<Mapping> Mapping::open(const std::string& file) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  const File f(static_cast<int>(system::call(SYS_openat, AT_FDCWD, file.c_str(), flags)));
  if (f.fd() < 0) return std::unexpected(fault(file, -f.fd()));
  const auto head = read_header(file, f.fd());
  if (!head) return std::unexpected(head.error());
  const std::size_t size = (*head)->size;
  const auto header = map(file, f.fd(), size);
  if (!header) return std::unexpected(header.error());
  return Mapping(*header, size);
}

Said<Glance> glance(const std::string& file) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
  const File f(static_cast<int>(system::call(SYS_openat, AT_FDCWD, file.c_str(), flags)));
  if (f.fd() < 0) return std::unexpected(fault(file, -f.fd()));
  const auto head = read_header(file, f.fd());
  if (!head) return std::unexpected(head.error());
  const Header& h = **head;
  return Glance{h.keeper,
                h.tables.processes.in_use(),
                h.tables.sockets.in_use(),
                h.port.words(),
                h.port.address.addr,
                h.keeper != 0 && is_alive(h.keeper, h.keeper_start_time)};
}

}  // namespace naru::session
