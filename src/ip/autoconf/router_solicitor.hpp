// Asks for routers (RFC 4861 6.3.7), again and again until one has answered (RFC 7559).
#pragma once

#include <array>
#include <cstdint>

#include "ip/context.hpp"
#include "ip/interface.hpp"

namespace naru::ip {

// An interface's part in it.
struct SolicitorPort : Timer {
  SolicitorPort() : Timer(TimerKind::router_solicitor) {}

  std::uint8_t interface = 0;
  bool is_asking = false;
  Duration wait{};  // after the last question; 0: none yet
};

class RouterSolicitor {
 public:
  void init(Context& context, InterfaceTable& interfaces);

  // The interface is there, or there again.
  void start(std::uint8_t interface, Time now);
  // A default router has answered, or nobody is listened to any more.
  void stop(std::uint8_t interface);
  void on_timer(SolicitorPort& port, Time now);
  // After a death: the wheel is empty.
  void recover(Time now);

 private:
  void ask(std::uint8_t interface, Time now);
  Duration next_wait(Duration last);

  Context* context_ = nullptr;
  InterfaceTable* interfaces_ = nullptr;
  std::array<SolicitorPort, kMaxInterfaces> ports_;
};

}  // namespace naru::ip
