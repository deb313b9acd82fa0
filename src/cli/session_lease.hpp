// SessionLease: the address of a session that has asked for it (naru run --ip dhcp), and what
// came with it: routes, name servers, the MTU.
#pragma once

#include <memory>

#include <naru/dhcp/client.hpp>

#include "session/address_source.hpp"
#include "session/session.hpp"

namespace naru::cli {

// While an answer is expected it is looked for so often: whoever takes it in does not know
// that the keeper waits for it.
inline constexpr Duration kLook = 100ms;

class SessionLease final : public session::AddressSource {
 public:
  // `takes_name_servers`: those of the lease; false: the user has named others.
  explicit SessionLease(bool takes_name_servers) : takes_name_servers_(takes_name_servers) {}

  link::OpenResult<void> start(session::Session& session) override;
  void poll(Time now) override { client_->poll(now); }
  Time next_deadline() const override;
  bool has_address() const override { return client_->lease().has_value(); }
  std::string_view complaint() const override { return "--ip dhcp: nobody gives an address"; }
  void give_back(Time now) override { client_->release(now); }

 private:
  void on_change(const std::optional<dhcp::Lease>& lease);
  void take_names(const dhcp::Lease& lease);

  bool takes_name_servers_;
  session::Session* session_ = nullptr;
  std::unique_ptr<dhcp::Client> client_;
};

}  // namespace naru::cli
