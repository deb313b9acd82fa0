#include "cli/session_lease6.hpp"

#include <algorithm>

#include <naru/socket/entropy.hpp>

#include "cli/session_lease.hpp"

namespace naru::cli {

using session::kCableInterface;

// The routers' part is the cable's (DeviceChoice::is_autoconfigured).
link::OpenResult<void> SessionLease6::start(session::Session& session) {
  session_ = &session;
  client_.reset();
  client_.emplace(session.stack(),
                  dhcp::Client6Config{.interface = kCableInterface,
                                      .mac = session.header().port.mac,
                                      .wants_address = wants_lease_},
                  Random::secure(entropy()), [this] { take_names(); });
  return {};
}

Time SessionLease6::next_deadline() const {
  const Time next = client_->next_deadline();
  return client_->is_quiet() ? next : std::min(next, session_->stack().now() + kLook);
}

// Those of an IPv4 lease are as good.
void SessionLease6::take_names() {
  const auto names = client_->names();
  session::NameServers& servers = session_->header().name_servers;
  const bool is_ours = std::ranges::equal(servers.all(), taken_.all());
  if (!takes_name_servers_ || !is_ours || !names) return;
  session::NameServers told;
  for (const IpAddr& address : names->name_servers) {
    if (told.count < session::NameServers::kMost) told.addresses[told.count++] = address;
  }
  for (const std::string& domain : names->search) told.add_search(domain);
  servers = taken_ = told;
}

}  // namespace naru::cli
