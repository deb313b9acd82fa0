// Parts: the pieces of the program's memory that a call reads from or writes to.
#pragma once

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <naru/base/bytes.hpp>

#include "posix/memory.hpp"

namespace naru::posix {

// What is wrong with the parts; else their sum, 0 or more. The list itself is touched.
inline long total(Parts parts) {
  if (parts.size() > IOV_MAX) return -EMSGSIZE;
  if (!is_readable(parts.data(), parts.size_bytes())) return -EFAULT;
  std::size_t sum = 0;
  for (const iovec& part : parts) {
    if (part.iov_len > static_cast<std::size_t>(SSIZE_MAX) - sum) return -EINVAL;
    sum += part.iov_len;
  }
  return static_cast<long>(sum);
}

// A place in a list of parts, and how far from there the memory has been touched.
class Cursor {
 public:
  enum class Access { read, write };

  explicit Cursor(Parts parts) : parts_(parts) {
    while (!parts_.empty() && parts_.back().iov_len == 0) parts_ = parts_.first(parts_.size() - 1);
    skip_empty();
  }

  // Touches the next `most` bytes, as far as they are good. False: not even the first is.
  bool touch(std::size_t most, Access access) {
    touched_ = 0;
    std::size_t skip = done_;
    for (const iovec& part : parts_) {
      const std::size_t wanted = std::min(part.iov_len - skip, most - touched_);
      auto* at = static_cast<char*>(part.iov_base) + skip;
      const std::size_t good =
          access == Access::read ? readable_bytes(at, wanted) : writable_bytes(at, wanted);
      touched_ += good;
      if (good < wanted || touched_ == most) break;
      skip = 0;
    }
    return touched_ != 0 || parts_.empty();
  }

  bool at_end() const { return parts_.empty(); }
  // Nothing of what was touched is left.
  bool is_used_up() const { return touched_ == 0; }
  bool in_last() const { return parts_.size() == 1; }
  // The next bytes that were touched.
  MutableBytes rest() const {
    if (parts_.empty()) return {};
    auto* base = static_cast<std::uint8_t*>(parts_.front().iov_base);
    return {base + done_, std::min(parts_.front().iov_len - done_, touched_)};
  }
  void advance(std::size_t n) {
    done_ += n;
    touched_ -= n;
    if (parts_.empty() || done_ < parts_.front().iov_len) return;
    done_ = 0;
    parts_ = parts_.subspan(1);
    skip_empty();
  }
  // Copies between the parts and other bytes, as much as fits; how much that is.
  std::size_t put(Bytes from) {
    std::size_t put = 0;
    while (!is_used_up() && !at_end() && put < from.size()) {
      const std::size_t piece = std::min(rest().size(), from.size() - put);
      std::memcpy(rest().data(), from.data() + put, piece);
      put += piece;
      advance(piece);
    }
    return put;
  }
  std::size_t take(MutableBytes to) {
    std::size_t taken = 0;
    while (!is_used_up() && !at_end() && taken < to.size()) {
      const std::size_t piece = std::min(rest().size(), to.size() - taken);
      std::memcpy(to.data() + taken, rest().data(), piece);
      taken += piece;
      advance(piece);
    }
    return taken;
  }

 private:
  void skip_empty() {
    while (!parts_.empty() && parts_.front().iov_len == 0) parts_ = parts_.subspan(1);
  }

  Parts parts_;
  std::size_t done_ = 0;  // of the first part
  std::size_t touched_ = 0;
};

}  // namespace naru::posix
