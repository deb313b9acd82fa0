#include "ip/ip.hpp"

#include "wire/ipv6.hpp"

namespace naru::ip {
namespace {

std::uint8_t longest(const Prefix& prefix) {
  return prefix.addr.is_v4() ? std::uint8_t{32} : std::uint8_t{128};
}

// That a route leads to.
bool has_network(const Address& address) {
  return address.is_network_on_link && address.prefix.length != longest(address.prefix);
}

Route connected_route(const Address& address) {
  return {.prefix = address.prefix,
          .gateway = {},
          .source = address.addr,
          .interface = address.interface};
}

// Its link-local addresses are of its interface.
Route in_zone(Route route) {
  route.prefix.addr = route.prefix.addr.with_zone(route.interface);
  route.gateway = route.gateway.with_zone(route.interface);
  route.source = route.source.with_zone(route.interface);
  return route;
}

}  // namespace

bool Ip::init(Arena& arena, const Options& options, Counters& counters, trace::Ring& trace,
              Random& random, PacketPool& pool) {
  context_.options = &options;
  context_.counters = &counters;
  context_.trace = &trace;
  context_.random = &random;
  context_.pool = &pool;
  context_.key = {random.next_u64(), random.next_u64()};
  stable_secret_ = context_.key;
  if (!interfaces_.init(arena, context_) ||
      !routes_.init(arena, context_, options.u32(Option::max_routes)) ||
      !neighbours_.init(arena, context_, interfaces_) || !destinations_.init(arena, context_) ||
      !reassembly_.init(arena, context_) || !learned_.init(arena, context_) ||
      !passages_.init(arena, context_.key, options.u32(Option::max_destinations)) ||
      !nat_.table.init(arena, context_, options.u32(Option::nat_max_sessions))) {
    return false;
  }
  prober_.init(context_, interfaces_);
  reporter_.init(context_, interfaces_);
  solicitor_.init(context_, interfaces_);
  advertiser_.init(context_, interfaces_);
  return interfaces_.add("lo", {}, wire::Ipv4::kMaxPacket).has_value() &&
         add_address(kLoopback, {IpAddr::loopback_v4(), 8}, Time()).has_value() &&
         add_address(kLoopback, {IpAddr::loopback_v6(), 128}, Time()).has_value();
}

Result<std::uint8_t> Ip::add_interface(std::string_view name, const MacAddr& mac, std::uint32_t mtu,
                                       Time) {
  change_epoch();
  return interfaces_.add(name, mac, mtu);
}

Status Ip::set_mtu(std::uint8_t interface, std::uint32_t mtu) {
  if (!interfaces_.exists(interface)) return std::unexpected(Error::not_found);
  const bool speaks_ipv6 = interfaces_.link_local(interface) != nullptr;
  const bool is_too_small = speaks_ipv6 && mtu < wire::Ipv6::kMinMtu;
  if (!InterfaceTable::is_mtu(mtu) || is_too_small) return std::unexpected(Error::invalid);
  interfaces_.at(interface).mtu = static_cast<std::uint16_t>(mtu);
  change_epoch();
  return {};
}

Status Ip::set_up(std::uint8_t interface, bool up, Time now) {
  if (!interfaces_.exists(interface)) return std::unexpected(Error::not_found);
  Interface& i = interfaces_.at(interface);
  if (i.up == up) return {};
  i.up = up;
  change_epoch();
  if (!up) {
    neighbours_.flush(interface, now);
    return {};
  }
  for (Address* a = i.addresses.front(); a != nullptr; a = i.addresses.next(a)) {
    prober_.announce_again(*a, now);
  }
  for (const bool is_v6 : {false, true}) reporter_.tell_again(interface, is_v6, now);
  if (listens_to_routers(interface)) solicitor_.start(interface, now);
  return {};
}

Status Ip::set_mac(std::uint8_t interface, const MacAddr& mac, Time now) {
  if (!interfaces_.exists(interface)) return std::unexpected(Error::not_found);
  if (mac.is_multicast()) return std::unexpected(Error::invalid);
  Interface& i = interfaces_.at(interface);
  i.mac = mac;
  change_epoch();
  for (Address* a = i.addresses.front(); a != nullptr; a = i.addresses.next(a)) {
    prober_.announce_again(*a, now);
  }
  return {};
}

Status Ip::add_address(std::uint8_t interface, const Prefix& prefix, Time now) {
  if (!interfaces_.exists(interface)) return std::unexpected(Error::not_found);
  const Prefix own{prefix.addr.with_zone(interface), prefix.length};
  if (own.length > longest(own) || own.addr.is_any() || own.addr.is_multicast() ||
      own.addr.is_limited_broadcast()) {
    return std::unexpected(Error::invalid);
  }
  if (own.addr.is_v6() && interface != kLoopback && !own.addr.is_link_local()) {
    if (const Status enabled = enable_ipv6(interface, now); !enabled) return enabled;
  }
  return make_address(interface, own, {}, now);
}

Status Ip::make_address(std::uint8_t interface, const Prefix& prefix, const AddressPlan& plan,
                        Time now) {
  const Changing changing(context_.configuration);
  if (prefix.addr.is_v6() && interfaces_.at(interface).mtu < wire::Ipv6::kMinMtu) {
    return std::unexpected(Error::invalid);
  }
  const auto address = interfaces_.add_address(interface, prefix);
  if (!address) return std::unexpected(address.error());
  plan.apply_to(**address);
  const Status connected = connect_network(**address);
  if (!connected) {
    interfaces_.remove_address(*address);
    return std::unexpected(connected.error());
  }
  change_epoch();
  prober_.start(**address, now);
  report_solicited_node(**address, now);
  arm_lifetime(**address, now);
  renew_nat();
  return {};
}

// What comes with an address: the route to its network, and its solicited-node group
// (RFC 4291 2.8).
Status Ip::connect_network(const Address& address) {
  const bool has_group = address.addr.is_v6();
  if (has_group) {
    const auto joined = interfaces_.join(address.interface, wire::solicited_node(address.addr));
    if (!joined) return std::unexpected(joined.error());
  }
  if (!has_network(address)) return {};
  const Status added = routes_.add(connected_route(address), true);
  if (!added && has_group) {
    leave_solicited_node(address.interface, address.addr);
  }
  return added;
}

// Routers, and switches that listen to what they are told, hear of the group before anybody
// is asked for the address, and by chance (RFC 4862 5.4.2).
void Ip::report_solicited_node(const Address& address, Time now) {
  if (address.addr.is_v4()) return;
  Membership* m =
      interfaces_.find_membership(address.interface, wire::solicited_node(address.addr));
  if (m == nullptr || m->users != 1) return;
  if (address.state != AddressState::tentative) return reporter_.on_change(*m, now);
  reporter_.say_later(*m, now + context_.random_between(Duration{}, address.deadline - now));
}

void Ip::leave_solicited_node(std::uint8_t interface, const IpAddr& addr) {
  Membership* left = interfaces_.leave(interface, wire::solicited_node(addr));
  if (left != nullptr) reporter_.say_later(*left, Time());
}

Status Ip::enable_ipv6(std::uint8_t interface, Time now) {
  if (!interfaces_.exists(interface) || interface == kLoopback) {
    return std::unexpected(Error::not_found);
  }
  if (interfaces_.link_local(interface) != nullptr) return {};
  return make_up_address(interface, {IpAddr::v6({0xfe, 0x80}), 64},
                         {.origin = AddressOrigin::stable}, now);
}

Status Ip::remove_address(std::uint8_t interface, const IpAddr& addr) {
  Address* address = interfaces_.find_address(addr.with_zone(interface));
  if (address == nullptr || address->interface != interface) {
    return std::unexpected(Error::address_not_available);
  }
  const Changing changing(context_.configuration);
  if (has_network(*address)) (void)routes_.remove(connected_route(*address), true);
  if (addr.is_v6()) leave_solicited_node(interface, addr);
  interfaces_.remove_address(address);
  change_epoch();
  renew_nat();
  return {};
}

Status Ip::set_deprecated(const IpAddr& addr, bool on) {
  Address* address = interfaces_.find_address(addr);
  if (address == nullptr) return std::unexpected(Error::address_not_available);
  address->is_deprecated = on;
  change_epoch();
  return {};
}

Status Ip::join(std::uint8_t interface, const IpAddr& group, Time now) {
  if (!interfaces_.exists(interface)) return std::unexpected(Error::not_found);
  if (!group.is_multicast()) return std::unexpected(Error::invalid);
  const auto joined = interfaces_.join(interface, group);
  if (!joined) return std::unexpected(joined.error());
  if (*joined != nullptr) {
    change_epoch();
    reporter_.on_change(**joined, now);
  }
  return {};
}

void Ip::leave(std::uint8_t interface, const IpAddr& group, Time now) {
  Membership* left = interfaces_.leave(interface, group);
  if (left == nullptr) return;
  change_epoch();
  reporter_.on_change(*left, now);
}

Status Ip::add_route(const Route& wanted) {
  if (!interfaces_.exists(wanted.interface)) return std::unexpected(Error::not_found);
  const Route route = in_zone(wanted);
  const bool has_gateway = !route.gateway.is_any();
  if (has_gateway && !is_on_link(route.interface, route.gateway)) {
    return std::unexpected(Error::network_unreachable);
  }
  if (!route.source.is_any() && !is_local(route.source)) {
    return std::unexpected(Error::address_not_available);
  }
  const Status added = routes_.add(route, false);
  if (added) change_epoch();
  return added;
}

Status Ip::remove_route(const Route& route) {
  const Status removed = routes_.remove(in_zone(route), false);
  if (removed) change_epoch();
  return removed;
}

Status Ip::add_permanent_neighbour(std::uint8_t interface, const IpAddr& addr, const MacAddr& mac,
                                   Time now) {
  if (!interfaces_.exists(interface) || interface == kLoopback || mac.is_multicast()) {
    return std::unexpected(Error::invalid);
  }
  Neighbour* n = neighbours_.find_or_add(interface, addr.with_zone(interface), now);
  if (n == nullptr) return std::unexpected(Error::no_memory);
  neighbours_.set_permanent(*n, mac, now);
  return {};
}

void Ip::on_timer(Time now) {
  while (TimerNode* node = context_.wheel.pop_expired(now)) {
    auto* timer = static_cast<Timer*>(node);
    switch (timer->kind) {
      case TimerKind::neighbour:
        on_neighbour_timer(*static_cast<Neighbour*>(timer), now);
        break;
      case TimerKind::address:
        on_address_timer(*static_cast<Address*>(timer), now);
        break;
      case TimerKind::reassembly:
        if (Packet* first = reassembly_.on_timer(*static_cast<Assembly*>(timer), now)) {
          send_error(IcmpError::reassembly_exceeded, *first, now);
          context_.pool->give_back(first);
        }
        break;
      case TimerKind::path_mtu:
        destinations_.on_timer(now);
        break;
      case TimerKind::group_report:
        reporter_.on_group_timer(*static_cast<Membership*>(timer), now);
        break;
      case TimerKind::report_port:
        reporter_.on_port_timer(*static_cast<ReportPort*>(timer), now);
        break;
      case TimerKind::nat_session:
        nat_.table.on_session_timer(*static_cast<NatSession*>(timer), now);
        break;
      case TimerKind::nat_mapping:
        nat_.table.on_mapping_timer(*static_cast<NatMapping*>(timer));
        break;
      case TimerKind::learned:
        forget_learned(*static_cast<Learned*>(timer));
        break;
      case TimerKind::router_solicitor:
        solicitor_.on_timer(*static_cast<SolicitorPort*>(timer), now);
        break;
      case TimerKind::router_advertiser:
        advertiser_.on_timer(*static_cast<AdvertiserPort*>(timer), now);
        break;
    }
  }
}

void Ip::on_neighbour_timer(Neighbour& n, Time now) {
  const std::uint32_t failures = neighbours_.gateway_failures();
  PacketQueue undeliverable = neighbours_.on_timer(n, now);
  while (Packet* frame = undeliverable.pop_front()) {
    if ((frame->flags & kForInside) != 0) {
      // Whom it came from knows nothing of that address.
    } else if ((frame->flags & kForwarded) != 0) {
      send_error(IcmpError::host_unreachable, *frame, now);
    } else {
      report_unreachable(*frame);
    }
    context_.drop(frame, Drop::neighbour_unreachable, now);
  }
  if (neighbours_.gateway_failures() != failures) change_epoch();
}

void Ip::recover(Time now) {
  context_.wheel.reset(now);
  context_.output = {};
  fragmenter_ = {};
  reassembly_.forget();
  neighbours_.forget();
  destinations_.forget();
  nat_.table.forget(now);
  reporter_.recover();
  acquaintances_ = {};
  error_count_ = 0;
  change_epoch();
  interfaces_.for_each_address([&](Address& a) {
    static_cast<TimerLinks&>(a) = {};
    prober_.recover(a, now);
    arm_lifetime(a, now);
  });
  learned_.recover();
  solicitor_.recover(now);
  advertiser_.recover(now);
}

bool Ip::pop_error(ErrorReport& report) {
  if (error_count_ == 0) return false;
  report = errors_[first_error_];
  first_error_ = (first_error_ + 1) % kMaxErrors;
  --error_count_;
  return true;
}

void Ip::push_error(const ErrorReport& report) {
  if (error_count_ == kMaxErrors) {
    context_.counters->drop(Drop::icmp_rate_limited);
    return;
  }
  errors_[(first_error_ + error_count_) % kMaxErrors] = report;
  ++error_count_;
}

}  // namespace naru::ip
