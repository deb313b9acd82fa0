// What to tell the person who named a device or a file that cannot be opened.
#pragma once

#include <expected>
#include <string>

namespace naru::link {

struct OpenError {
  int number = 0;       // errno
  std::string message;  // one line: what, why, and what to do about it
};

template <class T>
using OpenResult = std::expected<T, OpenError>;

}  // namespace naru::link
