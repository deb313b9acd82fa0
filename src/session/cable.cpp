// What a session is plugged into, and who is called when frames come from there.

#include "session/cable.hpp"

#include <algorithm>
#include <cerrno>

#include <naru/link/packet_socket.hpp>
#include <naru/link/tap.hpp>
#include <naru/socket/clock.hpp>

#include "session/device_cable.hpp"
#include "session/lan_cable.hpp"
#include "session/log.hpp"
#include "session/own_descriptor.hpp"
#include "session/session.hpp"

namespace naru::session {
namespace {

constexpr int kDupAddrDetectTransmits = 1;  // RFC 4862 5.1

std::string folder_of(const std::string& file) { return file.substr(0, file.rfind('/')); }

link::OpenResult<std::unique_ptr<link::DeviceLink>> open_device(const DeviceChoice& choice) {
  if (choice.kind == link::DeviceKind::packet_socket) {
    return link::PacketSocketLink::open(choice.name, {.mac = choice.mac});
  }
  link::TapOptions options;
  if (choice.mac) options.mac = *choice.mac;
  return link::TapLink::open(choice.name, options);
}

}  // namespace

std::string Port::words() const {
  const std::string text(name, ::strnlen(name, sizeof name));
  switch (kind) {
    case Kind::tap:
      return "tap:" + text;
    case Kind::packet_socket:
      return "packet:" + text;
    default:
      return text;
  }
}

// --- plugging in, once for each session ---------------------------------------------------

link::OpenResult<void> Session::plug_in(const CableChoice& choice) {
  link::OpenResult<void> opened;
  if (const auto* lan = std::get_if<LanChoice>(&choice)) {
    opened = join_lan(*lan);
  } else if (const auto* device = std::get_if<DeviceChoice>(&choice)) {
    opened = use_device(*device);
  } else {
    return {};
  }
  if (!opened) return opened;
  open_capture();
  if (set_up_interface()) return {};
  return std::unexpected(link::OpenError{ENOMEM, "the session has no room for an interface"});
}

link::OpenResult<void> Session::join_lan(const LanChoice& choice) {
  link::LanOptions options;
  options.directory = folder_of(file_);
  options.name = header().name;
  options.address = choice.address;
  options.bells = header().id;
  auto joined = link::LanLink::join(choice.lan, options);
  if (!joined) return std::unexpected(joined.error());
  Port& port = header().port;
  port.kind = Port::Kind::lan;
  choice.lan.copy(port.name, sizeof port.name - 1);
  port.seat = (*joined)->seat();
  port.address = (*joined)->address();
  if (choice.has_v6) port.address_v6 = (*joined)->address_v6();
  (*joined)->set_deputy(header().keeper_bell);
  cable_ = std::make_unique<LanCable>(std::move(*joined));
  return {};
}

link::OpenResult<void> Session::use_device(const DeviceChoice& choice) {
  auto opened = open_device(choice);
  if (!opened) return std::unexpected(opened.error());
  const link::DeviceLink::About& about = (*opened)->about();
  Port& port = header().port;
  port.kind = about.kind == link::DeviceKind::tap ? Port::Kind::tap : Port::Kind::packet_socket;
  about.name.copy(port.name, sizeof port.name - 1);
  port.address = choice.address.value_or(Prefix());
  port.address_v6 = choice.address_v6.value_or(Prefix());
  port.is_autoconfigured = choice.is_autoconfigured;
  port.mac = about.mac;
  port.mtu = about.mtu;
  port.route_count = static_cast<std::uint32_t>(std::min(choice.routes.size(), port.routes.size()));
  std::copy_n(choice.routes.begin(), port.route_count, port.routes.begin());
  cable_ = std::make_unique<DeviceCable>(std::move(*opened), header(), ringer_);
  return {};
}

// A seat on a lan is one's own; on a wire somebody else may have the address.
Status Session::add_address(const Prefix& address) {
  if (address == Prefix()) return {};
  const bool asks = address.addr.is_v6() && header().port.kind != Port::Kind::lan;
  (void)stack_->set_option(Option::arp_probe_count, asks ? kDupAddrDetectTransmits : 0);
  return stack_->add_address(kCableInterface, address);
}

Status Session::set_up_interface() {
  const Port& port = header().port;
  const auto index = stack_->add_interface(kCableInterfaceName, wire());
  if (!index) return std::unexpected(index.error());
  for (const Prefix& address : {port.address, port.address_v6}) {
    if (const Status added = add_address(address); !added) return added;
  }
  if (port.is_autoconfigured) {
    (void)stack_->set_option(Option::arp_probe_count, kDupAddrDetectTransmits);
    if (const Status on = stack_->set_autoconf(*index, true); !on) return on;
  }
  for (std::uint32_t i = 0; i < port.route_count; ++i) {
    const CableRoute& route = port.routes[i];
    const Status added = stack_->add_route(route.destination, route.gateway, *index);
    if (!added) return added;
  }
  return {};
}

// --- attaching, in each other process -----------------------------------------------------

void Session::attach_cable() {
  const Port& port = header().port;
  if (port.kind == Port::Kind::none) return;
  Said<void> attached = port.kind == Port::Kind::lan ? attach_lan() : attach_device();
  if (!attached) return log(attached.error());
  // A program closes and counts its descriptors, and does not know of these.
  cable_->move_descriptors(move_away);
  open_capture();
}

Said<void> Session::attach_lan() {
  const Port& port = header().port;
  auto link = link::LanLink::attach(port.name, port.seat, folder_of(file_));
  if (!link) return std::unexpected(link.error().message);
  cable_ = std::make_unique<LanCable>(std::move(*link));
  return {};
}

Said<void> Session::attach_device() {
  const Port& port = header().port;
  const auto descriptor = ask_for_device(device_file(file_));
  if (!descriptor) return std::unexpected(descriptor.error());
  const auto kind =
      port.kind == Port::Kind::tap ? link::DeviceKind::tap : link::DeviceKind::packet_socket;
  auto link = link::DeviceLink::attach(*descriptor, {kind, port.name, port.mac, port.mtu});
  cable_ = std::make_unique<DeviceCable>(std::move(link), header(), ringer_);
  return {};
}

link::Link& Session::wire() {
  if (captured_link_) return *captured_link_;
  return cable_->link();
}

void Session::open_capture() {
  const std::string path = header().capture;
  if (path.empty()) return;
  auto file = link::CaptureFile::open(path, {.append = true, .epoch = wall_clock_offset()});
  if (!file) {
    log(file.error().message);
    return;
  }
  capture_ = std::move(*file);
  capture_->move_descriptor(move_away);
  captured_link_ =
      std::make_unique<link::CaptureLink>(cable_->link(), *capture_, kCableInterfaceName);
}

// --- who is called ---------------------------------------------------------------------

bool Lookout::stand(link::LanAlarm alarm) {
  Cable* cable = session_.cable();
  if (cable == nullptr) return true;
  session_.enter();
  const Armed armed = cable->arm(alarm);
  session_.leave(Leaving::to_wait);  // takes in what has come
  if (armed.is_armed) alarm_ = alarm;
  descriptor_ = armed.descriptor;
  return armed.is_quiet;
}

Lookout::~Lookout() {
  if (alarm_) session_.cable()->disarm(*alarm_);
}

}  // namespace naru::session
