#include "ip/autoconf/router_solicitor.hpp"

#include "ip/neighbour/ndp.hpp"

namespace naru::ip {
namespace {

constexpr Duration kMaxDelay = 1s;  // RFC 4861 10: MAX_RTR_SOLICITATION_DELAY
// RFC 7559 2.
constexpr Duration kFirstWait = 4s;       // IRT
constexpr Duration kLongestWait = 3600s;  // MRT

}  // namespace

void RouterSolicitor::init(Context& context, InterfaceTable& interfaces) {
  context_ = &context;
  interfaces_ = &interfaces;
  for (std::uint8_t i = 0; i < kMaxInterfaces; ++i) ports_[i].interface = i;
}

// By chance, so that hosts that start together do not ask together.
void RouterSolicitor::start(std::uint8_t interface, Time now) {
  SolicitorPort& port = ports_[interface];
  port.is_asking = true;
  port.wait = Duration{};
  context_->wheel.arm(port, now + context_->random_between(Duration{}, kMaxDelay));
}

void RouterSolicitor::stop(std::uint8_t interface) {
  SolicitorPort& port = ports_[interface];
  port.is_asking = false;
  context_->wheel.cancel(port);
}

void RouterSolicitor::on_timer(SolicitorPort& port, Time now) {
  if (!port.is_asking) return;
  ask(port.interface, now);
  port.wait = next_wait(port.wait);
  context_->wheel.arm(port, now + port.wait);
}

// RFC 8415 15, with a tenth more or less by chance.
Duration RouterSolicitor::next_wait(Duration last) {
  Duration wait = last == Duration{} ? kFirstWait : 2 * last;
  if (wait > kLongestWait) wait = kLongestWait;
  return context_->random_between(wait - wait / 10, wait + wait / 10);
}

// From the link-local address where it may be used already, else from nobody.
void RouterSolicitor::ask(std::uint8_t interface, Time now) {
  if (!interfaces_->at(interface).up) return;
  const Address* own = interfaces_->link_local(interface);
  const bool is_usable = own != nullptr && own->state == AddressState::valid;
  send_router_solicitation(*context_, interfaces_->at(interface), interface,
                           is_usable ? own->addr : IpAddr::any_v6(), now);
}

void RouterSolicitor::recover(Time now) {
  for (SolicitorPort& port : ports_) {
    static_cast<TimerLinks&>(port) = {};
    if (port.is_asking) start(port.interface, now);
  }
}

}  // namespace naru::ip
