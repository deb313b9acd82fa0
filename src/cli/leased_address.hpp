// LeasedAddress: the address of a machine that has asked for it (--ip dhcp).
#pragma once

#include <memory>
#include <optional>

#include <naru/asio/stack_program.hpp>
#include <naru/dhcp/client.hpp>
#include <naru/socket/host.hpp>

namespace naru::cli {

class LeasedAddress {
 public:
  // Asks, and waits until there is an address to use. Throws Failure when there is none.
  LeasedAddress(Host& host, std::uint8_t interface, const MacAddr& mac, std::uint32_t link_mtu);

  const dhcp::Lease& lease() const { return lease_; }
  // From now on the context keeps it.
  void keep(boost::asio::io_context& context);
  // The context does so no longer, and may come to its end.
  void rest() { program_.reset(); }
  // Drives the host until it has said that the address is free.
  void give_back(Host& host);

 private:
  std::unique_ptr<dhcp::Client> client_;
  dhcp::Lease lease_;  // as it was at first
  std::optional<asio::StackProgram> program_;
};

}  // namespace naru::cli
