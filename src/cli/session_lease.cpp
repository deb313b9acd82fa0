#include "cli/session_lease.hpp"

#include <algorithm>
#include <cerrno>

#include <naru/socket/entropy.hpp>

namespace naru::cli {
namespace {

using session::kCableInterface;

// RFC 5227 has three; one finds those who answer, and costs three seconds.
constexpr unsigned kProbes = 1;

}  // namespace

link::OpenResult<void> SessionLease::start(session::Session& session) {
  session_ = &session;
  session::Port& port = session.header().port;
  // As it was before the stack was made anew.
  if (port.address != Prefix()) {
    (void)session.stack().remove_address(kCableInterface, port.address.addr);
    port.address = {};
  }
  client_.reset();
  auto client = dhcp::Client::create(
      session.stack(), {.interface = kCableInterface, .mac = port.mac, .probes = kProbes},
      Random::secure(entropy()),
      [this](const std::optional<dhcp::Lease>& lease) { on_change(lease); });
  if (!client) return std::unexpected(link::OpenError{EIO, "--ip dhcp: no socket for it"});
  client_ = std::move(*client);
  return {};
}

Time SessionLease::next_deadline() const {
  const Time next = client_->next_deadline();
  const bool is_quiet = client_->state() == dhcp::State::bound;
  return is_quiet ? next : std::min(next, session_->stack().now() + kLook);
}

void SessionLease::on_change(const std::optional<dhcp::Lease>& lease) {
  session::Port& port = session_->header().port;
  port.address = lease ? lease->address : Prefix();
  if (!lease) return;
  if (takes_name_servers_) take_names(*lease);
  const std::uint32_t link_mtu = session_->cable()->link().caps().mtu;
  const auto mtu = dhcp::take_mtu(session_->stack(), kCableInterface, *lease, link_mtu);
  if (mtu) port.mtu = *mtu;
}

void SessionLease::take_names(const dhcp::Lease& lease) {
  session::NameServers servers;
  for (const IpAddr& address : lease.name_servers) {
    if (servers.count < session::NameServers::kMost) servers.addresses[servers.count++] = address;
  }
  std::vector<std::string> search = lease.search;
  if (search.empty() && !lease.domain.empty()) search.push_back(lease.domain);
  for (const std::string& domain : search) servers.add_search(domain);
  session_->header().name_servers = servers;
}

}  // namespace naru::cli
