// The kernel's way to answer: a value, or -errno.
#pragma once

#include <naru/socket/errno.hpp>

namespace naru::posix {

inline long fail(Error error) { return -to_errno(error); }

inline long answer(const Status& status) { return status ? 0 : fail(status.error()); }

}  // namespace naru::posix
