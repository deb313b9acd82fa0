#include "posix/name_network.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>

#include <naru/socket/clock.hpp>
#include <naru/socket/errno.hpp>

#include "socket/linux_address.hpp"

namespace naru::posix {
namespace {

Result<std::size_t> result(long answer) {
  if (answer < 0) return std::unexpected(from_errno(static_cast<int>(-answer)));
  return static_cast<std::size_t>(answer);
}
Status status(long answer) {
  if (answer < 0) return std::unexpected(from_errno(static_cast<int>(-answer)));
  return {};
}

struct Address {
  explicit Address(const Endpoint& endpoint) {
    const int family = endpoint.addr.is_v4() ? AF_INET : AF_INET6;
    from_endpoint(endpoint, family, pointer(), &length);
  }
  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
};

}  // namespace

Time NameNetwork::now() const { return monotonic_now(); }

Result<int> NameNetwork::open(Kind kind, bool is_v6) {
  const bool is_stream = kind == Kind::stream;
  const int type = (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const long fd = library_.sockets.socket(is_v6 ? AF_INET6 : AF_INET, type, 0);
  if (fd < 0) return std::unexpected(from_errno(static_cast<int>(-fd)));
  const auto number = static_cast<int>(fd);
  const int always = IP_PMTUDISC_DO;
  if (!is_stream) {
    library_.sockets.set_option(number, IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always);
  }
  // A stream can be written to when it is connected, and from then on nearly always.
  open_.push_back({number, static_cast<short>(is_stream ? POLLIN | POLLOUT : POLLIN), 0});
  return number;
}

void NameNetwork::close(int socket) {
  std::erase_if(open_, [socket](const pollfd& p) { return p.fd == socket; });
  library_.fds.close(socket);
}

Status NameNetwork::bind(int socket, const Endpoint& local) {
  Address address(local);
  return status(library_.sockets.bind(socket, address.pointer(), address.length));
}

Status NameNetwork::connect(int socket, const Endpoint& remote) {
  Address address(remote);
  return status(library_.sockets.connect(socket, address.pointer(), address.length));
}

Result<std::size_t> NameNetwork::send(int socket, Bytes data) {
  const iovec part{const_cast<std::uint8_t*>(data.data()), data.size()};
  const long sent = library_.sockets.send(socket, {&part, 1}, MSG_DONTWAIT | MSG_NOSIGNAL);
  const auto at = std::ranges::find(open_, socket, &pollfd::fd);
  const bool is_all = sent == static_cast<long>(data.size());
  if (at != open_.end()) at->events = static_cast<short>(is_all ? POLLIN : POLLIN | POLLOUT);
  return result(sent);
}

Result<std::size_t> NameNetwork::recv(int socket, MutableBytes out) {
  const iovec part{out.data(), out.size()};
  return result(library_.sockets.receive(socket, {&part, 1}, MSG_DONTWAIT));
}

Result<Endpoint> NameNetwork::local(int socket) const {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  const Status asked = status(library_.sockets.local_name(socket, address, &length));
  if (!asked) return std::unexpected(asked.error());
  return to_endpoint(address, length);
}

std::uint8_t NameNetwork::readiness(int socket) const {
  pollfd asked{socket, POLLIN | POLLOUT, 0};
  if (library_.polling.poll({&asked, 1}, Time{}, nullptr) <= 0) return 0;
  unsigned bits = 0;
  if ((asked.revents & POLLIN) != 0) bits |= ready::kIn;
  if ((asked.revents & POLLOUT) != 0) bits |= ready::kOut;
  if ((asked.revents & POLLERR) != 0) bits |= ready::kErr;
  if ((asked.revents & POLLHUP) != 0) bits |= ready::kHup;
  return static_cast<std::uint8_t>(bits);
}

void NameNetwork::wait(Time deadline) {
  std::vector<pollfd> waiting = open_;
  library_.polling.poll(waiting, deadline, nullptr);
}

}  // namespace naru::posix
