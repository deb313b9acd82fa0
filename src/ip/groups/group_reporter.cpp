#include "ip/groups/group_reporter.hpp"

#include <algorithm>

#include "ip/groups/igmp.hpp"
#include "ip/groups/mld.hpp"
#include "wire/ethernet.hpp"

namespace naru::ip {
namespace {

using wire::Ethernet;
using wire::GroupRecord;

// RFC 3376 8.1, 8.11, 8.12; RFC 3810 9.1, 9.11, 9.12: robustness 2, unsolicited report interval,
// and how long an older querier is remembered: 2 * 125 s + 10 s.
constexpr std::uint8_t kRobustness = 2;
constexpr Duration kUnsolicited = 1s;
constexpr Duration kOlderQuerier = 260s;

// A message to be written, with room for the headers in front.
template <class Wire>
Packet* make(Context& context, InterfaceTable& interfaces, std::uint8_t interface,
             std::size_t size) {
  if (!interfaces.at(interface).up || !Wire::is_spoken(interfaces, interface)) return nullptr;
  constexpr std::uint32_t kHeaders = Ethernet::kHeaderSize + Wire::kIpHeader;
  const auto whole = kHeaders + static_cast<std::uint32_t>(size);
  Packet* packet = context.pool->take(whole);
  if (packet == nullptr) {
    context.counters->drop(Drop::no_buffer);
    return nullptr;
  }
  packet->length = whole;
  packet->pull(kHeaders);
  packet->interface = interface;
  return packet;
}

}  // namespace

void GroupReporter::init(Context& context, InterfaceTable& interfaces) {
  context_ = &context;
  interfaces_ = &interfaces;
  for (std::uint8_t i = 0; i < kMaxInterfaces; ++i) {
    for (const bool is_v6 : {false, true}) {
      port(i, is_v6).interface = i;
      port(i, is_v6).is_v6 = is_v6;
    }
  }
}

ReportPort& GroupReporter::port(std::uint8_t interface, bool is_v6) {
  return ports_[std::size_t{2} * interface + (is_v6 ? 1 : 0)];
}

Dialect GroupReporter::dialect(std::uint8_t interface, bool is_v6, Time now) {
  const ReportPort& p = port(interface, is_v6);
  if (now < p.joins_until) return Dialect::joins;
  return now < p.groups_until ? Dialect::groups : Dialect::records;
}

// f(Membership&) for what is told of on that link, gone or not.
template <class F>
void GroupReporter::for_each_of(const ReportPort& port, F&& f) {
  interfaces_->for_each_membership([&](Membership& m) {
    const bool is_of_port = m.interface == port.interface && m.group.is_v6() == port.is_v6;
    if (is_of_port && InterfaceTable::is_reported(m)) f(m);
  });
}

// Not earlier than now, and not later than it is due already.
void GroupReporter::arm_within(Timer& timer, Duration longest, Time now) {
  context_->wheel.arm_no_later(timer, now + context_->random_between(Duration{}, longest));
}

// --- changes of our own --------------------------------------------------------------

void GroupReporter::on_change(Membership& m, Time now) {
  if (!InterfaceTable::is_reported(m)) {
    if (m.users == 0) interfaces_->remove_membership(m);
    return;
  }
  m.changes_left = kRobustness;
  say_change(m, now);
}

void GroupReporter::say_later(Membership& m, Time at) {
  if (!InterfaceTable::is_reported(m)) {
    if (m.users == 0) interfaces_->remove_membership(m);
    return;
  }
  m.changes_left = kRobustness;
  context_->wheel.arm(m, at);
}

// Says it, and once more a little later.
void GroupReporter::say_change(Membership& m, Time now) {
  const bool joins = m.users != 0;
  report(m, joins ? GroupRecord::to_exclude : GroupRecord::to_include, now);
  // Who leaves says it once to routers of an older version (RFC 2236 3, RFC 2710 4).
  const bool is_said_twice =
      joins || dialect(m.interface, m.group.is_v6(), now) == Dialect::records;
  if (!is_said_twice) m.changes_left = 1;
  if (--m.changes_left != 0) return arm_within(m, kUnsolicited, now);
  if (joins) return;
  context_->wheel.cancel(m);
  interfaces_->remove_membership(m);
}

void GroupReporter::on_group_timer(Membership& m, Time now) {
  if (m.changes_left != 0) return say_change(m, now);
  report(m, GroupRecord::is_exclude, now);
}

void GroupReporter::on_port_timer(ReportPort& port, Time now) {
  if (port.is_v6) {
    report_all<MldWire>(port, now);
  } else {
    report_all<IgmpWire>(port, now);
  }
}

void GroupReporter::tell_again(std::uint8_t interface, bool is_v6, Time now) {
  ReportPort& p = port(interface, is_v6);
  if (dialect(interface, is_v6, now) == Dialect::records) return on_port_timer(p, now);
  for_each_of(p, [&](const Membership& m) {
    if (m.users != 0) report(m, GroupRecord::is_exclude, now);
  });
}

void GroupReporter::recover() {
  for (ReportPort& port : ports_) static_cast<TimerLinks&>(port) = {};
  interfaces_->for_each_membership([&](Membership& m) {
    static_cast<TimerLinks&>(m) = {};
    m.changes_left = 0;
    if (m.users == 0) interfaces_->remove_membership(m);
  });
}

// --- what comes ------------------------------------------------------------------------

// RFC 3376 5.2, RFC 3810 6.2.
void GroupReporter::on_query(std::uint8_t interface, const GroupQuery& query, Time now) {
  trace_heard(trace::Kind::group_asked, interface, query.group, query.router, now);
  const bool is_v6 = query.group.is_v6();
  const bool is_general = query.group.is_any();
  ReportPort& p = port(interface, is_v6);
  const Dialect before = dialect(interface, is_v6, now);
  if (query.dialect == Dialect::joins) p.joins_until = now + kOlderQuerier;
  if (query.dialect == Dialect::groups) p.groups_until = now + kOlderQuerier;
  const Dialect spoken = dialect(interface, is_v6, now);
  if (spoken != before) forget_pending(p);
  if (is_general && spoken == Dialect::records) return arm_within(p, query.longest, now);
  for_each_of(p, [&](Membership& m) {
    const bool is_asked = m.users != 0 && (is_general || m.group == query.group);
    if (is_asked) arm_within(m, query.longest, now);
  });
}

// Who begins to speak an older dialect has no more to say in the newer one
// (RFC 3376 7.2.1, RFC 3810 8.2.1).
void GroupReporter::forget_pending(ReportPort& port) {
  context_->wheel.cancel(port);
  for_each_of(port, [&](Membership& m) {
    context_->wheel.cancel(m);
    m.changes_left = 0;
    if (m.users == 0) interfaces_->remove_membership(m);
  });
}

// To an older querier one report of a group is enough, whoever sends it (RFC 2236 3,
// RFC 2710 4).
void GroupReporter::on_report(std::uint8_t interface, const IpAddr& group, const IpAddr& from,
                              Time now) {
  trace_heard(trace::Kind::group_heard, interface, group, from, now);
  Membership* m = interfaces_->find_membership(interface, group);
  const bool is_heard = dialect(interface, group.is_v6(), now) != Dialect::records;
  if (m == nullptr || !is_heard || m->changes_left != 0) return;
  context_->wheel.cancel(*m);
}

void GroupReporter::trace_heard(trace::Kind kind, std::uint8_t interface, const IpAddr& group,
                                const IpAddr& from, Time now) {
  context_->trace->emit({.at = now,
                         .kind = kind,
                         .protocol = group.is_v6() ? Protocol::icmpv6 : Protocol::igmp,
                         .interface = interface,
                         .local = {.addr = group, .port = 0},
                         .remote = {.addr = from, .port = 0}});
}

// --- what goes ----------------------------------------------------------------------------

void GroupReporter::trace_told(const Membership& m, GroupRecord record, Time now) {
  context_->trace->emit({.at = now,
                         .kind = trace::Kind::group_told,
                         .protocol = m.group.is_v6() ? Protocol::icmpv6 : Protocol::igmp,
                         .interface = m.interface,
                         .extra = record == GroupRecord::to_include ? 0U : 1U,
                         .remote = {.addr = m.group, .port = 0}});
}

void GroupReporter::report(const Membership& m, GroupRecord record, Time now) {
  if (m.group.is_v6()) {
    report_on<MldWire>(m, record, now);
  } else {
    report_on<IgmpWire>(m, record, now);
  }
}

template <class Wire>
void GroupReporter::report_on(const Membership& m, GroupRecord record, Time now) {
  using Message = typename Wire::Message;
  const Dialect spoken = dialect(m.interface, m.group.is_v6(), now);
  const bool leaves = record == GroupRecord::to_include;
  if (spoken == Dialect::joins && leaves) return;  // it has no word for it
  const bool is_record = spoken == Dialect::records;
  Packet* message =
      make<Wire>(*context_, *interfaces_, m.interface,
                 is_record ? Message::kReportSize + Message::kRecordSize : Message::kSize);
  if (message == nullptr) return;
  trace_told(m, record, now);
  if (is_record) {
    Message::emit_report(message->data, 1);
    Message::emit_record(message->data + Message::kReportSize, record, m.group);
    return Wire::send(*context_, *interfaces_, message, Wire::kReports, now);
  }
  Message::emit(message->data, leaves ? Wire::kLeave : Wire::report_type(spoken), m.group);
  Wire::send(*context_, *interfaces_, message, leaves ? Wire::kRouters : m.group, now);
}

// All groups of a link, as many to a message as there is room for.
template <class Wire>
void GroupReporter::report_all(const ReportPort& port, Time now) {
  using Message = typename Wire::Message;
  const std::uint32_t mtu = interfaces_->at(port.interface).mtu_of(port.is_v6);
  const std::size_t most = (mtu - Wire::kIpHeader - Message::kReportSize) / Message::kRecordSize;
  if (most == 0) return;
  Packet* message = nullptr;
  std::uint16_t records = 0;
  const auto finish = [&] {
    if (message == nullptr) return;
    Message::emit_report(message->data, records);
    message->trim(
        static_cast<std::uint32_t>(Message::kReportSize + records * Message::kRecordSize));
    Wire::send(*context_, *interfaces_, message, Wire::kReports, now);
    message = nullptr;
    records = 0;
  };
  for_each_of(port, [&](const Membership& m) {
    if (m.users == 0) return;
    if (message == nullptr) {
      message = make<Wire>(*context_, *interfaces_, port.interface,
                           Message::kReportSize + most * Message::kRecordSize);
      if (message == nullptr) return;
    }
    Message::emit_record(message->data + Message::kReportSize + records * Message::kRecordSize,
                         GroupRecord::is_exclude, m.group);
    trace_told(m, GroupRecord::is_exclude, now);
    if (++records == most) finish();
  });
  finish();
}

}  // namespace naru::ip
