// Session: one host that several processes are inside of, in turn.
//
//   process A ─┐  enter()                                      leave()
//   process B ─┼──► lock ► set the time ► socket calls ► poll ► who became ready? ► unlock ► wake
//   keeper    ─┘
//
// Whoever is inside a socket call drives the stack, in its own process. The keeper
// drives it when timers are due and nobody is inside.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <naru/link/capture.hpp>

#include "session/bell.hpp"
#include "session/cable.hpp"
#include "session/folder.hpp"
#include "session/header.hpp"
#include "session/reference.hpp"
#include "session/wakes.hpp"

namespace naru::session {

// The pages of a session's file.
class Mapping {
 public:
  Mapping(Header* header, std::size_t size) : header_(header), size_(size) {}
  Mapping(Mapping&& other) noexcept
      : header_(std::exchange(other.header_, nullptr)), size_(other.size_) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping();

  // A new file, which must not exist; and one that somebody has made.
  static Said<Mapping> create(const std::string& file, std::size_t size);
  static Said<Mapping> open(const std::string& file);

  Header& header() const { return *header_; }

 private:
  Header* header_;
  std::size_t size_;
};

// What a session's file tells whoever does not map it.
struct Glance {
  pid_t keeper = 0;
  std::uint32_t processes = 0;
  std::uint32_t sockets = 0;
  std::string cable;  // as Port::words
  IpAddr address;
  bool is_alive = false;  // its keeper keeps it
};
Said<Glance> glance(const std::string& file);

// Where a thread waits: a slot of the shared table and, for those who sleep in poll, a
// bell. Kept by the process for the next one who waits.
struct Seat {
  Waiter* waiter = nullptr;
  Bell bell;

  link::LanAlarm bell_alarm() const { return {link::LanAlarm::Kind::bell, waiter->bell}; }
};

// What somebody does who leaves.
enum class Leaving : std::uint8_t {
  for_good,
  to_wait,  // will be on the lookout at once, or inside again
};

// What somebody wants to see of a session.
struct Watching {
  std::string capture;       // a file for the frames (pcapng), by its whole path; or empty
  bool keeps_trace = false;  // for Stack::next_trace
};

class Session {
 public:
  // Makes a session in `folder`, which nobody is in yet. Answers its file.
  static Said<std::string> create(const std::string& folder, const std::string& name,
                                  const Watching& watching = {},
                                  const NameServers& name_servers = {});
  // The session of this file. The process joins it.
  static Said<std::unique_ptr<Session>> attach(const std::string& file);
  // Maps a session to look at it or to keep it, without joining.
  static Said<std::unique_ptr<Session>> visit(const std::string& file);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Header& header() { return mapping_.header(); }
  Tables& tables() { return mapping_.header().tables; }
  Stack& stack() { return *stack_; }
  References& references() { return references_; }
  Ringer& ringer() { return ringer_; }
  const std::string& file() const { return file_; }
  // Gives the descriptors of the process that the program must not meet other numbers, or
  // the same.
  void move_descriptors(const std::function<int(int)>& move);

  // --- the cable (cable.cpp) ------------------------------------------------------
  // Inside, once for each session: opens the device, or joins the lan under the session's
  // name.
  link::OpenResult<void> plug_in(const CableChoice& choice);
  // nullptr: the session has its loopback only.
  Cable* cable() { return cable_.get(); }
  // nullptr: it is on none.
  link::LanLink* lan() { return cable_ ? cable_->lan() : nullptr; }
  bool has_device() { return cable_ && cable_->lan() == nullptr; }

  // --- inside and outside -----------------------------------------------------
  void enter();
  // False: somebody else is inside.
  bool try_enter();
  void leave(Leaving leaving = Leaving::for_good);
  // Lets the stack do what follows from the calls so far, and tells who waits.
  void turn();
  // The same, if calls have been put off (batch.hpp): for who asks how things stand.
  void catch_up() {
    if (header().batch.waits()) turn();
  }

  // Around a fork: nobody is inside meanwhile, so that the child's copy of this handle
  // is whole.
  void hold();
  void let_go();

  // --- processes (inside) -------------------------------------------------------
  // The slot of this process, also when it has become another program by exec.
  bool join();
  std::uint32_t process() const { return process_; }
  // In the child of a fork, before anything else; outside. What belongs to the
  // parent's threads is left to it.
  void on_forked();
  // Is it this process that has joined, and not a copy that nobody was told of (clone(2))?
  bool is_of_this_process();
  // The process ends by this thread. The others find no way in any more, as if the kernel
  // had ended them already; what they wait for is forgotten.
  void begin_end();
  // Never returns, but to the thread that ends the process.
  void wait_for_end() const;
  // A process has died: what it alone had open is closed.
  void drop_process(Process& process);
  // Does so for all that have, without waiting for the keeper to notice: a port must be
  // free when a program has waited for the death of who had it.
  void drop_dead();
  // Closes the sockets that nobody has open any more, neither a process nor a message.
  void sweep();

  // --- open sockets (inside) ------------------------------------------------------
  // A table entry for a socket of the stack; nullptr when the table is full.
  OpenSocket* add_socket(SocketId id, int family, int type, int protocol);
  void set_id(OpenSocket& o, SocketId id);
  OpenSocket* socket_at(std::uint32_t index);
  std::uint32_t index_of(const OpenSocket& o) { return tables().sockets.index_of(&o); }
  // Closes it in the stack, and for everybody.
  void close_socket(OpenSocket& o);
  bool is_reset_by_close(const OpenSocket& o) const;
  // Nobody has a descriptor of it any more. A call that waits on it keeps it until the call
  // ends, as in Linux.
  void release(OpenSocket& o);
  // Does a call wait on it, of whatever process?
  static bool is_waited_for(OpenSocket& o);
  // A descriptor of the socket was closed in this process.
  void drop_reference(OpenSocket& o);
  // False when the connection was lost in an accident (see recover.cpp).
  bool is_sound(const OpenSocket& o) { return o.epoch == header().epoch; }
  std::uint8_t readiness(const OpenSocket& o);

  // --- waiters (inside) -------------------------------------------------------------
  Waiter* add_waiter();
  void remove_waiter(Waiter& waiter);
  Watch* add_watch(Waiter& waiter, OpenSocket& socket, std::uint32_t events);
  void remove_watch(Watch& watch);
  // Puts the watch on its waiter's ready list and wakes the waiter.
  void make_ready(Watch& watch);
  void call(Waiter& waiter);
  // Wakes who sleeps at the waiter's door.
  void knock(const Waiter& waiter);
  // When a process has died: perhaps between a call and the wake that belongs to it.
  void call_again(Waiter& waiter);
  std::uint32_t next_bell() { return ++header().last_bell; }
  Seat take_seat();
  void give_seat(Seat seat);
  // Gives the waiter of a seat its bell. -errno, or 0.
  int hang_bell(Seat& seat);
  // Outside: gives it one where it has none.
  bool has_bell(Seat& seat);

 private:
  Session(Mapping mapping, References references, std::string file);
  static Said<std::unique_ptr<Session>> open_file(const std::string& file);
  bool attach_stack();
  bool find_stack();
  void lock();
  void on_locked(int answer);
  void stop_unless_last();
  // What waited in the process is gone.
  void forget_waiters(std::uint32_t process);
  void call_keeper(Leaving leaving);
  bool may_put_off(Leaving leaving);
  link::OpenResult<void> join_lan(const LanChoice& choice);
  link::OpenResult<void> use_device(const DeviceChoice& choice);
  void attach_cable();
  Said<void> attach_lan();
  Said<void> attach_device();
  void open_capture();
  // What the stack sends and receives by: the cable, or what writes down its frames.
  link::Link& wire();
  Status add_address(const Prefix& address);
  Status set_up_interface();
  std::uint8_t above_low_water(const OpenSocket& o, std::uint8_t bits);
  void dispatch(const SocketEvent& event);
  void tell(OpenSocket& socket, std::uint32_t now, std::uint32_t edges);
  // recover.cpp: somebody died with the lock.
  void recover();
  void rebuild_tables();
  void rebuild_watches();
  bool repair_stack();
  void close_unknown();
  void disown_missing();
  void renew_stack();
  void reopen(OpenSocket& o);

  Mapping mapping_;
  References references_;
  std::string file_;
  std::unique_ptr<Cable> cable_;
  std::optional<link::CaptureFile> capture_;
  std::unique_ptr<link::CaptureLink> captured_link_;
  std::unique_ptr<Stack> stack_;
  Ringer ringer_;
  Wakes wakes_;                  // of the turn; with the lock
  bool looks_at_cable_ = false;  // inside: the next turn does
  std::vector<Seat> seats_;
  std::uint32_t process_ = kNoIndex;
  std::atomic<pid_t> ending_{0};  // the thread that ends the process
};

// Is inside as long as it lives.
class Inside {
 public:
  explicit Inside(Session& session) : session_(session) { session_.enter(); }
  ~Inside() { session_.leave(leaving_); }
  void will_wait() { leaving_ = Leaving::to_wait; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Session& session_;
  Leaving leaving_ = Leaving::for_good;
};

// What readiness means in the bits of poll(2) and epoll(7).
std::uint32_t poll_bits(std::uint8_t readiness, bool is_udp);

}  // namespace naru::session
