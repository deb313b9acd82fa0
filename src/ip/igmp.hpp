// Igmp: tells routers which groups are listened to here (RFC 3376, as a host).
//
//   join, leave ──► report of the change, twice within a second
//   query ────────► report of what there is, some time before the answer is due
//
// It speaks the version of the querier on the link: the third, unless one of an older
// version was heard lately (RFC 3376 7.2).
#pragma once

#include <array>
#include <cstdint>

#include "ip/context.hpp"
#include "ip/interface.hpp"
#include "wire/igmp.hpp"

namespace naru::ip {

// An interface's part in it.
struct IgmpPort : Timer {
  IgmpPort() : Timer(TimerKind::igmp_port) {}

  std::uint8_t interface = 0;
  Time v1_until = Time::min();  // until then there is a querier of that version
  Time v2_until = Time::min();
};

class IgmpHost {
 public:
  void init(Context& context, InterfaceTable& interfaces);

  // A group is new, or the last user of it has gone; the membership stays as long as there
  // is something to be said of it.
  void on_change(Membership& membership, Time now);
  // The message of a packet, and what its header says.
  Drop input(const Packet& packet, Time now);
  void on_group_timer(Membership& membership, Time now);
  void on_port_timer(IgmpPort& port, Time now);
  // After a death: the wheel is empty.
  void recover();

 private:
  unsigned version(std::uint8_t interface, Time now) const;
  Drop on_query(const Packet& packet, const wire::IgmpView& query, Time now);
  void on_report(std::uint8_t interface, const IpAddr& group, Time now);
  void arm_within(Timer& timer, Duration longest, Time now);
  void say_change(Membership& membership, Time now);
  void report(const Membership& membership, wire::IgmpRecord record, Time now);
  void report_all(std::uint8_t interface, Time now);
  Packet* make(std::uint8_t interface, std::uint32_t size);
  void send(Packet* message, const IpAddr& to, Time now);

  Context* context_ = nullptr;
  InterfaceTable* interfaces_ = nullptr;
  std::array<IgmpPort, kMaxInterfaces> ports_;
};

}  // namespace naru::ip
