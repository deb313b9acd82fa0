// The tables that all processes of a session share, beside the stack.
//
//   descriptor ──► OpenSocket ──► SocketId (in the stack)
//   (of a process)     │ watches
//                      ▼
//                    Watch ──► Waiter: a thread that sleeps, or an epoll set
//
// An OpenSocket is what the kernel calls an open file description: dup, fork and
// SCM_RIGHTS make more descriptors of one. Everything here is reached with the lock
// of the session held, except what is atomic.
#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <sys/types.h>

#include <naru/config/socket_types.hpp>

#include "base/list.hpp"
#include "base/slab.hpp"

namespace naru::session {

inline constexpr std::uint32_t kMaxProcesses = 512;
inline constexpr std::uint32_t kMaxOpenSockets = 1U << 17U;
inline constexpr std::uint32_t kMaxWaiters = 1U << 14U;
inline constexpr std::uint32_t kMaxWatches = 1U << 18U;

struct Process {
  std::uint32_t free_link = 0;  // of the slab
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // so that a pid used again is another process
};

struct OfSocket;
struct OfWaiter;
struct IsReady;
struct OpenSocket;
struct Waiter;

// One waiter's interest in one socket.
struct Watch : ListHook<OfSocket>, ListHook<OfWaiter>, ListHook<IsReady> {
  OpenSocket* socket = nullptr;
  Waiter* waiter = nullptr;
  std::uint32_t events = 0;  // of epoll_ctl(2), with its flags
  int fd = -1;               // with the socket the key in an epoll set
  std::uint64_t data = 0;
  bool disarmed = false;  // EPOLLONESHOT has had its shot
};

// Who wants to know: one thread in one call, or an epoll set.
struct Waiter {
  // What the word of a thread says; that of an epoll set counts the calls.
  static constexpr std::uint32_t kAwake = 0;
  static constexpr std::uint32_t kAsleep = 1;   // on the word, as a futex
  static constexpr std::uint32_t kListens = 2;  // for its bell
  static constexpr std::uint32_t kCalled = 3;
  static constexpr std::uint32_t kAtDoor = 4;  // asleep at a door of the lan's (LanAlarm)

  std::uint32_t free_link = 0;
  std::atomic<std::uint32_t> word{kAwake};
  std::uint32_t bell = 0;  // names its bell; 0: it has none
  bool is_set = false;
  // Of an epoll set:
  std::atomic<std::uint32_t> sleepers{0};        // threads that listen for the bell
  std::atomic<std::uint32_t> nappers{0};         // threads asleep on the word
  std::atomic<std::uint32_t> at_door{0};         // threads asleep at its door
  std::atomic<std::uint32_t> kernel_members{0};  // at most so many kernel descriptors
  bool rung = false;                             // the bell has rung and was not heard yet
  bool is_inner = false;  // somebody polls the set itself: it rings without sleepers
  int bell_fd = -1;       // in the processes that hold the set
  List<Watch, OfWaiter> watches;
  List<Watch, IsReady> ready;
  std::bitset<kMaxProcesses> holders;  // the processes that have it open
};

struct OpenSocket {
  std::uint32_t free_link = 0;
  std::uint64_t serial = 0;  // no other of the session has it, ever
  std::uint32_t epoch = 0;   // of the stack that `id` belongs to
  SocketId id;
  int family = 0;
  int type = 0;
  int protocol = 0;
  std::uint32_t owner = kNoIndex;  // the process that made it; nobody: a free slot's rest
  bool is_shared = false;          // the kernel counts: see reference.hpp
  int number = -1;                 // else: its descriptor in the owner
  bool is_orphan = false;          // nobody has it any more but calls that wait on it
  bool v6_only = false;
  bool is_bound = false;
  bool is_listening = false;
  bool is_connecting = false;  // and nobody was told yet how it went
  int backlog = 0;
  Endpoint bound;                                   // what bind was asked for
  std::atomic<int> flags{0};                        // O_NONBLOCK, O_ASYNC ... as fcntl(2) sets them
  std::atomic<std::int64_t> receive_timeout_ns{0};  // 0: for ever
  std::atomic<std::int64_t> send_timeout_ns{0};
  std::atomic<int> receive_low{1};     // SO_RCVLOWAT
  std::atomic<std::uint32_t> told{0};  // what recvmsg tells beside the bytes: see posix/told.hpp
  // Linux's options that are kept and read back, without any effect here.
  int priority = 0;
  int dont_route = 0;
  int fast_open = 0;
  int window_clamp = 0;
  int unsent_low = -1;  // TCP_NOTSENT_LOWAT
  // O_ASYNC: whom to tell of readiness, and by which signal (fcntl(2)); 0: SIGIO.
  pid_t told_process = 0;
  int told_signal = 0;
  std::uint32_t known = 0;  // the bits of poll(2) when somebody last looked
  List<Watch, OfSocket> watches;

  bool is_tcp() const { return id.kind() == SocketId::Kind::tcp; }
};

struct Tables {
  Slab<Process> processes;
  Slab<OpenSocket> sockets;
  Slab<Waiter> waiters;
  Slab<Watch> watches;

  [[nodiscard]] bool init(Arena& arena) {
    return processes.init(arena, kMaxProcesses) && sockets.init(arena, kMaxOpenSockets) &&
           waiters.init(arena, kMaxWaiters) && watches.init(arena, kMaxWatches);
  }
};

}  // namespace naru::session
