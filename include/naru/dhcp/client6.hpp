// Client6: an IPv6 address for an interface, and name servers (RFC 9915 18.2).
//
//   WAITING ──► SOLICITING ── ADVERTISE ──► REQUESTING ── REPLY ──► PROBING ──► BOUND
//      │             ▲                          ▲                      │          │ T1
//      │             │                          │ no binding           ▼          ▼
//      │             └──── end of the lease ────┴── REBINDING ◄── DECLINING    RENEWING
//      └──► INFORMING ── REPLY ──► INFORMED ── refresh time ──► INFORMING
//
// Routers say which of the two ways a network has: with an address (the M flag of their
// advertisements) or without (the O flag). Driven as its stack is: poll() after each poll of
// the stack, and at next_deadline(). The interface has a link-local address.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <naru/dhcp/lease6.hpp>
#include <naru/random/random.hpp>
#include <naru/stack/stack.hpp>

namespace naru::dhcp {

enum class State6 : std::uint8_t {
  waiting,  // a moment, before the first message
  soliciting,
  requesting,
  probing,  // does anybody have the address already? (RFC 4862 5.4)
  bound,
  renewing,   // of the server that gave the lease
  rebinding,  // of any
  declining,  // somebody has the address
  releasing,
  informing,
  informed,
  stopped,  // released
};

// "SOLICITING"
std::string_view to_string(State6 state);

struct Client6Config {
  std::uint8_t interface = 1;
  MacAddr mac = {};           // of the interface's link
  bool wants_address = true;  // false: to know the name servers is all
  bool rapid_commit = false;  // two messages in place of four, where a server has that
  // An address says nothing of who is on the link (RFC 5942); with fewer bits than 128 it
  // does, for laboratories without a router.
  std::uint8_t prefix_length = 128;
};

class Client6 {
 public:
  using OnChange = std::function<void()>;

  // `on_change` hears when the lease or the name servers are others.
  static Result<std::unique_ptr<Client6>> create(Stack& stack, const Client6Config& config,
                                                 const Random& random, OnChange on_change = {});
  ~Client6();
  Client6(const Client6&) = delete;
  Client6& operator=(const Client6&) = delete;

  void poll(Time now);
  Time next_deadline() const;

  State6 state() const;
  // What is in use; none: nothing.
  const std::optional<Lease6>& lease() const;
  // None: no server has said anything yet.
  const std::optional<Names6>& names() const;
  // Gives the lease back, and asks for no other.
  void release(Time now);

 private:
  struct Machine;
  explicit Client6(std::unique_ptr<Machine> machine);

  std::unique_ptr<Machine> machine_;
};

}  // namespace naru::dhcp
