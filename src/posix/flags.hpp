// The flags of send(2) and recv(2) in the stack's terms.
#pragma once

#include <sys/socket.h>

#include <naru/config/socket_types.hpp>

namespace naru::posix {

inline unsigned to_flags(int flags) {
  unsigned out = 0;
  if ((flags & MSG_MORE) != 0) out |= msg::kMore;
  if ((flags & MSG_OOB) != 0) out |= msg::kOob;
  if ((flags & MSG_PEEK) != 0) out |= msg::kPeek;
  if ((flags & MSG_TRUNC) != 0) out |= msg::kTrunc;
  return out;
}

}  // namespace naru::posix
