// How a session's eth0 reaches others: a seat on a lan, or a device of the kernel's.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <naru/link/device.hpp>
#include <naru/link/lan.hpp>

namespace naru::session {

// The stack's interface number of the cable; 0 is the loopback.
inline constexpr std::uint8_t kCableInterface = 1;
inline constexpr std::string_view kCableInterfaceName = "eth0";

// The way to another network, or to all: the default gateway.
struct CableRoute {
  Prefix destination;
  IpAddr gateway;
};
inline constexpr std::size_t kMaxCableRoutes = 32;

struct LanChoice {
  std::string lan = "lan0";
  std::optional<IpAddr> address;  // without: the next free one
  bool has_v6 = true;             // the same host of the lan's IPv6 network
};

struct DeviceChoice {
  link::DeviceKind kind = link::DeviceKind::tap;
  std::string name;
  std::optional<Prefix> address;
  std::optional<Prefix> address_v6;
  bool is_autoconfigured = false;  // IPv6 by what routers say (RFC 4862)
  std::vector<CableRoute> routes;  // at most kMaxCableRoutes
  std::optional<MacAddr> mac;
};

// Nothing: the session has its loopback only.
using CableChoice = std::variant<std::monostate, LanChoice, DeviceChoice>;

// In the session's header: where its processes find their end of the cable.
struct Port {
  enum class Kind : std::uint8_t { none, lan, tap, packet_socket };

  Kind kind = Kind::none;
  char name[32]{};        // of the lan or the device
  Prefix address;         // :: where there is none
  Prefix address_v6;      // the same
  link::LanSeat seat;     // on a lan
  MacAddr mac;            // of a device, as is the rest
  std::uint32_t mtu = 0;  // at most, what the device carries
  bool is_autoconfigured = false;
  std::uint32_t route_count = 0;
  std::array<CableRoute, kMaxCableRoutes> routes{};

  // "lan0", "tap:naru0", "packet:eth0"; empty without a cable.
  std::string words() const;
};

struct Header;
class Ringer;

// Who asked to be called when frames come
struct Armed {
  bool is_armed = true;  // false: somebody else stays it
  bool is_quiet = true;  // false: some have come already
  int descriptor = -1;   // must wait for this one, too: it becomes readable; -1: for nothing
};

// The end of the cable in one process. All but disarm() is done with the session's lock.
class Cable {
 public:
  Cable() = default;
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;
  virtual ~Cable() = default;

  virtual link::Link& link() = 0;
  // nullptr: it is no lan.
  virtual link::LanLink* lan() { return nullptr; }
  virtual void move_descriptors(const std::function<int(int)>& move) = 0;

  // From now on frames call this one, and nobody else.
  virtual Armed arm(link::LanAlarm alarm) = 0;
  // Somebody is called.
  virtual bool is_armed() const = 0;
  // Nobody is any more; or not this one.
  virtual void disarm() = 0;
  virtual void disarm(link::LanAlarm alarm) = 0;
};

class Session;

// While it lives frames call this thread, and no other of the session:
//
//   a lan      who goes to sleep last, stands on the lookout; nobody is woken by the change
//   a device   who goes to sleep while nobody is there, stands on the lookout, and waits for
//              the device's descriptor beside his own bell; the others for their bells only
//
//   who is awake, looks by himself whenever he is inside
//   the keeper looks in while nobody is known to, and stands there when all is quiet
//
class Lookout {
 public:
  explicit Lookout(Session& session) : session_(session) {}
  ~Lookout();
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;

  // Outside. False: something has come already, so look again.
  bool stand(link::LanAlarm alarm);
  // What to wait for besides one's own bell; -1: nothing, somebody else does or will ring.
  int descriptor() const { return descriptor_; }

 private:
  Session& session_;
  std::optional<link::LanAlarm> alarm_;
  int descriptor_ = -1;
};

}  // namespace naru::session
