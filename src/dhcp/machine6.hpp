// The states of a client of DHCPv6 and what leads from one to the other (RFC 9915 18.2).
#pragma once

#include <naru/dhcp/client6.hpp>

#include "dhcp/identity6.hpp"
#include "dhcp/pace.hpp"
#include "dhcp/port.hpp"
#include "dhcp/retransmission.hpp"
#include "wire/dhcp6.hpp"

namespace naru::dhcp {

struct Client6::Machine {
  Machine(Stack& given, const Client6Config& given_config, const Random& given_random,
          OnChange given_change)
      : stack(given),
        config(given_config),
        duid(duid_of(given_config.mac)),
        random(given_random),
        on_change(std::move(given_change)),
        port(stack, config.interface, {IpAddr::any_v6(), wire::kDhcp6ClientPort}) {}

  Status open();
  void poll(Time now);
  void release(Time now);
  Time next_deadline() const;

  // --- what comes
  void receive(Time now);
  void on_message(const wire::Dhcp6View& message, Time now);
  void on_advertise(const wire::Dhcp6View& message, Time now);
  void on_reply(const wire::Dhcp6View& message, Time now);
  void on_first_reply(const wire::Dhcp6View& message, Time now);
  void on_renewed(const wire::Dhcp6View& message, Time now);
  void on_information(const wire::Dhcp6View& message, Time now);
  // Is it a server's to us, about what we have asked?
  bool is_ours(const wire::Dhcp6View& message) const;
  bool is_expected(const wire::Dhcp6View& message) const;
  // Our IA; none: it is not there, or makes no sense.
  std::optional<wire::Dhcp6Ia> ia_of(const wire::Dhcp6View& message) const;
  void take_bounds(const wire::Dhcp6Options& options);

  // --- time
  void on_timer(Time now);
  void look_at_probe(Time now);

  // --- what is sent
  void begin(State6 next, const Patience& patience, Time now);
  void repeat(Time now);
  void send(Time now);
  void add_ia(wire::Dhcp6Writer& writer) const;
  void add_wishes(wire::Dhcp6Writer& writer) const;

  // --- the lease
  void restart(Time now);
  void request_best(Time now);
  void probe(Lease6 granted, Time now);
  void use(Time now);
  void age(Time now);
  void lose();
  void tell() const {
    if (on_change) on_change();
  }

  struct Offer {
    std::uint8_t preference = 0;
    Lease6 lease;
  };
  static constexpr std::size_t kMaxOffers = 8;

  Stack& stack;
  Client6Config config;
  Duid duid;
  Random random;
  OnChange on_change;
  Port port;
  State6 state = State6::waiting;
  std::uint32_t xid = 0;
  Time timer = kTimeNever;  // of the state, where nothing is being asked
  Retransmission retransmission;
  Pace pace;
  Duration sol_max_rt{1h};
  Duration inf_max_rt{1h};
  std::vector<Offer> offers;     // the best last
  std::optional<Lease6> wanted;  // is being asked for, probed, declined or given back
  std::optional<Lease6> lease;
  Time granted{};  // when the reply came that the lease counts from
  bool is_deprecated = false;
  std::optional<Names6> names;
};

}  // namespace naru::dhcp
