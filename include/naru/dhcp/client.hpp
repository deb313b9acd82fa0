// Client: gets an address for an interface and keeps it (RFC 2131 4.4).
//
//   INIT ── DISCOVER ──► SELECTING ── OFFER: REQUEST ──► REQUESTING ── ACK ──► PROBING ──► BOUND
//     ▲                                                                           │          │ T1
//     │            NAK, the end of the lease, or somebody else has the address    │          ▼
//     └──────────────────────────────────────────────────────────────── REBINDING ◄── RENEWING
//
// Driven as its stack is: poll() after each poll of the stack, and at next_deadline().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <naru/dhcp/lease.hpp>
#include <naru/random/random.hpp>
#include <naru/stack/stack.hpp>

namespace naru::dhcp {

enum class State : std::uint8_t {
  init,  // waits before it asks
  selecting,
  requesting,
  probing,  // does anybody have the address already? (RFC 5227)
  bound,
  renewing,   // of the server that gave the lease
  rebinding,  // of any
};

// "SELECTING", as RFC 2131 writes it.
std::string_view to_string(State state);

struct ClientConfig {
  std::uint8_t interface = 1;
  MacAddr mac = {};            // of the interface's link
  std::string host_name = {};  // told to the server; empty: not
  Duration start_delay{0};   // at random up to this, before the first question (RFC 2131: 1..10 s)
  unsigned probes = 3;       // for the address, before it is used (RFC 5227)
  bool takes_routes = true;  // false: the address alone
};

class Client {
 public:
  using OnChange = std::function<void(const std::optional<Lease>&)>;

  // `on_change` hears of each lease when it can be used, and when it is lost.
  static Result<std::unique_ptr<Client>> create(Stack& stack, ClientConfig config,
                                                const Random& random, OnChange on_change = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void poll(Time now);
  Time next_deadline() const;

  State state() const;
  // What is in use; none: nothing.
  const std::optional<Lease>& lease() const;
  // Gives the lease back, and asks for no other. The address goes a second later.
  void release(Time now);

 private:
  struct Machine;
  explicit Client(std::unique_ptr<Machine> machine);

  std::unique_ptr<Machine> machine_;
};

// Makes an interface's packets as long as its network takes them: as the lease says (option 26,
// RFC 2132 5.1), and at most as its link carries. Returns that length; none: the interface
// cannot do with so little, and stays as it is.
std::optional<std::uint32_t> take_mtu(Stack& stack, std::uint8_t interface, const Lease& lease,
                                      std::uint32_t link_mtu);

}  // namespace naru::dhcp
