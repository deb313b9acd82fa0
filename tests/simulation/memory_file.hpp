// MemoryFile: a file without a disk, for what wants to write to a path.
#pragma once

#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include <naru/base/bytes.hpp>

namespace naru::test {

class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("naru", MFD_CLOEXEC)) {}
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  std::vector<std::uint8_t> contents() const {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(::lseek(descriptor_, 0, SEEK_END)));
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n =
          ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    bytes.resize(done);
    return bytes;
  }

 private:
  int descriptor_;
};

}  // namespace naru::test
