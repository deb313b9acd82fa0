// What recvmsg(2) gives beside the bytes.
#pragma once

#include <map>

#include "sockets.hpp"

namespace naru::sockets {

// One message with all that came with it.
struct Message {
  long size = -1;
  int error = 0;
  int flags = 0;
  std::string text;
  sockaddr_in from{};
  std::map<std::pair<int, int>, std::string> control;

  bool has(int level, int type) const { return control.contains({level, type}); }
  template <class T>
  T get(int level, int type) const {
    T value{};
    const auto found = control.find({level, type});
    EXPECT_NE(found, control.end()) << level << " " << type;
    if (found == control.end()) return value;
    EXPECT_GE(found->second.size(), sizeof value);
    std::memcpy(&value, found->second.data(), sizeof value);
    return value;
  }
};

inline Message receive(int fd, int flags = 0, std::size_t room = 512) {
  Message m;
  char bytes[256];
  alignas(cmsghdr) char control[512];
  iovec part{bytes, sizeof bytes};
  msghdr h{};
  h.msg_name = &m.from;
  h.msg_namelen = sizeof m.from;
  h.msg_iov = &part;
  h.msg_iovlen = 1;
  h.msg_control = control;
  h.msg_controllen = room;
  m.size = ::recvmsg(fd, &h, flags);
  m.error = error_of(m.size);
  if (m.size < 0) return m;
  m.flags = h.msg_flags;
  m.text.assign(bytes, static_cast<std::size_t>(m.size));
  for (cmsghdr* c = CMSG_FIRSTHDR(&h); c != nullptr; c = CMSG_NXTHDR(&h, c)) {
    m.control[{c->cmsg_level, c->cmsg_type}] =
        std::string(reinterpret_cast<char*>(CMSG_DATA(c)), c->cmsg_len - CMSG_LEN(0));
  }
  return m;
}

}  // namespace naru::sockets
