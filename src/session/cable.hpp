// How a session is plugged into a lan.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <naru/link/lan.hpp>

namespace naru::session {

// The stack's interface number of the lan; 0 is the loopback.
inline constexpr std::uint8_t kLanInterface = 1;
inline constexpr std::string_view kLanInterfaceName = "eth0";

struct LanChoice {
  std::string lan = "lan0";
  std::optional<IpAddr> address;  // without: the next free one
};

// In the session's header: where its processes find their seat.
struct Port {
  char lan[32]{};  // empty: the session has its loopback only
  link::LanSeat seat;
  Prefix address;
};

class Session;

// While it lives frames call this thread, and no other of the session:
//
//   who goes to sleep last, stands on the lookout; nobody is woken by the change
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

 private:
  Session& session_;
  std::optional<link::LanAlarm> alarm_;
};

}  // namespace naru::session
