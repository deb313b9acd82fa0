// The states of a client and what leads from one to the other (RFC 2131, figure 5).
#pragma once

#include <naru/dhcp/client.hpp>

#include "dhcp/port.hpp"
#include "wire/dhcp.hpp"

namespace naru::dhcp {

struct Client::Machine {
  Machine(Stack& given, ClientConfig given_config, const Random& given_random,
          OnChange given_change)
      : stack(given),
        config(std::move(given_config)),
        random(given_random),
        on_change(std::move(given_change)),
        port(stack, config.interface, {IpAddr::any_v4(), wire::kDhcpClientPort}) {}

  Status open();
  void poll(Time now);
  void release(Time now);
  Time next_deadline() const;

  // --- what comes
  void receive(Time now);
  void on_message(const wire::DhcpView& message, Time now);
  void on_offer(const wire::DhcpView& message, Time now);
  void on_ack(const wire::DhcpView& message, Time now);
  void on_nak(const wire::DhcpView& message, Time now);
  // Is it a server's reply to what we have asked?
  bool is_ours(const wire::DhcpView& message) const;
  bool is_from_chosen(const wire::DhcpView& message) const;

  // --- time
  void on_timer(Time now);
  void look_at_probe(Time now);
  // Half of what is left, a minute at least (RFC 2131 4.4.5).
  Time retry_at(Time now, Time end) const;
  Duration backoff();

  // --- what is sent
  void discover(Time now);
  void request(Time now);
  void renew(Time now);
  void decline();
  wire::Dhcp fixed(Time now) const;
  void send(wire::DhcpWriter& writer, const IpAddr& to);
  void add_identity(wire::DhcpWriter& writer) const;
  void add_wishes(wire::DhcpWriter& writer) const;

  // --- the lease
  void restart(Time at);
  void use(Time now);
  void lose();
  void lose_offer();
  void add_routes();
  void remove_routes();

  Stack& stack;
  ClientConfig config;
  Random random;
  OnChange on_change;
  Port port;
  State state = State::init;
  bool is_released = false;
  std::uint32_t xid = 0;
  Time began{};                // the first question of this round
  Time sent{};                 // the request that the lease counts from
  Time renewal_sent{};         // the newest, which nobody has granted yet
  Time timer = kTimeNever;     // of the state
  unsigned tries = 0;          // of the message that was sent last
  std::optional<Lease> offer;  // or the lease that is being probed
  std::optional<Lease> lease;
  std::vector<Route> routes;  // those of the lease that the stack has taken
};

}  // namespace naru::dhcp
