#include "preload/state.hpp"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <nss.h>
#include <pthread.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/ending.hpp"
#include "preload/streams.hpp"
#include "session/system.hpp"

namespace naru::preload {

posix::Library* library = nullptr;
Next next{};

namespace {

template <class F>
void find(F*& function, const char* name) {
  function = reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

void before_fork() {
  if (library == nullptr) return;
  Streams::hold();
  library->fds.before_fork();
}
void after_fork_in_parent() {
  if (library == nullptr) return;
  library->fds.after_fork_in_parent();
  Streams::let_go();
}
void after_fork_in_child() {
  if (library == nullptr) return;
  library->after_fork_in_child();
  Streams::let_go();
}

// The C library's own reads and writes do not come by here: where a standard descriptor is
// a socket, its stream becomes one whose do.
void adopt_standard_streams() {
  struct Standard {
    int fd;
    FILE** stream;
    const char* mode;
  };
  for (const auto& [fd, stream, mode] :
       {Standard{STDIN_FILENO, &stdin, "r"}, Standard{STDOUT_FILENO, &stdout, "w"},
        Standard{STDERR_FILENO, &stderr, "w"}}) {
    FILE* ours = is_socket(fd) ? ::fdopen(fd, mode) : nullptr;
    if (ours == nullptr) continue;
    *stream = ours;
    if (fd == STDERR_FILENO) ::setvbuf(ours, nullptr, _IONBF, 0);
  }
}

// Without the session the program's sockets would be the kernel's, and nobody would know.
[[noreturn]] void refuse(const std::string& why) {
  constexpr int kNotExecutable = 126;  // as shells say it
  const std::string line = "naru: " + why + "\n";
  session::system::call(SYS_write, STDERR_FILENO, line.data(), line.size());
  ::_exit(kNotExecutable);
}

// Before main, and before the constructors of the program's own libraries.
__attribute__((constructor(101))) void start() {
  find_next();
  const char* file = ::getenv("NARU_SESSION");
  if (file == nullptr || library != nullptr) return;
  const int before = errno;
  auto opened = posix::Library::open(file);
  if (!opened) refuse(opened.error());
  posix::Signals::init(next_sigaction());
  library = opened->release();
  adopt_standard_streams();
  ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  be_called_at_end();
  // A name server would be asked over the kernel's network.
  ::__nss_configure_lookup("hosts", "files");
  // libuv puts epoll_ctl into a ring that nobody can look into.
  ::setenv("UV_USE_IO_URING", "0", 0);
  errno = before;
}

}  // namespace

void find_next() {
  find(next.read, "read");
  find(next.write, "write");
  find(next.readv, "readv");
  find(next.writev, "writev");
  find(next.recv, "recv");
  find(next.recvfrom, "recvfrom");
  find(next.recvmsg, "recvmsg");
  find(next.send, "send");
  find(next.sendto, "sendto");
  find(next.sendmsg, "sendmsg");
  find(next.accept, "accept");
  find(next.accept4, "accept4");
  find(next.connect, "connect");
  find(next.close, "close");
  find(next.poll, "poll");
  find(next.ppoll, "ppoll");
  find(next.select, "select");
  find(next.pselect, "pselect");
  find(next.epoll_wait, "epoll_wait");
  find(next.epoll_pwait, "epoll_pwait");
  find(next.fork, "fork");
  find(next.posix_spawn, "posix_spawn");
  find(next.posix_spawnp, "posix_spawnp");
  find(next.system, "system");
  find(next.popen, "popen");
  find(next.getaddrinfo, "getaddrinfo");
  find(next.getnameinfo, "getnameinfo");
  find(next.gethostbyname2, "gethostbyname2");
  find(next.gethostbyname2_r, "gethostbyname2_r");
  find(next.gethostbyaddr, "gethostbyaddr");
  find(next.gethostbyaddr_r, "gethostbyaddr_r");
  find(next.getifaddrs, "getifaddrs");
  find(next.if_nametoindex, "if_nametoindex");
  find(next.if_indextoname, "if_indextoname");
  find(next.if_nameindex, "if_nameindex");
  find(next.fdopen, "fdopen");
  find(next.abort, "abort");
}

posix::Signals::Sigaction* next_sigaction() {
  static posix::Signals::Sigaction* function = nullptr;
  if (function == nullptr) find(function, "sigaction");
  return function;
}

Time deadline_of(int milliseconds) {
  return milliseconds < 0 ? kTimeNever : monotonic_now() + std::chrono::milliseconds(milliseconds);
}

namespace {

Time in(std::int64_t seconds, std::int64_t ns) {
  constexpr std::int64_t kCentury = 100LL * 366 * 86'400;
  if (seconds > kCentury) return kTimeNever;
  return monotonic_now() + std::chrono::seconds(seconds) + Duration(ns);
}

}  // namespace

Time deadline_of(const timespec* timeout) {
  return timeout == nullptr ? kTimeNever : in(timeout->tv_sec, timeout->tv_nsec);
}

Time deadline_of(const timeval* timeout) {
  return timeout == nullptr ? kTimeNever : in(timeout->tv_sec, timeout->tv_usec * 1000);
}

}  // namespace naru::preload
