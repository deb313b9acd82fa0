#include "session/device_cable.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "session/header.hpp"
#include "session/system.hpp"

namespace naru::session {

// --- who is on the lookout -----------------------------------------------------------------

Armed DeviceCable::arm(link::LanAlarm alarm) {
  const std::uint32_t before = header_.lookout.load();
  const bool is_keeper = before != 0 && before == header_.keeper_bell;
  if (before != 0 && !is_keeper) return {.is_armed = false};
  header_.lookout.store(alarm.number);
  if (is_keeper) ringer_.ring(before);
  return {.descriptor = link_->descriptor()};
}

bool DeviceCable::is_armed() const { return header_.lookout.load() != 0; }

void DeviceCable::disarm() { header_.lookout.store(0); }

void DeviceCable::disarm(link::LanAlarm alarm) {
  std::uint32_t mine = alarm.number;
  header_.lookout.compare_exchange_strong(mine, 0);
}

// --- handing over ----------------------------------------------------------------------------

namespace {

constexpr int kType = SOCK_SEQPACKET | SOCK_CLOEXEC;
constexpr int kBacklog = 128;
// A keeper that is stopped answers later, or never.
constexpr timeval kPatience{10, 0};

std::string fault(const std::string& path, int number) {
  return path + ": " + std::strerror(number);
}

// The path may be longer than a socket's name (unix(7)): its folder is named by a descriptor.
class Address {
 public:
  explicit Address(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = path.substr(0, slash);
    folder_ = static_cast<int>(
        system::call(SYS_openat, AT_FDCWD, folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const std::string name =
        "/proc/self/fd/" + std::to_string(folder_) + "/" + path.substr(slash + 1);
    address_.sun_family = AF_UNIX;
    name.copy(address_.sun_path, sizeof address_.sun_path - 1);
  }
  ~Address() {
    if (folder_ >= 0) system::call(SYS_close, folder_);
  }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;

  const sockaddr_un* pointer() const { return &address_; }
  static constexpr std::size_t kSize = sizeof(sockaddr_un);

 private:
  int folder_ = -1;
  sockaddr_un address_{};
};

// A message of one byte, and one descriptor with it (SCM_RIGHTS).
struct Envelope {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  char byte = 0;
  iovec part{&byte, 1};
  msghdr message{nullptr, 0, &part, 1, control, sizeof control, 0};

  void put(int fd) {
    cmsghdr* item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(item), &fd, sizeof fd);
  }
  int take() {
    const cmsghdr* item = CMSG_FIRSTHDR(&message);
    int fd = -1;
    if (item != nullptr && item->cmsg_type == SCM_RIGHTS) {
      std::memcpy(&fd, CMSG_DATA(item), sizeof fd);
    }
    return fd;
  }
};

// The descriptor that comes over this socket, or -errno.
int receive_descriptor(int socket) {
  Envelope envelope;
  const long n = system::call(SYS_recvmsg, socket, &envelope.message, MSG_CMSG_CLOEXEC);
  if (n < 0) return static_cast<int>(n);
  const int fd = envelope.take();
  return fd >= 0 ? fd : -EPROTO;
}

}  // namespace

link::OpenResult<DeviceDesk> DeviceDesk::open(const std::string& path) {
  ::unlink(path.c_str());
  DeviceDesk desk(::socket(AF_UNIX, kType | SOCK_NONBLOCK, 0));
  const Address address(path);
  const auto* name = reinterpret_cast<const sockaddr*>(address.pointer());
  if (::bind(desk.fd(), name, Address::kSize) != 0 || ::listen(desk.fd(), kBacklog) != 0) {
    return std::unexpected(link::OpenError{errno, fault(path, errno)});
  }
  return desk;
}

DeviceDesk::~DeviceDesk() {
  if (fd_ >= 0) ::close(fd_);
}

void DeviceDesk::serve(int device) const {
  for (int asker = -1; (asker = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    Envelope envelope;
    envelope.put(device);
    (void)::sendmsg(asker, &envelope.message, MSG_DONTWAIT | MSG_NOSIGNAL);
    ::close(asker);
  }
}

Said<int> ask_for_device(const std::string& path) {
  const auto socket = static_cast<int>(system::call(SYS_socket, AF_UNIX, kType, 0));
  if (socket < 0) return std::unexpected(fault(path, -socket));
  system::call(SYS_setsockopt, socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  const Address address(path);
  long answer = system::call(SYS_connect, socket, address.pointer(), Address::kSize);
  if (answer == 0) answer = receive_descriptor(socket);
  system::call(SYS_close, socket);
  if (answer < 0) return std::unexpected(fault(path, static_cast<int>(-answer)));
  return static_cast<int>(answer);
}

}  // namespace naru::session
