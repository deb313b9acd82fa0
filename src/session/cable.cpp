// The session's cable to a lan: one seat there, which all its processes use in turn.

#include <cerrno>

#include <naru/socket/clock.hpp>

#include "session/log.hpp"
#include "session/own_descriptor.hpp"
#include "session/session.hpp"

namespace naru::session {
namespace {

std::string folder_of(const std::string& file) { return file.substr(0, file.rfind('/')); }

}  // namespace

link::OpenResult<void> Session::plug_in(const LanChoice& choice) {
  link::LanOptions options;
  options.directory = folder_of(file_);
  options.name = header().name;
  options.address = choice.address;
  options.bells = header().id;
  auto joined = link::LanLink::join(choice.lan, options);
  if (!joined) return std::unexpected(joined.error());
  link_ = std::move(*joined);
  open_capture();
  Port& port = header().port;
  choice.lan.copy(port.lan, sizeof port.lan - 1);
  port.seat = link_->seat();
  port.address = link_->address();
  link_->set_deputy(header().keeper_bell);
  if (set_up_interface()) return {};
  return std::unexpected(link::OpenError{ENOMEM, "the session has no room for an interface"});
}

Status Session::set_up_interface() {
  const auto index = stack_->add_interface(kLanInterfaceName, wire());
  if (!index) return std::unexpected(index.error());
  return stack_->add_address(*index, header().port.address);
}

void Session::attach_link() {
  const Port& port = header().port;
  if (port.lan[0] == '\0') return;
  auto attached = link::LanLink::attach(port.lan, port.seat, folder_of(file_));
  if (!attached) {
    log(attached.error().message);
    return;
  }
  link_ = std::move(*attached);
  // A program closes and counts its descriptors, and does not know of these.
  link_->move_descriptors(move_away);
  open_capture();
}

link::Link& Session::wire() {
  if (captured_link_) return *captured_link_;
  return *link_;
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
  captured_link_ = std::make_unique<link::CaptureLink>(*link_, *capture_, kLanInterfaceName);
}

// --- who is called ---------------------------------------------------------------------

bool Lookout::stand(link::LanAlarm alarm) {
  if (session_.link() == nullptr) return true;
  alarm_ = alarm;
  session_.enter();
  const bool is_quiet = session_.link()->arm(alarm);
  session_.leave(Leaving::to_wait);  // takes in what has come
  return is_quiet;
}

Lookout::~Lookout() {
  if (alarm_) session_.link()->disarm(*alarm_);
}

}  // namespace naru::session
