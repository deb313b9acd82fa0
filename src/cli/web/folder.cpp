#include "cli/web/folder.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <memory>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <tuple>
#include <unistd.h>

#include <fmt/format.h>

namespace naru::cli::web {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::string OpenFile::etag() const {
  return fmt::format("\"{:x}-{:x}-{:x}.{:x}\"", inode, size, modified.tv_sec, modified.tv_nsec);
}

std::expected<Folder, int> Folder::open(const std::string& path) {
  Descriptor descriptor(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor) return std::unexpected(errno);
  return Folder(std::move(descriptor));
}

std::expected<OpenFile, int> Folder::open_below(const std::string& path) const {
  open_how how{};
  // Not to hang on a FIFO, which is refused below.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const char* name = path.empty() ? "." : path.c_str();
  OpenFile file;
  file.descriptor = Descriptor(
      static_cast<int>(::syscall(SYS_openat2, descriptor_.get(), name, &how, sizeof how)));
  if (!file.descriptor) return std::unexpected(errno);
  struct stat info {};
  if (::fstat(file.descriptor.get(), &info) != 0) return std::unexpected(errno);
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return std::unexpected(EACCES);
  file.is_folder = S_ISDIR(info.st_mode);
  file.size = static_cast<std::uint64_t>(info.st_size);
  file.inode = info.st_ino;
  file.modified = info.st_mtim;
  return file;
}

std::vector<Entry> Folder::list(const OpenFile& folder) {
  std::vector<Entry> entries;
  const int copy = ::openat(folder.descriptor.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return entries;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), &::closedir);
  if (stream == nullptr) {
    ::close(copy);
    return entries;
  }
  while (const dirent* found = ::readdir(stream.get())) {
    const std::string_view name = found->d_name;
    struct stat info {};
    if (name == "." || name == ".." || ::fstatat(copy, found->d_name, &info, 0) != 0) continue;
    entries.push_back({std::string(name), S_ISDIR(info.st_mode),
                       static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec});
  }
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::tuple(!e.is_folder, e.name); });
  return entries;
}

}  // namespace naru::cli::web
