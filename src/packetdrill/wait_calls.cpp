// Waiting for any of several descriptors: poll and epoll.

#include <algorithm>
#include <utility>

#include "packetdrill/machine.hpp"

namespace naru::packetdrill {
namespace {

constexpr short kAlways = POLLERR | POLLHUP;

Duration to_timeout(int milliseconds) {
  return milliseconds < 0 ? Duration(-1) : Duration(std::chrono::milliseconds(milliseconds));
}

short pipe_readiness(const Descriptor& d) {
  const Pipe& pipe = *d.pipe;
  if (d.writes) {
    const bool room = pipe.bytes.size() < Pipe::kCapacity;
    return static_cast<short>((room ? POLLOUT : 0) | (pipe.has_reader ? 0 : POLLERR));
  }
  return static_cast<short>((pipe.bytes.empty() ? 0 : POLLIN) | (pipe.has_writer ? 0 : POLLHUP));
}

}  // namespace

short Machine::readiness(const Descriptor& d) {
  if (d.kind == Descriptor::Kind::pipe_end) return pipe_readiness(d);
  if (d.kind != Descriptor::Kind::socket) return 0;
  static constexpr std::pair<std::uint8_t, int> kBits[] = {
      {ready::kIn, POLLIN | POLLRDNORM},
      {ready::kOut, POLLOUT | POLLWRNORM},
      {ready::kPri, POLLPRI},
      {ready::kErr, POLLERR},
      {ready::kHup, POLLHUP},
      {ready::kRdHup, POLLRDHUP},
  };
  const std::uint8_t bits = world_->stack().readiness(d.socket);
  int out = 0;
  for (const auto& [bit, mask] : kBits) {
    if ((bits & bit) != 0) out |= mask;
  }
  return static_cast<short>(out);
}

int Machine::poll(std::span<pollfd> fds, int timeout_ms) {
  Lock lock = world_->enter();
  int ready = 0;
  const auto attempt = [&] {
    ready = 0;
    for (pollfd& p : fds) {
      p.revents = 0;
      if (p.fd < 0) continue;
      const Descriptor* d = fds_.find(p.fd);
      p.revents =
          d == nullptr ? POLLNVAL : static_cast<short>(readiness(*d) & (p.events | kAlways));
      if (p.revents != 0) ++ready;
    }
    return ready != 0;
  };
  if (timeout_ms == 0) {
    attempt();
  } else {
    world_->wait(lock, attempt, to_timeout(timeout_ms));
  }
  return ready;
}

int Machine::epoll_create() {
  const Lock lock = world_->enter();
  Descriptor descriptor;
  descriptor.kind = Descriptor::Kind::epoll;
  return fds_.add(std::move(descriptor));
}

int Machine::epoll_ctl(int epoll, int operation, int fd, const epoll_event* event) {
  const Lock lock = world_->enter();
  Descriptor* e = fds_.find(epoll);
  if (e == nullptr || fds_.find(fd) == nullptr) return -1;
  if (e->kind != Descriptor::Kind::epoll || epoll == fd) return fail(EINVAL);
  const bool known = e->watches.contains(fd);
  switch (operation) {
    case EPOLL_CTL_ADD:
      if (known) return fail(EEXIST);
      break;
    case EPOLL_CTL_MOD:
    case EPOLL_CTL_DEL:
      if (!known) return fail(ENOENT);
      break;
    default:
      return fail(EINVAL);
  }
  if (operation == EPOLL_CTL_DEL) {
    e->watches.erase(fd);
    return 0;
  }
  if (event == nullptr) return fail(EFAULT);
  e->watches[fd] = Watch{*event};
  return 0;
}

// What of the watched descriptors is ready, at most as many as there is room for.
int Machine::collect(Descriptor& epoll, std::span<epoll_event> events) {
  std::size_t n = 0;
  for (auto& [fd, watch] : epoll.watches) {
    if (n == events.size()) break;
    const Descriptor* d = fds_.find(fd);
    if (d == nullptr || watch.disarmed) continue;  // closed ones leave by themselves
    const bool edge = (watch.wanted.events & EPOLLET) != 0;
    if (edge && watch.reported == d->activity) continue;
    const auto wanted = watch.wanted.events | static_cast<std::uint32_t>(kAlways);
    const auto ready = static_cast<std::uint16_t>(readiness(*d)) & wanted;
    if (ready == 0) continue;
    watch.reported = d->activity;
    watch.disarmed = (watch.wanted.events & EPOLLONESHOT) != 0;
    events[n++] = {ready, watch.wanted.data};
  }
  return static_cast<int>(n);
}

int Machine::epoll_wait(int epoll, std::span<epoll_event> events, int timeout_ms) {
  Lock lock = world_->enter();
  Descriptor* e = fds_.find(epoll);
  if (e == nullptr) return -1;
  if (e->kind != Descriptor::Kind::epoll || events.empty()) return fail(EINVAL);
  std::erase_if(e->watches, [&](const auto& w) { return fds_.find(w.first) == nullptr; });
  int ready = 0;
  const auto attempt = [&] { return (ready = collect(*e, events)) != 0; };
  if (timeout_ms == 0) {
    attempt();
  } else {
    world_->wait(lock, attempt, to_timeout(timeout_ms));
  }
  return ready;
}

}  // namespace naru::packetdrill
