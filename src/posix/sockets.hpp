// Sockets: the socket calls on descriptors, with Linux's answers.
//
// Each answers as the kernel does: a value, or -errno. Calls that wait do so in the
// session: they sleep on the word of a seat until the socket is called ready.
#pragma once

#include <span>
#include <sys/socket.h>
#include <sys/uio.h>

#include "posix/descriptors.hpp"
#include "posix/memory.hpp"
#include "session/sleep.hpp"

namespace naru::posix {

class Sockets {
 public:
  explicit Sockets(Descriptors& fds) : fds_(fds) {}

  // Is a socket of these arguments naru's? The rest is left to the kernel.
  static bool takes(int domain, int type, int protocol);

  // --- sockets.cpp
  long socket(int domain, int type, int protocol);
  long bind(int fd, const sockaddr* address, socklen_t length);
  long listen(int fd, int backlog);
  // flags: SOCK_NONBLOCK, SOCK_CLOEXEC
  long accept(int fd, sockaddr* address, socklen_t* length, int flags);
  long connect(int fd, const sockaddr* address, socklen_t length);
  long shutdown(int fd, int how);
  long local_name(int fd, sockaddr* address, socklen_t* length);
  long remote_name(int fd, sockaddr* address, socklen_t* length);

  // --- transfer.cpp
  long send(int fd, Parts parts, int flags, const sockaddr* address = nullptr,
            socklen_t length = 0);
  long receive(int fd, Parts parts, int flags, sockaddr* address = nullptr,
               socklen_t* length = nullptr);
  // --- messages.cpp
  long send_message(int fd, const msghdr* message, int flags);
  long receive_message(int fd, msghdr* message, int flags);
  // --- files.cpp
  // sendfile(2) toward a socket, from anything that read(2) takes.
  long send_file(int fd, int from, off64_t* offset, std::size_t count);
  // splice(2) between a socket, which one of the two is, and a pipe.
  long splice(int from, const off64_t* from_offset, int to, const off64_t* to_offset,
              std::size_t count, unsigned flags);

  // --- options.cpp
  long get_option(int fd, int level, int name, void* value, socklen_t* length);
  long set_option(int fd, int level, int name, const void* value, socklen_t length);

 private:
  // What goes with a datagram beside its bytes, and what comes with one.
  struct Envelope {
    const sockaddr* address = nullptr;  // null: as connected
    socklen_t length = 0;
    DatagramControl control = {};
  };
  struct Letter {
    sockaddr* address = nullptr;  // null: nobody asks
    socklen_t* length = nullptr;
    int flags = 0;              // of msghdr
    msghdr* message = nullptr;  // with a place for control messages
  };
  // How a call may wait.
  struct Patience {
    std::uint32_t events = 0;  // of poll(2): what it waits for
    bool waits = false;
    Time deadline = kTimeNever;
  };
  Patience patience(const OpenSocket& o, std::uint32_t events, bool sends, int flags) const;

  // Inside: runs `attempt` until it answers other than -EAGAIN; sleeps in between, as far
  // as the patience goes, which `attempt` may set.
  template <class Attempt>
  long retry(int fd, Patience& patience, const Attempt& attempt);

  long get_option(OpenSocket& o, int level, int name, void* value, socklen_t* length);
  long set_option(OpenSocket& o, int level, int name, const void* value, socklen_t length);
  // `answer`, after it was looked at.
  long count_unknown(const char* call, int level, int name, long answer);
  long accept_one(OpenSocket& listener, sockaddr* address, socklen_t* length, int flags);
  long connect_once(OpenSocket& o, const Endpoint& remote, bool& started);
  long dissolve(OpenSocket& o);
  Result<SocketId> open(int kind, int protocol);
  Status bind_in_stack(OpenSocket& o, const Endpoint& local);
  long set_membership(OpenSocket& o, int name, const void* value, socklen_t length);
  long set_membership6(OpenSocket& o, bool joins, const void* value, socklen_t length);
  long set_interface(OpenSocket& o, int level, const void* value, socklen_t length);
  long get_interface(const OpenSocket& o, int level, void* value, socklen_t* length);
  long send_stream(int fd, Parts parts, int flags);
  long send_datagram(int fd, Parts parts, int flags, const Envelope& to);
  bool has_failed(const OpenSocket& o);
  bool has_ended(const OpenSocket& o);
  bool is_drained(const OpenSocket& o);
  static std::size_t target(const OpenSocket& o, std::size_t size, int flags);
  long receive_stream(int fd, Parts parts, std::size_t size, int flags);
  long peek_stream(int fd, Parts parts, std::size_t size, int flags);
  long discard_stream(int fd, std::size_t size, int flags);
  long receive_datagram(int fd, Parts parts, int flags, Letter& letter);
  long receive_error(int fd, Parts parts, Letter& letter);
  long splice_out(int fd, int pipe, std::size_t count, unsigned flags);
  long splice_in(int pipe, int fd, std::size_t count, unsigned flags);
  void note_readiness(OpenSocket& o);
  Session& session() { return fds_.session(); }

  Descriptors& fds_;
};

}  // namespace naru::posix
