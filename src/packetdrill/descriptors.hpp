// Descriptors: what the numbers mean that the tool's scripts call files.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <sys/epoll.h>

#include <naru/config/socket_types.hpp>

namespace naru::packetdrill {

// What one of several watches of an epoll descriptor wants to know.
struct Watch {
  epoll_event wanted{};
  std::uint64_t reported = 0;  // Descriptor::activity when it was last reported
  bool disarmed = false;       // EPOLLONESHOT has had its shot
};

struct Pipe {
  static constexpr std::size_t kCapacity = 65'536;
  std::deque<std::uint8_t> bytes;
  bool has_reader = true;
  bool has_writer = true;
};

struct Descriptor {
  enum class Kind : std::uint8_t { socket, epoll, pipe_end };

  Kind kind = Kind::socket;
  bool nonblocking = false;
  // socket
  SocketId socket;
  int family = 0;
  std::uint64_t activity = 1;  // counts readiness events, for EPOLLET
  // epoll
  std::map<int, Watch> watches;
  // pipe
  std::shared_ptr<Pipe> pipe;
  bool writes = false;

  bool is_tcp() const { return socket.kind() == SocketId::Kind::tcp; }
};

class Descriptors {
 public:
  // Far from the kernel's, so that nobody mistakes one for the other.
  static constexpr int kFirst = 100'000;

  // Takes the lowest free number, as POSIX wants.
  int add(Descriptor descriptor);
  Descriptor* find(int fd);
  // A socket; nullptr with errno EBADF or ENOTSOCK.
  Descriptor* find_socket(int fd);
  void remove(int fd) { table_.erase(fd); }
  void note_event(const SocketEvent& event);

 private:
  std::map<int, Descriptor> table_;
};

}  // namespace naru::packetdrill
