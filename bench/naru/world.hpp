// Two naru hosts as a World (contestant.hpp), through the public API alone.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <naru/link/memory.hpp>
#include <naru/stack/stack.hpp>

#include "contestant.hpp"
#include "naru/line.hpp"

namespace naru::bench {

class NaruHost {
 public:
  using Socket = SocketId;

  NaruHost(const WorldConfig& config, std::uint8_t number, link::Link& link);

  std::optional<Socket> accept();
  bool established(Socket s) const { return (stack_->readiness(s) & ready::kOut) != 0; }
  std::size_t send(Socket s, const std::uint8_t* data, std::size_t size);
  std::size_t recv(Socket s, std::uint8_t* data, std::size_t size);
  bool at_end(Socket s);
  void close(Socket s);

  void listen(std::uint16_t port);
  // Which listener accept() asks: the workloads open one connection at a time.
  void expect(std::uint16_t port) { expected_ = listeners_[port - kFirstPort]; }
  Socket connect(std::uint8_t number, std::uint16_t port);

  // Something may be there to be done: a frame, or a call of the program.
  void mark() { work_ = true; }
  // A turn begins: a deadline may have come.
  void wake(Time now) { work_ |= deadline_ <= now; }
  // Polls where there is work; true when there was any.
  bool run(Time now) { return work_ && work(now); }
  void set_now(Time now) { stack_->set_now(now); }
  Time next_deadline() const { return stack_->next_deadline(); }
  // Pages of the arena that hold something.
  std::size_t resident_bytes() const;

 private:
  bool work(Time now);

  ArenaMapping memory_;
  std::unique_ptr<Stack> stack_;
  bool ipv6_;
  std::vector<SocketId> listeners_;
  SocketId expected_;
  bool work_ = true;
  Time deadline_{};  // of the stack, after its last turn; now: it wants another
};

class NaruWorld {
 public:
  using HostType = NaruHost;

  explicit NaruWorld(const WorldConfig& config);
  NaruWorld(const NaruWorld&) = delete;
  NaruWorld& operator=(const NaruWorld&) = delete;

  NaruHost& client() { return client_; }
  NaruHost& server() { return server_; }
  SocketId connect(std::uint16_t port);
  void turn();
  std::int64_t now_ns() const { return nanoseconds(now_); }
  double bytes_per_connection() const;

 private:
  void settle();
  void turn_over_line();

  Time now_{};
  link::MemoryWire wire_;
  // In place of the wire, where the workload wants a long one.
  std::unique_ptr<Line> line_;
  NaruHost client_;
  NaruHost server_;
  std::size_t resident_at_start_;
  std::size_t connections_ = 0;
};

}  // namespace naru::bench
