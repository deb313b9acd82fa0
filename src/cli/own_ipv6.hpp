// The IPv6 address of a machine (--ip6, --gw6): found by itself, asked for, or given.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <naru/asio/stack_program.hpp>
#include <naru/dhcp/advised_client6.hpp>
#include <naru/socket/host.hpp>

namespace naru::cli {

struct Ipv6Options {
  std::string address;  // "auto", "dhcp", "none" or "2001:db8::2/64"; empty: none
  std::string gateway;

  void add_to(CLI::App& app);
  bool is_wanted() const { return !address.empty() && address != "none"; }
};

// What RFC 7217 5 calls the secret key: of this machine and this user (machine-id(5)), so that
// a host has the same address whenever it starts. None where the machine has no name.
std::optional<std::array<std::uint64_t, 2>> stable_secret();

class OwnIpv6 {
 public:
  // Gives the interface what the options say; with "auto" and "dhcp" it waits until there is
  // an address to use. Throws Failure.
  OwnIpv6(Host& host, std::uint8_t interface, const MacAddr& mac, const Ipv6Options& options);

  const Prefix& address() const { return address_; }
  // Those that came with it.
  std::span<const IpAddr> name_servers() const { return name_servers_; }
  std::span<const std::string> search() const { return search_; }

  // As LeasedAddress: from now on the context keeps it; no longer; drives the host until it has
  // said that a lease is free.
  void keep(boost::asio::io_context& context);
  void rest() { program_.reset(); }
  void give_back(Host& host);

 private:
  void find_out(Host& host, std::uint8_t interface, const MacAddr& mac, bool wants_lease);
  void take_names(const LearnedIpv6& learned);
  void give(Stack& stack, std::uint8_t interface, const Ipv6Options& options);

  Prefix address_;  // as they were at first
  std::vector<IpAddr> name_servers_;
  std::vector<std::string> search_;
  std::unique_ptr<dhcp::AdvisedClient6> client_;  // nullptr: the address was given
  std::optional<asio::StackProgram> program_;
};

}  // namespace naru::cli
