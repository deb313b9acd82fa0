// A router's word to the hosts of a link (RFC 4861 6.2): now and then, and when one asks.
#pragma once

#include <array>
#include <cstdint>

#include <naru/base/result.hpp>
#include <naru/config/ipv6.hpp>

#include "ip/context.hpp"
#include "ip/interface.hpp"
#include "wire/ndp_router.hpp"

namespace naru::ip {

// An interface's part in it.
struct AdvertiserPort : Timer {
  AdvertiserPort() : Timer(TimerKind::router_advertiser) {}

  std::uint8_t interface = 0;
  bool is_advertising = false;
  std::uint8_t initial_left = 0;  // that are sent soon after each other
  Time last = Time::min();
  Duration max_interval{};
  wire::RouterAdvertisement message;
};

class RouterAdvertiser {
 public:
  void init(Context& context, InterfaceTable& interfaces);

  // Error::invalid for what does not fit in an advertisement, or makes no sense in one.
  Status start(std::uint8_t interface, const RouterAdvertising& what, Time now);
  // Hosts are told that we are no router any more (RFC 4861 6.2.5).
  void stop(std::uint8_t interface, Time now);
  bool is_advertising(std::uint8_t interface) const { return ports_[interface].is_advertising; }
  // A host has asked.
  void on_solicitation(std::uint8_t interface, Time now);
  void on_timer(AdvertiserPort& port, Time now);
  // After a death: the wheel is empty.
  void recover(Time now);

 private:
  bool send(AdvertiserPort& port, Time now);

  Context* context_ = nullptr;
  InterfaceTable* interfaces_ = nullptr;
  std::array<AdvertiserPort, kMaxInterfaces> ports_;
};

}  // namespace naru::ip
