#include "ip/igmp.hpp"

#include <algorithm>

#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"

namespace naru::ip {
namespace {

using wire::Ethernet;
using wire::Igmp;
using wire::IgmpRecord;
using wire::IgmpType;

constexpr IpAddr kAllRouters = IpAddr::v4(224, 0, 0, 2);
constexpr IpAddr kReports = IpAddr::v4(224, 0, 0, 22);  // of version 3

// RFC 3376 8.1, 8.11, 8.12: robustness 2, unsolicited report interval, and how long an older
// querier is remembered: 2 * 125 s + 10 s.
constexpr std::uint8_t kRobustness = 2;
constexpr Duration kUnsolicited = 1s;
constexpr Duration kOlderQuerier = 260s;

constexpr std::array<std::uint8_t, 4> kRouterAlert{wire::Ipv4Option::kRouterAlert, 4, 0, 0};
constexpr std::uint32_t kIpHeader = wire::Ipv4::kHeaderSize + kRouterAlert.size();
constexpr std::uint8_t kInternetworkControl = 0xc0;  // RFC 3376 4

}  // namespace

void IgmpHost::init(Context& context, InterfaceTable& interfaces) {
  context_ = &context;
  interfaces_ = &interfaces;
  for (std::uint8_t i = 0; i < kMaxInterfaces; ++i) ports_[i].interface = i;
}

unsigned IgmpHost::version(std::uint8_t interface, Time now) const {
  const IgmpPort& port = ports_[interface];
  if (now < port.v1_until) return 1;
  return now < port.v2_until ? 2 : 3;
}

// Not earlier than now, and not later than it is due already.
void IgmpHost::arm_within(Timer& timer, Duration longest, Time now) {
  context_->wheel.arm_no_later(timer, now + context_->random_between(Duration{}, longest));
}

// --- changes of our own --------------------------------------------------------------

void IgmpHost::on_change(Membership& m, Time now) {
  if (!InterfaceTable::is_reported(m)) {
    if (m.users == 0) interfaces_->remove_membership(m);
    return;
  }
  m.changes_left = kRobustness;
  say_change(m, now);
}

// Says it, and once more a little later.
void IgmpHost::say_change(Membership& m, Time now) {
  const bool joins = m.users != 0;
  report(m, joins ? IgmpRecord::to_exclude : IgmpRecord::to_include, now);
  // Who leaves says it once to routers of an older version (RFC 2236 3).
  if (!joins && version(m.interface, now) != 3) m.changes_left = 1;
  if (--m.changes_left != 0) return arm_within(m, kUnsolicited, now);
  if (joins) return;
  context_->wheel.cancel(m);
  interfaces_->remove_membership(m);
}

void IgmpHost::on_group_timer(Membership& m, Time now) {
  if (m.changes_left != 0) return say_change(m, now);
  report(m, IgmpRecord::is_exclude, now);
}

void IgmpHost::on_port_timer(IgmpPort& port, Time now) { report_all(port.interface, now); }

void IgmpHost::recover() {
  for (IgmpPort& port : ports_) static_cast<TimerLinks&>(port) = {};
  interfaces_->for_each_membership([&](Membership& m) {
    static_cast<TimerLinks&>(m) = {};
    m.changes_left = 0;
    if (m.users == 0) interfaces_->remove_membership(m);
  });
}

// --- what comes ------------------------------------------------------------------------

Drop IgmpHost::input(const Packet& packet, Time now) {
  const auto view = wire::IgmpView::parse(packet.bytes());
  if (!view) return Drop::igmp_malformed;
  if (!view->checksum_ok()) return Drop::igmp_bad_checksum;
  switch (view->type()) {
    case IgmpType::query:
      return on_query(packet, *view, now);
    case IgmpType::report_v1:
    case IgmpType::report_v2:
      on_report(packet.interface, view->group(), now);
      return Drop::none;
    default:
      return Drop::igmp_ignored;  // of routers
  }
}

// RFC 3376 5.2, 9.1. Queries never come from further than the link.
Drop IgmpHost::on_query(const Packet& packet, const wire::IgmpView& query, Time now) {
  const unsigned version_of_querier = query.version();
  const IpAddr group = query.group();
  const bool is_general = group.is_any();
  if (version_of_querier == 0 || (!is_general && !group.is_multicast())) {
    return Drop::igmp_malformed;
  }
  if (packet.ttl != 1 || (is_general && packet.destination != InterfaceTable::kAllHosts)) {
    return Drop::igmp_ignored;
  }
  IgmpPort& port = ports_[packet.interface];
  if (version_of_querier == 1) port.v1_until = now + kOlderQuerier;
  if (version_of_querier == 2) port.v2_until = now + kOlderQuerier;
  const Duration longest = query.max_response();
  if (is_general && version(packet.interface, now) == 3) {
    arm_within(port, longest, now);
    return Drop::none;
  }
  interfaces_->for_each_membership([&](Membership& m) {
    const bool is_asked = m.interface == packet.interface && m.users != 0 &&
                          InterfaceTable::is_reported(m) && (is_general || m.group == group);
    if (is_asked) arm_within(m, longest, now);
  });
  return Drop::none;
}

// To an older querier one report of a group is enough, whoever sends it (RFC 2236 3).
void IgmpHost::on_report(std::uint8_t interface, const IpAddr& group, Time now) {
  Membership* m = interfaces_->find_membership(interface, group);
  if (m == nullptr || version(interface, now) == 3 || m->changes_left != 0) return;
  context_->wheel.cancel(*m);
}

// --- what goes ----------------------------------------------------------------------------

void IgmpHost::report(const Membership& m, IgmpRecord record, Time now) {
  const unsigned spoken = version(m.interface, now);
  const bool leaves = record == IgmpRecord::to_include;
  if (spoken == 1 && leaves) return;  // it has no word for it
  const bool is_v3 = spoken == 3;
  Packet* message = make(m.interface, Igmp::kSize + (is_v3 ? Igmp::kRecordSize : 0));
  if (message == nullptr) return;
  std::uint8_t* p = message->data;
  if (is_v3) {
    Igmp::emit_report(p, 1);
    Igmp::emit_record(p + Igmp::kSize, record, m.group);
    return send(message, kReports, now);
  }
  if (leaves) {
    Igmp::emit(p, IgmpType::leave, m.group);
    return send(message, kAllRouters, now);
  }
  Igmp::emit(p, spoken == 1 ? IgmpType::report_v1 : IgmpType::report_v2, m.group);
  send(message, m.group, now);
}

// All groups of an interface, as many to a message as there is room for.
void IgmpHost::report_all(std::uint8_t interface, Time now) {
  const std::uint32_t room = interfaces_->at(interface).mtu - kIpHeader - Igmp::kSize;
  const std::uint32_t most = room / Igmp::kRecordSize;
  Packet* message = nullptr;
  std::uint16_t records = 0;
  const auto finish = [&] {
    if (message == nullptr) return;
    Igmp::emit_report(message->data, records);
    message->trim(static_cast<std::uint32_t>(Igmp::kSize + records * Igmp::kRecordSize));
    send(message, kReports, now);
    message = nullptr;
    records = 0;
  };
  interfaces_->for_each_membership([&](const Membership& m) {
    if (m.interface != interface || m.users == 0 || !InterfaceTable::is_reported(m)) return;
    if (message == nullptr) {
      message = make(interface, static_cast<std::uint32_t>(Igmp::kSize + most * Igmp::kRecordSize));
      if (message == nullptr) return;
    }
    Igmp::emit_record(message->data + Igmp::kSize + records * Igmp::kRecordSize,
                      IgmpRecord::is_exclude, m.group);
    if (++records == most) finish();
  });
  finish();
}

// A message to be written, with room for the headers in front.
Packet* IgmpHost::make(std::uint8_t interface, std::uint32_t size) {
  if (!interfaces_->at(interface).up) return nullptr;
  Packet* packet = context_->pool->take(Ethernet::kHeaderSize + kIpHeader + size);
  if (packet == nullptr) {
    context_->counters->drop(Drop::no_buffer);
    return nullptr;
  }
  packet->length = Ethernet::kHeaderSize + kIpHeader + size;
  packet->pull(Ethernet::kHeaderSize + kIpHeader);
  packet->interface = interface;
  return packet;
}

// RFC 3376 4: to the link only, with Router Alert, from an address where there is one.
void IgmpHost::send(Packet* message, const IpAddr& to, Time now) {
  Igmp::seal(message->mutable_bytes());
  const Address* source = interfaces_->select_source(message->interface, to);
  wire::Ipv4 header{.src = source == nullptr ? IpAddr::any_v4() : source->addr,
                    .dst = to,
                    .protocol = Protocol::igmp,
                    .ttl = 1,
                    .tos = kInternetworkControl};
  header.total_length = static_cast<std::uint16_t>(kIpHeader + message->length);
  header.emit_with_options(message->push(kIpHeader), kRouterAlert);
  wire::Ethernet{wire::group_mac_v4(to), interfaces_->at(message->interface).mac,
                 wire::kEtherTypeIpv4}
      .emit(message->push(Ethernet::kHeaderSize));
  context_->counters->add(Counter::igmp_out);
  context_->send(message, now);
}

}  // namespace naru::ip
