// AdvisedClient6: DHCPv6 as routers advise it (the M and O flags of RFC 4861 4.2).
//
//   neither   nothing is asked for
//   O         the name servers alone
//   M         an address, and the name servers with it
//
// Their advertisements reach it by the stack (Stack::set_autoconf). A lease is kept whatever
// they say later.
#pragma once

#include <memory>
#include <optional>

#include <naru/dhcp/client6.hpp>

namespace naru::dhcp {

class AdvisedClient6 {
 public:
  // With config.wants_address an address is asked for whether or not routers say so.
  AdvisedClient6(Stack& stack, const Client6Config& config, const Random& random,
                 Client6::OnChange on_change = {});

  // As a client is driven: after each poll of the stack, and at next_deadline().
  void poll(Time now);
  Time next_deadline() const;
  // No answer is being waited for.
  bool is_quiet() const;

  // There is an address, and who knows the name servers and the ways, which no lease tells, has
  // had his time to say so.
  bool is_ready(Time now) const;
  // That of the lease, else one of a router's prefix; none: nothing is usable yet.
  std::optional<Prefix> address() const;
  // None: no server has said anything.
  std::optional<Names6> names() const;
  // Gives the lease back, and asks for no other.
  void release(Time now);

 private:
  void follow_advice();
  bool has_link_local() const;

  Stack& stack_;
  Client6Config config_;
  bool must_have_lease_;
  Random random_;
  Client6::OnChange on_change_;
  bool is_advised_ = false;
  std::unique_ptr<Client6> client_;  // nullptr: not advised, or no link-local address yet
  Time addressed_ = kTimeNever;      // since when there is an address
  bool is_released_ = false;
};

}  // namespace naru::dhcp
