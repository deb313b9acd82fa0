#include "session/keeper.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include <naru/socket/clock.hpp>

#include "session/daemon.hpp"
#include "session/device_cable.hpp"
#include "session/process_id.hpp"
#include "session/session.hpp"
#include "session/sleep.hpp"
#include "session/system.hpp"

namespace naru::session {
namespace {

// What the last process has left unsent gets this long to be delivered.
constexpr Duration kFarewell = 10s;
// So long frames may wait at a device for a process that is stopped.
constexpr Duration kPatience = 1s;

class Keeper {
 public:
  explicit Keeper(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  link::OpenResult<void> take_post(const CableChoice& choice);
  void run();

 private:
  // False: everybody has left and all is said.
  bool look_after();
  void watch_processes();
  bool is_over();
  void look_at_cable();
  link::LanAlarm alarm() { return {link::LanAlarm::Kind::bell, session_->header().keeper_bell}; }
  bool stand_on_lookout();
  void sleep();

  std::unique_ptr<Session> session_;
  Bell bell_;
  std::optional<DeviceDesk> desk_;
  int device_ = -1;  // on the lookout for it
  struct Watched {
    int pidfd = -1;
    std::uint64_t start_time = 0;  // the slot may belong to another process by now
  };
  std::map<std::uint32_t, Watched> watched_;  // by the process' slot
  std::vector<std::uint32_t> dead_;
  Time alone_since_ = kTimeNever;
  Time wakes_ = kTimeNever;
  std::uint64_t visits_ = 0;  // of the session, when it looked last
  unsigned quiet_ticks_ = 0;
};

link::OpenResult<void> Keeper::take_post(const CableChoice& choice) {
  const Inside inside(*session_);
  Header& h = session_->header();
  h.keeper_bell = session_->next_bell();
  h.keeper = ::getpid();
  h.keeper_start_time = start_time(h.keeper);
  if (const int failed = bell_.open(h.id, h.keeper_bell); failed != 0) {
    return std::unexpected(link::OpenError{-failed, std::strerror(-failed)});
  }
  if (auto plugged = session_->plug_in(choice); !plugged) return plugged;
  if (!session_->has_device()) return {};
  auto desk = DeviceDesk::open(device_file(session_->file()));
  if (!desk) return std::unexpected(desk.error());
  desk_ = std::move(*desk);
  return {};
}

bool Keeper::stand_on_lookout() {
  const Armed armed = session_->cable()->arm(alarm());
  device_ = armed.descriptor;
  return armed.is_quiet;
}

// Frames call whoever sleeps. While programs run it is not known whether they will look:
// the keeper does so now and then, and goes to sleep when they do nothing any more.
void Keeper::look_at_cable() {
  constexpr unsigned kQuiet = 10;  // ticks
  Header& h = session_->header();
  Cable& cable = *session_->cable();
  if (std::exchange(device_, -1) >= 0) cable.disarm(alarm());
  quiet_ticks_ = h.visits == visits_ ? quiet_ticks_ + 1 : 0;
  visits_ = h.visits;
  if (std::exchange(h.knocks_wanted, false)) {
    session_->tables().waiters.for_each([&](const Waiter& w) { session_->knock(w); });
  }
  const bool is_unwatched = !cable.is_armed();
  const bool stands = is_unwatched && quiet_ticks_ != 0 && stand_on_lookout();
  const Time now = session_->stack().now();
  if (quiet_ticks_ < kQuiet || (is_unwatched && !stands)) {
    wakes_ = std::min(wakes_, now + kKeeperTick);
  }
  // Who is on the lookout for a device may be stopped, and the others wait for it in vain.
  // A lan's neighbours notice that (LanLink::set_deputy).
  const bool may_be_stopped =
      session_->has_device() && !is_unwatched && session_->tables().processes.in_use() > 1;
  if (may_be_stopped) wakes_ = std::min(wakes_, now + kPatience);
}

void Keeper::watch_processes() {
  Slab<Process>& processes = session_->tables().processes;
  for (const std::uint32_t slot : dead_) {
    const std::uint64_t started = watched_[slot].start_time;
    const bool is_there = processes.is_live(slot) && processes.at(slot)->start_time == started;
    if (is_there) session_->drop_process(*processes.at(slot));
  }
  dead_.clear();
  std::erase_if(watched_, [&](const auto& entry) {
    const auto& [slot, watched] = entry;
    const bool is_same =
        processes.is_live(slot) && processes.at(slot)->start_time == watched.start_time;
    if (!is_same) system::call(SYS_close, watched.pidfd);
    return !is_same;
  });
  processes.for_each([&](Process& p) {
    const std::uint32_t slot = processes.index_of(&p);
    if (watched_.contains(slot)) return;
    const long fd = system::call(SYS_pidfd_open, p.pid, 0);
    if (fd >= 0) {
      watched_[slot] = {static_cast<int>(fd), p.start_time};
    } else {
      session_->drop_process(p);
    }
  });
}

bool Keeper::is_over() {
  if (session_->tables().processes.in_use() != 0) {
    alone_since_ = kTimeNever;
    return false;
  }
  const Time now = session_->stack().now();
  if (alone_since_ == kTimeNever) alone_since_ = now;
  // A reset may still wait for its neighbour's address.
  const Stack::Usage usage = session_->stack().usage();
  const bool is_quiet =
      session_->header().was_joined && usage.connections == 0 && usage.packets == 0;
  return is_quiet || now - alone_since_ >= kFarewell;
}

bool Keeper::look_after() {
  const Inside inside(*session_);
  watch_processes();
  session_->turn();
  if (is_over()) return false;
  wakes_ = session_->stack().next_deadline();
  if (alone_since_ != kTimeNever) wakes_ = std::min(wakes_, alone_since_ + kFarewell);
  if (session_->cable() != nullptr) look_at_cable();
  session_->header().keeper_wakes = wakes_;
  return true;
}

void Keeper::sleep() {
  std::vector<pollfd> fds{
      {bell_.fd(), POLLIN, 0}, {device_, POLLIN, 0}, {desk_ ? desk_->fd() : -1, POLLIN, 0}};
  const std::size_t others = fds.size();
  std::vector<std::uint32_t> slots(others);
  for (const auto& [slot, watched] : watched_) {
    fds.push_back({watched.pidfd, POLLIN, 0});
    slots.push_back(slot);
  }
  Remaining left(wakes_);
  if (::ppoll(fds.data(), fds.size(), left.pointer(), nullptr) <= 0) return;
  if (fds[0].revents != 0) bell_.hear();
  if (fds[2].revents != 0) desk_->serve(session_->cable()->link().descriptor());
  for (std::size_t i = others; i < fds.size(); ++i) {
    if (fds[i].revents != 0) dead_.push_back(slots[i]);
  }
}

void Keeper::run() {
  while (look_after()) sleep();
  // The name is free when the files are gone: nothing may still stand under it on the lan.
  const std::string file = session_->file();
  session_.reset();
  remove_files(file);
}

void keep(const std::string& file, const CableChoice& choice, const Preparation& prepare,
          Readiness& readiness) {
  auto session = Session::visit(file);
  if (!session) return readiness.failed({EIO, session.error()});
  const Header& header = (*session)->header();
  Keeper keeper(std::move(*session));
  auto post = keeper.take_post(choice);
  if (post && prepare) post = prepare(header.port);
  if (!post) return readiness.failed(post.error());
  readiness.is_ready();
  keeper.run();
}

}  // namespace

link::OpenResult<void> start_keeper(const std::string& memory_file, const CableChoice& choice,
                                    const Preparation& prepare) {
  return start_daemon("naru-keeper",
                      [&](Readiness& readiness) { keep(memory_file, choice, prepare, readiness); });
}

}  // namespace naru::session
