// The served folder: the one door to the file system.
#pragma once

#include <cstdint>
#include <ctime>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace naru::cli::web {

// An open descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct OpenFile {
  Descriptor descriptor;
  bool is_folder = false;
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  timespec modified{};

  // Changes whenever the file does: inode, size, time of the last change.
  std::string etag() const;
};

struct Entry {
  std::string name;
  bool is_folder = false;
  std::uint64_t size = 0;
  std::time_t modified = 0;
};

class Folder {
 public:
  // errno of open(2), such as ENOENT and ENOTDIR.
  static std::expected<Folder, int> open(const std::string& path);

  // A file or folder below this one, by a path as path_of_target gives it. The
  // kernel itself keeps the walk below (openat2, RESOLVE_BENEATH): links that stay
  // inside are followed, what leads out does not exist. errno; EACCES also for
  // what is neither file nor folder.
  std::expected<OpenFile, int> open_below(const std::string& path) const;
  // What stands in an open folder, folders first, by name; what cannot be looked
  // at is left out.
  static std::vector<Entry> list(const OpenFile& folder);

 private:
  explicit Folder(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  Descriptor descriptor_;
};

}  // namespace naru::cli::web
