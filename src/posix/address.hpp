// Addresses as arguments of a call.
#pragma once

#include <algorithm>
#include <cerrno>

#include "posix/memory.hpp"

namespace naru::posix {

// As the kernel takes an address in: its length first.
inline long check_address(const sockaddr* address, socklen_t length) {
  if (length > sizeof(sockaddr_storage)) return -EINVAL;
  return is_readable(address, length) ? 0 : -EFAULT;
}

// Room for an address: `length` says how much there is. Both may be null where nobody asks.
inline long check_room(sockaddr* address, socklen_t* length) {
  if (!is_writable(length)) return -EFAULT;
  if (static_cast<int>(*length) < 0) return -EINVAL;
  const std::size_t room = std::min<std::size_t>(*length, sizeof(sockaddr_storage));
  return is_writable(address, room) ? 0 : -EFAULT;
}

}  // namespace naru::posix
