#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

#include <naru/link/tap.hpp>

#include "link/tap_port.hpp"

namespace naru::link {

namespace {

constexpr const char* kDevice = "/dev/net/tun";
constexpr std::uint32_t kDefaultMtu = 1500;

std::unexpected<OpenError> failure(const std::string& name, int error, const std::string& advice) {
  std::string message = "tap " + (name.empty() ? "device" : name) + ": " + std::strerror(error);
  if (!advice.empty()) message += ": " + advice;
  return std::unexpected(OpenError{error, std::move(message)});
}

// What to do about an error of open() or TUNSETIFF.
std::string advice_for(const std::string& name, int error) {
  const std::string device = name.empty() ? "naru0" : name;
  switch (error) {
    case EPERM:
    case EACCES:
      return "run as root or in a user namespace, or pre-create it with `ip tuntap add dev " +
             device + " mode tap user $USER`";
    case ENOENT:
    case ENODEV:
      return "there is no " + std::string(kDevice) + "; load the driver with `modprobe tun`";
    case EBUSY:
      return "another process uses it";
    case EINVAL:
      return "an interface of this name exists and is no tap device, or is one with other "
             "options (multi_queue)";
    default:
      return "";
  }
}

// What the kernel may leave to the stack; less where it does not know one of them.
void set_offload(int descriptor) {
  constexpr std::array<unsigned, 4> kChoices = {
      TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
      TUN_F_CSUM, 0};
  for (const unsigned choice : kChoices) {
    if (::ioctl(descriptor, TUNSETOFFLOAD, choice) == 0) return;
  }
}

std::uint32_t mtu_of(ifreq request) {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::ioctl(socket.number(), SIOCGIFMTU, &request) < 0) return kDefaultMtu;
  return static_cast<std::uint32_t>(request.ifr_mtu);
}

}  // namespace

OpenResult<std::unique_ptr<TapLink>> TapLink::open(const std::string& name,
                                                   const TapOptions& options) {
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) {
    return failure(name, ENAMETOOLONG, "at most 15 characters");
  }
  Descriptor tun(::open(kDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tun.is_open()) return failure(name, errno, advice_for(name, errno));

  const int flags =
      IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (options.multi_queue ? IFF_MULTI_QUEUE : 0);
  // The kernel's own type of the field. NOLINTNEXTLINE(google-runtime-int)
  request.ifr_flags = static_cast<short>(flags);
  std::memcpy(request.ifr_name, name.data(), name.size());
  if (::ioctl(tun.number(), TUNSETIFF, &request) < 0) {
    return failure(name, errno, advice_for(name, errno));
  }
  int header_size = VnetHeader::kSize;
  if (::ioctl(tun.number(), TUNSETVNETHDRSZ, &header_size) < 0) return failure(name, errno, "");
  set_offload(tun.number());

  auto port = std::make_unique<Port>(std::move(tun), DeviceKind::tap);
  return std::unique_ptr<TapLink>(new TapLink(
      std::move(port), {DeviceKind::tap, request.ifr_name, options.mac, mtu_of(request)}));
}

}  // namespace naru::link
