#include "packetdrill/interface.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "packetdrill/machine.hpp"

namespace naru::packetdrill {
namespace {

// The tool calls exit() from either thread, so the machine is left to the kernel.
Machine& machine(void* userdata) { return *static_cast<Machine*>(userdata); }

iovec part(const void* buffer, std::size_t size) { return {const_cast<void*>(buffer), size}; }
Machine::Parts parts(const iovec* first, int count) {
  return {first, static_cast<std::size_t>(count < 0 ? 0 : count)};
}

// --- data ---

ssize_t recv_call(void* u, int fd, void* buffer, size_t size, int flags) {
  const iovec one = part(buffer, size);
  return machine(u).receive(fd, {&one, 1}, flags, nullptr, nullptr);
}

ssize_t recvmsg_call(void* u, int fd, msghdr* m, int flags) {
  if (m == nullptr) return fail(EFAULT);
  const ssize_t n = machine(u).receive(fd, {m->msg_iov, m->msg_iovlen}, flags,
                                       static_cast<sockaddr*>(m->msg_name), &m->msg_namelen);
  m->msg_flags = 0;
  m->msg_controllen = 0;
  return n;
}

ssize_t send_call(void* u, int fd, const void* buffer, size_t size, int flags) {
  const iovec one = part(buffer, size);
  return machine(u).send(fd, {&one, 1}, flags, nullptr, 0);
}

ssize_t sendmsg_call(void* u, int fd, const msghdr* m, int flags) {
  if (m == nullptr) return fail(EFAULT);
  return machine(u).send(fd, {m->msg_iov, m->msg_iovlen}, flags,
                         static_cast<const sockaddr*>(m->msg_name), m->msg_namelen);
}

void fill_in_data_calls(packetdrill_interface& t) {
  t.read = [](void* u, int fd, void* buffer, size_t size) {
    return recv_call(u, fd, buffer, size, 0);
  };
  t.readv = [](void* u, int fd, const iovec* iov, int count) {
    return machine(u).receive(fd, parts(iov, count), 0, nullptr, nullptr);
  };
  t.recv = recv_call;
  t.recvfrom = [](void* u, int fd, void* buffer, size_t size, int flags, sockaddr* address,
                  socklen_t* length) {
    const iovec one = part(buffer, size);
    return machine(u).receive(fd, {&one, 1}, flags, address, length);
  };
  t.recvmsg = recvmsg_call;
  t.write = [](void* u, int fd, const void* buffer, size_t size) {
    return send_call(u, fd, buffer, size, 0);
  };
  t.writev = [](void* u, int fd, const iovec* iov, int count) {
    return machine(u).send(fd, parts(iov, count), 0, nullptr, 0);
  };
  t.send = send_call;
  t.sendto = [](void* u, int fd, const void* buffer, size_t size, int flags,
                const sockaddr* address, socklen_t length) {
    const iovec one = part(buffer, size);
    return machine(u).send(fd, {&one, 1}, flags, address, length);
  };
  t.sendmsg = sendmsg_call;
  t.pipe = [](void* u, int fds[2]) { return machine(u).pipe(fds); };
  t.splice = [](void* u, int in, loff_t*, int out, loff_t*, size_t size, unsigned flags) {
    return static_cast<int>(machine(u).splice(in, out, size, flags));
  };
}

// --- sockets ---

int fcntl_call(void* u, int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const int argument = va_arg(arguments, int);
  va_end(arguments);
  return machine(u).fcntl(fd, command, argument);
}

int ioctl_call(void* u, int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  int* argument = va_arg(arguments, int*);
  va_end(arguments);
  return machine(u).ioctl(fd, request, argument);
}

void fill_in_socket_calls(packetdrill_interface& t) {
  t.socket = [](void* u, int domain, int type, int protocol) {
    return machine(u).socket(domain, type, protocol);
  };
  t.bind = [](void* u, int fd, const sockaddr* address, socklen_t length) {
    return machine(u).bind(fd, address, length);
  };
  t.listen = [](void* u, int fd, int backlog) { return machine(u).listen(fd, backlog); };
  t.accept = [](void* u, int fd, sockaddr* address, socklen_t* length) {
    return machine(u).accept(fd, address, length);
  };
  t.connect = [](void* u, int fd, const sockaddr* address, socklen_t length) {
    return machine(u).connect(fd, address, length);
  };
  t.shutdown = [](void* u, int fd, int how) { return machine(u).shutdown(fd, how); };
  t.close = [](void* u, int fd) { return machine(u).close(fd); };
  t.fcntl = fcntl_call;
  t.ioctl = ioctl_call;
  t.getsockopt = [](void* u, int fd, int level, int name, void* value, socklen_t* length) {
    return machine(u).getsockopt(fd, level, name, value, length);
  };
  t.setsockopt = [](void* u, int fd, int level, int name, const void* value, socklen_t length) {
    return machine(u).setsockopt(fd, level, name, value, length);
  };
}

void fill_in_wait_calls(packetdrill_interface& t) {
  t.poll = [](void* u, pollfd* fds, nfds_t count, int timeout_ms) {
    return machine(u).poll({fds, count}, timeout_ms);
  };
  t.epoll_create = [](void* u, int) { return machine(u).epoll_create(); };
  t.epoll_ctl = [](void* u, int epoll, int operation, int fd, epoll_event* event) {
    return machine(u).epoll_ctl(epoll, operation, fd, event);
  };
  t.epoll_wait = [](void* u, int epoll, epoll_event* events, int most, int timeout_ms) {
    const std::size_t room = most < 0 || events == nullptr ? 0 : static_cast<std::size_t>(most);
    return machine(u).epoll_wait(epoll, {events, room}, timeout_ms);
  };
}

// --- the wire and the clock ---

constexpr std::size_t kMaxPacket = 65'536;  // the room that the tool gives
// usleep() is asked for this much less than the tool wants to wait.
constexpr Duration kSleepMargin = 20us;

int netdev_send_call(void* u, const void* packet, size_t size) {
  World& world = machine(u).world();
  World::Lock lock = world.enter();
  world.inject(lock, {static_cast<const std::uint8_t*>(packet), size});
  return 0;
}

int netdev_receive_call(void* u, void* packet, size_t* size, long long* time_usecs) {
  World& world = machine(u).world();
  World::Lock lock = world.enter();
  const auto sent = world.next_sent(lock);
  *size = sent ? std::min(sent->packet.size(), kMaxPacket) : 0;
  if (!sent) return 0;
  std::memcpy(packet, sent->packet.data(), *size);
  const timeval at = World::to_timeval(sent->at);
  *time_usecs = static_cast<long long>(at.tv_sec) * 1'000'000 + at.tv_usec;
  return 0;
}

void fill_in_world_calls(packetdrill_interface& t) {
  t.netdev_send = netdev_send_call;
  t.netdev_receive = netdev_receive_call;
  t.usleep = [](void* u, useconds_t microseconds) {
    World& world = machine(u).world();
    World::Lock lock = world.enter();
    world.sleep(lock, std::chrono::microseconds(microseconds) + kSleepMargin);
    return 0;
  };
  t.gettimeofday = [](void* u, timeval* time, struct timezone*) {
    World& world = machine(u).world();
    World::Lock lock = world.enter();
    *time = world.time_of_day(lock);
    return 0;
  };
}

[[noreturn]] void give_up(std::string_view why) {
  std::fprintf(stderr, "libnaru-packetdrill: %.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(2);
}

}  // namespace
}  // namespace naru::packetdrill

using namespace naru::packetdrill;

extern "C" void packetdrill_interface_init(const char* flags, packetdrill_interface* table) {
  const auto settings = Settings::parse(flags == nullptr ? "" : flags);
  if (!settings) give_up(settings.error());
  auto world = World::create(*settings);
  if (!world) give_up(naru::to_string(world.error()));
  *table = {};
  the_machine = new Machine(std::move(*world));
  table->userdata = the_machine;
  table->free = [](void*) {};
  fill_in_socket_calls(*table);
  fill_in_data_calls(*table);
  fill_in_wait_calls(*table);
  fill_in_world_calls(*table);
}
