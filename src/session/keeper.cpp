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
// So long an address may take to come.
constexpr Duration kSettling = 30s;

class Keeper {
 public:
  explicit Keeper(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  link::OpenResult<void> take_post(const KeeperDuties& duties);
  // Until the addresses can be used.
  link::OpenResult<void> settle();
  void run();

 private:
  link::OpenResult<bool> is_settled();
  void look_after_addresses();
  Time next_of_addresses() const;
  void say_goodbye();
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
  AddressSources sources_;
  std::uint32_t epoch_ = 0;  // of the stack that it knows
  int device_ = -1;          // on the lookout for it
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

link::OpenResult<void> Keeper::take_post(const KeeperDuties& duties) {
  const Inside inside(*session_);
  Header& h = session_->header();
  h.keeper_bell = session_->next_bell();
  h.keeper = ::getpid();
  h.keeper_start_time = start_time(h.keeper);
  if (const int failed = bell_.open(h.id, h.keeper_bell); failed != 0) {
    return std::unexpected(link::OpenError{-failed, std::strerror(-failed)});
  }
  if (auto plugged = session_->plug_in(duties.cable); !plugged) return plugged;
  if (duties.address_sources) sources_ = duties.address_sources();
  epoch_ = h.epoch;
  for (const auto& source : sources_) {
    if (auto started = source->start(*session_); !started) return started;
  }
  if (!session_->has_device()) return {};
  auto desk = DeviceDesk::open(device_file(session_->file()));
  if (!desk) return std::unexpected(desk.error());
  desk_ = std::move(*desk);
  return {};
}

// --- addresses ----------------------------------------------------------------------------

// Who made the stack anew has left nothing of what the sources know.
void Keeper::look_after_addresses() {
  const std::uint32_t epoch = session_->header().epoch;
  const bool is_new = std::exchange(epoch_, epoch) != epoch;
  for (const auto& source : sources_) {
    if (is_new) (void)source->start(*session_);
    source->poll(session_->stack().now());
  }
}

Time Keeper::next_of_addresses() const {
  Time next = kTimeNever;
  for (const auto& source : sources_) next = std::min(next, source->next_deadline());
  return next;
}

link::OpenResult<bool> Keeper::is_settled() {
  for (const auto& source : sources_) {
    if (!source->has_address()) return false;
  }
  bool is_settled = true;
  for (const Prefix& address : session_->stack().interface_addresses(kCableInterface)) {
    const auto state = session_->stack().address_state(address.addr);
    if (state == AddressState::conflict) {
      return std::unexpected(
          link::OpenError{EADDRINUSE, address.addr.to_string() + ": another host has it"});
    }
    if (state == AddressState::probing) is_settled = false;
  }
  return is_settled;
}

link::OpenResult<void> Keeper::settle() {
  if (!session_->has_device()) return {};
  const Time end = monotonic_now() + kSettling;
  while (monotonic_now() < end) {
    Time next = end;
    {
      const Inside inside(*session_);
      session_->turn();
      look_after_addresses();
      const auto settled = is_settled();
      if (!settled) return std::unexpected(settled.error());
      if (*settled) return {};
      session_->turn();
      next = std::min({next, session_->stack().next_deadline(), next_of_addresses()});
    }
    const int device = session_->cable()->link().descriptor();
    pollfd fds[] = {{device, POLLIN, 0}, {desk_->fd(), POLLIN, 0}};
    Remaining left(next);
    (void)::ppoll(fds, std::size(fds), left.pointer(), nullptr);
    if (fds[1].revents != 0) desk_->serve(device);
  }
  const Inside inside(*session_);
  std::string why = "the addresses are still being probed";
  for (const auto& source : sources_) {
    if (!source->has_address()) why = source->complaint();
  }
  return std::unexpected(link::OpenError{ETIMEDOUT, why});
}

// The addresses are given back while somebody may still hear of it.
void Keeper::say_goodbye() {
  if (sources_.empty()) return;
  const Time end = monotonic_now() + kPatience;
  {
    const Inside inside(*session_);
    for (const auto& source : sources_) source->give_back(session_->stack().now());
  }
  while (monotonic_now() < end) {
    {
      const Inside inside(*session_);
      session_->turn();
      if (session_->stack().usage().packets == 0) return;
    }
    Remaining nap(monotonic_now() + kKeeperTick);
    (void)::ppoll(nullptr, 0, nap.pointer(), nullptr);
  }
}

// --- the cable ----------------------------------------------------------------------------

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
  look_after_addresses();
  session_->turn();
  wakes_ = std::min(session_->stack().next_deadline(), next_of_addresses());
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
  say_goodbye();
  // The name is free when the files are gone: nothing may still stand under it on the lan.
  const std::string file = session_->file();
  session_.reset();
  remove_files(file);
}

void keep(const std::string& file, const KeeperDuties& duties, Readiness& readiness) {
  auto session = Session::visit(file);
  if (!session) return readiness.failed({EIO, session.error()});
  const Header& header = (*session)->header();
  Keeper keeper(std::move(*session));
  auto post = keeper.take_post(duties);
  if (post) readiness.is_standing();
  if (post) post = keeper.settle();
  if (post && duties.prepare) post = duties.prepare(header.port);
  if (!post) return readiness.failed(post.error());
  readiness.is_ready();
  keeper.run();
}

}  // namespace

link::OpenResult<void> start_keeper(const std::string& memory_file, const KeeperDuties& duties) {
  return start_daemon(
      "naru-keeper", [&](Readiness& readiness) { keep(memory_file, duties, readiness); },
      Voice::none, duties.on_standing);
}

}  // namespace naru::session
