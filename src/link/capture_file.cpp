#include "link/capture_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace naru::link {

namespace {

// So much is gathered before it is written.
constexpr std::size_t kGather = 64 * 1024;

constexpr int kMode = 0644;

std::string describe(const std::string& path, int error) {
  return "capture file " + path + ": " + std::strerror(error);
}

}  // namespace

CaptureFile::Impl::~Impl() {
  flush();
  ::close(descriptor_);
}

void CaptureFile::Impl::end_packet(PcapngWriter::Direction direction, std::string_view comment) {
  writer_.end_packet(direction, comment);
  if (writer_.pending().size() >= kGather) flush();
}

// After an error nothing more is written: a file that stops can be read, one with
// a hole cannot.
void CaptureFile::Impl::flush() {
  Bytes left = writer_.pending();
  while (error_.empty() && !left.empty()) {
    const ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written >= 0) {
      left = left.subspan(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error_ = describe(path_, errno);
    }
  }
  writer_.clear();
}

OpenResult<CaptureFile> CaptureFile::open(const std::string& path, const CaptureOptions& options) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (options.append ? O_APPEND : O_TRUNC);
  const int descriptor = ::open(path.c_str(), flags, kMode);
  if (descriptor < 0) return std::unexpected(OpenError{errno, describe(path, errno)});
  return CaptureFile(std::make_unique<Impl>(descriptor, path, options));
}

CaptureFile::CaptureFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CaptureFile::CaptureFile(CaptureFile&& other) noexcept = default;
CaptureFile& CaptureFile::operator=(CaptureFile&& other) noexcept = default;
CaptureFile::~CaptureFile() = default;

void CaptureFile::move_descriptor(const std::function<int(int)>& move) {
  impl_->move_descriptor(move);
}
void CaptureFile::flush() { impl_->flush(); }
const std::string& CaptureFile::error() const { return impl_->error(); }

}  // namespace naru::link
