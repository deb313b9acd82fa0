#include "link/lan_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace naru::link {

bool is_lan_name(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= lan::kMaxName && fits(text.front()) && fits(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return fits(c) || c == '-'; });
}

namespace lan {

namespace {

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kWritableByOthers = 0022;
// Whoever holds the lock does so for microseconds; unless it is stopped just there.
constexpr int kLockTries = 50'000;
constexpr timespec kLockPause{.tv_sec = 0, .tv_nsec = 200'000};

// The header as it lies in the file.
struct HeaderValues {
  std::uint64_t magic = 0;
  std::uint32_t version = 0;
  std::uint32_t control_size = 0;
  std::uint32_t ring_size = 0;
  std::uint32_t mtu = 0;
  std::uint32_t network = 0;
  std::uint32_t prefix_length = 0;
  std::uint64_t namespaces = 0;
};
static_assert(sizeof(HeaderValues) <= offsetof(Header, changes));
static_assert(offsetof(HeaderValues, namespaces) == offsetof(Header, namespaces));

}  // namespace

std::unexpected<OpenError> failure(std::string_view lan, int error, std::string_view words) {
  std::string message = "lan " + std::string(lan) + ": ";
  message += words.empty() ? std::strerror(error) : std::string(words);
  return std::unexpected(OpenError{error, std::move(message)});
}

std::string file_name(std::string_view lan) { return std::string(lan).append(kFileEnd); }

std::string gateway_name(std::string_view lan) { return std::string(lan).append(".gateway"); }

std::uint64_t namespaces() {
  const auto inode = [](const char* path) -> std::uint64_t {
    struct stat found;
    return ::stat(path, &found) == 0 ? found.st_ino : 0;
  };
  return inode("/proc/self/ns/pid") ^ inode("/proc/self/ns/net") << 32U;
}

// --- the folder ----------------------------------------------------------------------

OpenResult<Folder> Folder::open(const LanDirectory& directory, bool create) {
  const std::string path = directory.empty() ? runtime_folder() : directory;
  const auto complain = [&path](int error, const std::string& words) {
    return std::unexpected(OpenError{error, "lan folder " + path + ": " + words});
  };
  if (create && ::mkdir(path.c_str(), kFolderMode) < 0 && errno != EEXIST) {
    return complain(errno, std::strerror(errno));
  }
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.is_open()) return complain(errno, std::strerror(errno));
  struct stat found;
  if (::fstat(folder.number(), &found) < 0) return complain(errno, std::strerror(errno));
  if (found.st_uid != ::geteuid()) return complain(EPERM, "it belongs to another user");
  if ((found.st_mode & kWritableByOthers) != 0) {
    return complain(EPERM, "other users may write to it");
  }
  return Folder(std::move(folder));
}

std::vector<std::string> Folder::names(std::string_view end) const {
  std::vector<std::string> found;
  const int copy = ::openat(descriptor(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(copy < 0 ? nullptr : ::fdopendir(copy),
                                                   ::closedir);
  while (folder) {
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name.ends_with(end)) found.emplace_back(name.substr(0, name.size() - end.size()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

void Folder::remove(const std::string& lan) const {
  ::unlinkat(descriptor(), file_name(lan).c_str(), 0);
  ::unlinkat(descriptor(), gateway_name(lan).c_str(), 0);
}

// --- the file ------------------------------------------------------------------------

LanFile::Lock::~Lock() {
  if (descriptor_ >= 0) ::flock(descriptor_, LOCK_UN);
}

std::optional<LanFile::Lock> LanFile::try_lock() const {
  if (::flock(file_.number(), LOCK_EX | LOCK_NB) < 0) return std::nullopt;
  return Lock(file_.number());
}

OpenResult<LanFile::Lock> LanFile::lock() const {
  for (int tries = 0; tries < kLockTries; ++tries) {
    if (auto lock = try_lock()) return std::move(*lock);
    ::nanosleep(&kLockPause, nullptr);
  }
  return failure(name_, EBUSY, "a member stopped while it joined or left, and blocks others");
}

bool LanFile::is_removed() const {
  struct stat found;
  return ::fstat(file_.number(), &found) < 0 || found.st_nlink == 0;
}

LanFile::~LanFile() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

OpenResult<LanFile> LanFile::open(Folder folder, const std::string& lan, const LanOptions* create) {
  if (!is_lan_name(lan)) {
    return failure(lan, EINVAL, "a name has 1 to 31 small letters, digits and hyphens inside");
  }
  const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create != nullptr ? O_CREAT : 0);
  for (;;) {
    Descriptor opened(::openat(folder.descriptor(), file_name(lan).c_str(), flags, kFileMode));
    if (!opened.is_open()) {
      return failure(lan, errno, errno == ENOENT ? "there is no such lan" : "");
    }
    LanFile file(std::move(folder), std::move(opened), lan);
    const auto lock = file.lock();
    if (!lock) return std::unexpected(lock.error());
    if (file.is_removed()) {
      folder = std::move(file.folder_);
      continue;
    }
    if (const auto ready = file.prepare(create); !ready) return std::unexpected(ready.error());
    return file;
  }
}

// Under the lock.
OpenResult<void> LanFile::prepare(const LanOptions* create) {
  struct stat found;
  if (::fstat(file_.number(), &found) < 0) return failure(name_, errno, "");
  if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid()) {
    return failure(name_, EPERM, "its file is not ours");
  }
  size_ = static_cast<std::size_t>(found.st_size);
  HeaderValues header;
  const ssize_t got = ::pread(file_.number(), &header, sizeof header, 0);
  if (got < 0) return failure(name_, errno, "");
  // Nobody has joined a lan whose maker died before it was made.
  if (header.magic == 0 && create != nullptr) {
    auto made = format(*create);
    if (!made) folder_.remove(name_);
    return made;
  }
  if (got < static_cast<ssize_t>(sizeof header) || header.magic != kMagic) {
    return failure(name_, EPROTO, "its file is not a lan (naru lan rm removes it)");
  }
  if (header.version != kVersion || header.control_size != sizeof(Control)) {
    return failure(name_, EPROTO,
                   "it was made by another build of naru (format " +
                       std::to_string(header.version) + ", here " + std::to_string(kVersion) +
                       "); end its programs or use another lan");
  }
  if (!is_ring_size(header.ring_size) || size_ != file_size(header.ring_size) ||
      !is_mtu(header.mtu) || !is_prefix_length(header.prefix_length)) {
    return failure(name_, EPROTO, "its file is damaged (naru lan down removes it)");
  }
  if (header.namespaces != namespaces()) {
    return failure(name_, EPROTO, "it belongs to another container (pid or network namespace)");
  }
  ring_size_ = header.ring_size;
  mtu_ = header.mtu;
  network_ = {IpAddr::v4(header.network), static_cast<std::uint8_t>(header.prefix_length)};
  return map();
}

OpenResult<void> LanFile::format(const LanOptions& options) {
  network_ = {options.network.network(), options.network.length};
  if (!is_ring_size(options.ring_size) || !is_mtu(options.mtu) || !network_.addr.is_v4() ||
      !is_prefix_length(network_.length)) {
    return failure(name_, EINVAL,
                   "the network must be IPv4 and /8 to /28, the MTU 576 to 65535, the ring a "
                   "power of two from 256 KiB to 16 MiB");
  }
  ring_size_ = options.ring_size;
  mtu_ = options.mtu;
  size_ = file_size(ring_size_);
  const int file = file_.number();
  if (::ftruncate(file, 0) < 0 || ::ftruncate(file, static_cast<off_t>(size_)) < 0 ||
      ::fallocate(file, 0, 0, sizeof(Control)) < 0) {
    return failure(name_, errno, "");
  }
  if (auto mapped = map(); !mapped) return mapped;
  Header& header = control().header;
  header.version = kVersion;
  header.control_size = sizeof(Control);
  header.ring_size = ring_size_;
  header.mtu = mtu_;
  header.network = network_.addr.to_v4();
  header.prefix_length = network_.length;
  header.namespaces = namespaces();
  header.magic = kMagic;
  return {};
}

OpenResult<void> LanFile::map() {
  void* base =
      ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_.number(), 0);
  if (base == MAP_FAILED) return failure(name_, errno, "");
  ::madvise(base, size_, MADV_DONTDUMP);
  base_ = static_cast<std::uint8_t*>(base);
  return {};
}

Ring LanFile::ring(std::uint32_t receiver, std::uint32_t sender) const {
  return {.base = base_ + ring_offset(receiver, sender, ring_size_),
          .size = ring_size_,
          .tail = &control().tails[receiver][sender],
          .head = &control().heads[receiver][sender]};
}

// Memory that is only touched may turn out not to be there, and then the process gets
// SIGBUS; fallocate() answers.
bool LanFile::commit(const Ring& ring, std::uint32_t size) {
  int done = -1;
  do {
    done = ::fallocate(file_.number(), 0, ring.base - base_, size);
  } while (done < 0 && errno == EINTR);
  return done == 0;
}

}  // namespace lan
}  // namespace naru::link
