// Machine: a host on a real link, as the command line describes it.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>

#include <naru/asio.hpp>
#include <naru/link/capture.hpp>
#include <naru/link/lan.hpp>

#include "cli/leased_address.hpp"
#include "cli/own_ipv6.hpp"
#include "observe/journey.hpp"

namespace naru::cli {

struct MachineOptions {
  std::string link;     // "tap:NAME", "packet:INTERFACE" or "lan:NAME"
  std::string address;  // "10.0.0.2/24" or "dhcp"; on a lan "10.77.0.5" or none
  Ipv6Options ipv6;
  std::string name;  // on a lan
  std::string gateway;
  std::vector<std::string> routes;  // "PREFIX=GATEWAY"
  std::string mac;
  std::string capture;
  bool journey = false;
  std::vector<std::string> options;  // "name=value"

  // The flags of the commands that have a machine.
  void add_to(CLI::App& app);
};

class Machine {
 public:
  // Who gives the stack its turns: the context, or who waits for something on the host.
  enum class Driver : std::uint8_t { context, host };

  // The journey goes to `out`. Throws Failure.
  explicit Machine(const MachineOptions& options, std::FILE* out = stdout,
                   Driver driver = Driver::context);
  ~Machine();

  boost::asio::io_context& context() { return context_; }
  Host& host() { return *host_; }
  // The IPv4 address, or else the one of IPv6.
  IpAddr address() const { return address_.addr; }
  // The IPv6 address of a machine that has an IPv4 address, too.
  std::optional<IpAddr> second_address() const;
  // Those that came with the address (--ip dhcp, --ip6 auto, --ip6 dhcp).
  std::span<const IpAddr> name_servers() const;
  // The search list that came with it.
  std::span<const std::string> search() const;
  // The addresses of a member of our lan; none where the link is no lan.
  std::vector<IpAddr> find_host(std::string_view name) const;
  // A step of the journey that the stack does not know; nothing without --journey.
  void note(std::string_view room, std::string_view text);
  // Lets connections end that are about to, for two seconds at most, and resets the
  // others: nobody is left waiting for a host that is gone. Gives back an address that was
  // asked for.
  void farewell();
  // Ends the journey and the capture. Throws Failure when the file is incomplete.
  void finish();

 private:
  void open_link(const MachineOptions& options);
  void join_lan(const MachineOptions& options, const std::string& lan);
  void open_capture(const std::string& path);
  void configure(const MachineOptions& options);
  void configure_ipv6(const Ipv6Options& options, std::uint8_t interface, const MacAddr& mac);
  void add_routes(const MachineOptions& options, std::uint8_t interface);
  void end_connections();
  void start_journey();
  void read_rest_of_trace();
  void read_trace(Stack& stack);

  std::FILE* out_;
  Driver driver_;
  Prefix address_;
  std::optional<link::CaptureFile> capture_;
  std::unique_ptr<link::Link> device_;  // below the capture; else with the host
  const link::LanLink* lan_ = nullptr;  // the device, where it is one
  std::unique_ptr<Host> host_;
  std::optional<observe::Journey> journey_;
  boost::asio::io_context context_{1};
  std::optional<LeasedAddress> leased_;  // keeps a timer of the context
  std::optional<OwnIpv6> ipv6_;          // the same
};

// "name=value" into the options of a stack. Throws Failure.
void set_option(Options& options, std::string_view assignment);
// Colours are for people: the file is a terminal, and NO_COLOR is not set.
bool wants_colour(std::FILE* file);

}  // namespace naru::cli
