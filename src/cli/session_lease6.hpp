// SessionLease6: the IPv6 address of a session that goes by its routers (naru run --ip6 auto), or
// that asks for one (--ip6 dhcp), and the name servers that DHCPv6 tells.
#pragma once

#include <optional>

#include <naru/dhcp/advised_client6.hpp>

#include "session/address_source.hpp"
#include "session/session.hpp"

namespace naru::cli {

class SessionLease6 final : public session::AddressSource {
 public:
  // `takes_name_servers`: where nobody else has named any.
  SessionLease6(bool wants_lease, bool takes_name_servers)
      : wants_lease_(wants_lease), takes_name_servers_(takes_name_servers) {}

  link::OpenResult<void> start(session::Session& session) override;
  void poll(Time now) override { client_->poll(now); }
  Time next_deadline() const override;
  bool has_address() const override { return client_->is_ready(session_->stack().now()); }
  std::string_view complaint() const override {
    return wants_lease_ ? "--ip6 dhcp: nobody gives an address"
                        : "--ip6 auto: no router gives a prefix";
  }
  void give_back(Time now) override { client_->release(now); }

 private:
  void take_names();

  bool wants_lease_;
  bool takes_name_servers_;
  session::NameServers taken_;  // those of ours that the session has had last
  session::Session* session_ = nullptr;
  std::optional<dhcp::AdvisedClient6> client_;
};

}  // namespace naru::cli
