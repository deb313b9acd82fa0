// GroupReporter: tells routers which groups are listened to here, as a host: by IGMP those of
// IPv4 (RFC 3376), by MLD those of IPv6 (RFC 3810).
//
//   join, leave ──► report of the change, twice within a second
//   query ────────► report of what there is, some time before the answer is due
//
// It speaks the dialect of the querier on the link: the newest, unless one of an older version
// was heard lately (RFC 3376 7.2, RFC 3810 8.2). What the messages look like is the business of
// IgmpWire and MldWire.
#pragma once

#include <array>
#include <cstdint>

#include "ip/context.hpp"
#include "ip/interface.hpp"
#include "wire/group_record.hpp"

namespace naru::ip {

enum class Dialect : std::uint8_t {
  joins,    // IGMPv1: who comes says so
  groups,   // IGMPv2, MLDv1: a message for each group that comes or goes
  records,  // IGMPv3, MLDv2: records, of many groups in one message
};

// What a router wants to know.
struct GroupQuery {
  Dialect dialect = Dialect::records;
  IpAddr group;  // 0.0.0.0 or ::, all of them
  IpAddr router;
  Duration longest;  // within which it wants to know it
};

// A link's part in it, of one family.
struct ReportPort : Timer {
  ReportPort() : Timer(TimerKind::report_port) {}

  std::uint8_t interface = 0;
  bool is_v6 = false;
  Time joins_until = Time::min();  // until then there is a querier of that dialect
  Time groups_until = Time::min();
};

class GroupReporter {
 public:
  void init(Context& context, InterfaceTable& interfaces);

  // A group is new, or the last user of it has gone; the membership stays as long as there
  // is something to be said of it.
  void on_change(Membership& membership, Time now);
  // To be said at that time; where it has passed, with the next turn.
  void say_later(Membership& membership, Time at);
  // A query that was heard on an interface.
  void on_query(std::uint8_t interface, const GroupQuery& query, Time now);
  // Somebody else has said in an older dialect that he listens to a group.
  void on_report(std::uint8_t interface, const IpAddr& group, const IpAddr& from, Time now);
  // What was said until now may not have been heard, or not been believed.
  void tell_again(std::uint8_t interface, bool is_v6, Time now);
  void on_group_timer(Membership& membership, Time now);
  void on_port_timer(ReportPort& port, Time now);
  // After a death: the wheel is empty.
  void recover();

 private:
  ReportPort& port(std::uint8_t interface, bool is_v6);
  Dialect dialect(std::uint8_t interface, bool is_v6, Time now);
  template <class F>
  void for_each_of(const ReportPort& port, F&& f);
  void arm_within(Timer& timer, Duration longest, Time now);
  void say_change(Membership& membership, Time now);
  void forget_pending(ReportPort& port);
  void trace_heard(trace::Kind kind, std::uint8_t interface, const IpAddr& group,
                   const IpAddr& from, Time now);
  void trace_told(const Membership& membership, wire::GroupRecord record, Time now);
  void report(const Membership& membership, wire::GroupRecord record, Time now);
  template <class Wire>
  void report_on(const Membership& membership, wire::GroupRecord record, Time now);
  template <class Wire>
  void report_all(const ReportPort& port, Time now);

  Context* context_ = nullptr;
  InterfaceTable* interfaces_ = nullptr;
  std::array<ReportPort, std::size_t{2} * kMaxInterfaces> ports_;
};

}  // namespace naru::ip
