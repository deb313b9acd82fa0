// The two ends of a measurement over the kernel: each runs in a process of its own, in a
// network namespace and on a core that are named, so that its CPU time can be told apart.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <unistd.h>
#include <utility>

namespace naru::bench {

// Where an end runs.
struct Place {
  std::string netns;  // a path such as /proc/123/ns/net; empty: this one
  int cpu = 0;
};

// What one end did.
struct EndResult {
  double units = 0;    // bytes received, round trips, connections
  double wall_ns = 0;  // of the client's measured part
  double cpu_ns = 0;   // user and system, of this end's process
};

struct Results {
  EndResult client;
  EndResult server;
};

// The result of a system call; ends the program with its error.
int check(int result, const char* what);

// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd& operator=(Fd&&) = delete;
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  operator int() const { return fd_; }

 private:
  int fd_;
};

// Hands the port that a server listens on to the client's process.
class PortTeller {
 public:
  explicit PortTeller(int to) : to_(to) {}
  void operator()(std::uint16_t port) const;

 private:
  int to_;
};

namespace detail {

std::pair<Fd, Fd> make_pipe();
void enter(const Place& place);
double cpu_of_self_ns();
EndResult collect(int from, pid_t pid);
std::uint16_t wait_for_port(int from);
// In a child that has just been forked: it ends when its parent does.
void end_with_parent();

// A child that runs one end and writes its result into the pipe.
template <class End>
pid_t spawn(const Place& place, int to, End end) {
  const pid_t pid = check(fork(), "fork");
  if (pid != 0) return pid;
  end_with_parent();
  enter(place);
  EndResult r = end();
  r.cpu_ns = cpu_of_self_ns();
  if (write(to, &r, sizeof r) != sizeof r) _exit(1);
  _exit(0);
}

}  // namespace detail

// Runs server(PortTeller) and client(port), each returning an EndResult, to their ends.
// Fails the program when either does.
template <class Server, class Client>
Results run_ends(const Place& server_place, Server server, const Place& client_place,
                 Client client) {
  auto [port_in, port_out] = detail::make_pipe();
  auto [server_in, server_out] = detail::make_pipe();
  auto [client_in, client_out] = detail::make_pipe();
  const pid_t server_pid =
      detail::spawn(server_place, server_out, [&] { return server(PortTeller(port_out)); });
  server_out.reset();
  port_out.reset();
  const std::uint16_t port = detail::wait_for_port(port_in);
  const pid_t client_pid = detail::spawn(client_place, client_out, [&] { return client(port); });
  client_out.reset();
  Results results;
  results.client = detail::collect(client_in, client_pid);
  results.server = detail::collect(server_in, server_pid);
  return results;
}

}  // namespace naru::bench
