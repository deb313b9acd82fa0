#include "cli/machine.hpp"

#include <charconv>
#include <cstdlib>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <naru/link/packet_socket.hpp>
#include <naru/link/tap.hpp>

#include "cli/failure.hpp"
#include "cli/link_options.hpp"
#include "cli/opened.hpp"
#include "cli/version.hpp"

namespace naru::cli {
namespace {

void check(const Status& status, const std::string& what) {
  if (!status) throw Failure(fmt::format("{}: {}", what, to_string(status.error())));
}

}  // namespace

void set_option(Options& options, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  const std::string_view name = assignment.substr(0, equals);
  const auto option = find_option(name);
  if (!option) {
    throw Failure(fmt::format("--option {}: no such option (naru options lists them)", name));
  }
  const OptionSpec& spec = option_specs()[static_cast<std::size_t>(*option)];
  const std::string_view text =
      equals == std::string_view::npos ? std::string_view() : assignment.substr(equals + 1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc() && !text.empty() && end == text.data() + text.size();
  if (!is_number || !options.set(*option, value)) {
    throw Failure(fmt::format("--option {}: {} takes a number from {} to {}", assignment, spec.name,
                              spec.min, spec.max));
  }
}

bool wants_colour(std::FILE* file) {
  return ::isatty(::fileno(file)) == 1 && std::getenv("NO_COLOR") == nullptr;
}

void MachineOptions::add_to(CLI::App& app) {
  app.add_option("--link", link,
                 "tap:NAME (a wire to the kernel), packet:INTERFACE or lan:NAME (naru lan ls)")
      ->required()
      ->type_name("LINK");
  app.add_option(
         "--ip", address,
         "this host's address, as 10.0.0.2/24, or dhcp to ask for one; on a lan as 10.77.0.5, or "
         "none for a free one")
      ->type_name("ADDRESS[/LENGTH]");
  ipv6.add_to(app);
  app.add_option("--name", name, "this host's name on a lan")->type_name("NAME");
  app.add_option("--gw", gateway, "the default gateway")->type_name("ADDRESS");
  add_routes_to(app, routes);
  app.add_option("--mac", mac, "this host's Ethernet address")->type_name("MAC");
  app.add_option("--capture", capture, "write every frame to FILE (pcapng, for Wireshark)")
      ->type_name("FILE");
  app.add_flag("--journey", journey, "print each step of each request");
  app.add_option("--option", options, "set an option of the stack (see naru options)")
      ->type_name("NAME=VALUE");
}

Machine::Machine(const MachineOptions& options, std::FILE* out, Driver driver)
    : out_(out), driver_(driver) {
  open_link(options);
  if (!options.capture.empty()) open_capture(options.capture);
  configure(options);
  if (driver == Driver::context) {
    asio::use_stack(context_, *host_);
    if (leased_) leased_->keep(context_);
    if (ipv6_) ipv6_->keep(context_);
  }
  if (options.journey) start_journey();
}

Machine::~Machine() = default;

void Machine::open_link(const MachineOptions& options) {
  const LinkName link = parse_link(options.link);
  const auto mac = parse_mac(options.mac);
  if (link.kind == LinkName::Kind::lan) return join_lan(options, link.name);
  if (!options.name.empty()) throw Failure("--name: only a lan knows names (--link lan:NAME)");
  if (options.address == kByDhcp) {
    if (!options.gateway.empty()) throw Failure("--gw: with --ip dhcp it comes with the address");
  } else if (!options.address.empty() || !options.ipv6.is_wanted()) {
    address_ = parse_network(options.address);
  }
  if (link.kind == LinkName::Kind::packet_socket) {
    device_ = opened(link::PacketSocketLink::open(link.name, {.mac = mac}));
    return;
  }
  link::TapOptions tap;
  if (mac) tap.mac = *mac;
  device_ = opened(link::TapLink::open(link.name, tap));
}

void Machine::join_lan(const MachineOptions& options, const std::string& lan) {
  if (!options.mac.empty()) throw Failure("--mac: a lan gives its members theirs");
  if (options.ipv6.is_wanted()) {
    throw Failure("--ip6: on a lan it has the host number of --ip, or there is none");
  }
  link::LanOptions member;
  member.name = options.name;
  if (!options.address.empty()) {
    member.address = IpAddr::parse(options.address);
    if (!member.address) {
      throw Failure(fmt::format("--ip {}: not an address, as 10.77.0.5", options.address));
    }
  }
  auto link = opened(link::LanLink::join(lan, member));
  address_ = link->address();
  lan_ = link.get();
  device_ = std::move(link);
}

std::span<const IpAddr> Machine::name_servers() const {
  if (leased_ && !leased_->lease().name_servers.empty()) return leased_->lease().name_servers;
  return ipv6_ ? ipv6_->name_servers() : std::span<const IpAddr>();
}

std::optional<IpAddr> Machine::second_address() const {
  const bool is_second = ipv6_ && address_.addr.is_v4();
  return is_second ? std::optional(ipv6_->address().addr) : std::nullopt;
}

std::span<const std::string> Machine::search() const {
  if (leased_ && !leased_->lease().name_servers.empty()) return leased_->lease().search;
  return ipv6_ ? ipv6_->search() : std::span<const std::string>();
}

std::vector<IpAddr> Machine::find_host(std::string_view name) const {
  const auto v4 = lan_ != nullptr ? lan_->find_address(name) : std::nullopt;
  if (!v4) return {};
  const auto v6 = lan_->to_v6(*v4);
  return v6 ? std::vector{*v4, *v6} : std::vector{*v4};
}

void Machine::open_capture(const std::string& path) {
  capture_ = opened(link::CaptureFile::open(
      path, {.comment = fmt::format("naru {}", version()), .epoch = wall_clock_offset()}));
}

void Machine::configure(const MachineOptions& options) {
  Host::Config config;
  for (const std::string& assignment : options.options) {
    set_option(config.stack.options, assignment);
  }
  if (options.journey) config.stack.trace_events = 64 * 1024;
  config.stack.stable_secret = stable_secret();
  auto host = Host::create(std::move(config));
  if (!host) throw Failure(fmt::format("cannot make a host: {}", to_string(host.error())));
  host_ = std::move(*host);

  const bool asks = options.address == kByDhcp && lan_ == nullptr;
  const bool is_given = address_.addr != IpAddr();
  const MacAddr mac = device_->mac();
  const std::uint32_t link_mtu = device_->caps().mtu;
  std::unique_ptr<link::Link> link;
  if (capture_) {
    link = std::make_unique<link::CaptureLink>(*device_, *capture_, options.link);
  } else {
    link = std::move(device_);
  }
  const auto interface =
      host_->add_link("eth0", std::move(link), is_given ? std::optional(address_) : std::nullopt);
  if (!interface) {
    throw Failure(fmt::format("--ip {}: {}", options.address, to_string(interface.error())));
  }
  if (asks) {
    leased_.emplace(*host_, *interface, mac, link_mtu);
    address_ = leased_->lease().address;
  }
  if (lan_ != nullptr) {
    check(host_->stack().add_address(*interface, lan_->address_v6()), "IPv6");
  }
  configure_ipv6(options.ipv6, *interface, mac);
  add_routes(options, *interface);
}

void Machine::configure_ipv6(const Ipv6Options& options, std::uint8_t interface,
                             const MacAddr& mac) {
  if (options.is_wanted()) {
    ipv6_.emplace(*host_, interface, mac, options);
    if (address_.addr == IpAddr()) address_ = ipv6_->address();
  } else if (!options.gateway.empty()) {
    throw Failure("--gw6: only with an address that is given");
  }
}

void Machine::add_routes(const MachineOptions& options, std::uint8_t interface) {
  Stack& stack = host_->stack();
  for (const std::string& text : options.routes) {
    const StaticRoute route = parse_route(text);
    check(stack.add_route(route.destination, route.gateway, interface), "--route " + text);
  }
  if (options.gateway.empty()) return;
  check(stack.add_route({IpAddr::any_v4(), 0}, parse_gateway(options.gateway, address_), interface),
        "--gw " + options.gateway);
}

// --- the journey ---------------------------------------------------------------

void Machine::start_journey() {
  journey_.emplace(observe::Journey::Options{.hosts = {"naru " + address_.addr.to_string()},
                                             .colour = wants_colour(out_)},
                   [this](std::string_view line) { fmt::print(out_, "{}\n", line); });
  host_->stack().set_trace(true);
  if (driver_ == Driver::host) return;
  asio::observe_turns(context_, [this](Stack& stack) { read_trace(stack); });
}

void Machine::read_trace(Stack& stack) {
  bool any = false;
  while (const trace::Event* event = stack.next_trace()) {
    journey_->add(0, *event);
    any = true;
  }
  if (any) std::fflush(out_);
}

void Machine::read_rest_of_trace() {
  if (driver_ == Driver::host) return read_trace(host_->stack());
  asio::with_stack(context_, [&](Stack& stack) { read_trace(stack); });
}

void Machine::note(std::string_view room, std::string_view text) {
  if (!journey_) return;
  asio::with_stack(context_, [&](Stack& stack) {
    read_trace(stack);
    journey_->note(0, stack.now(), room, text);
  });
}

void Machine::farewell() {
  if (leased_) leased_->rest();
  if (ipv6_) ipv6_->rest();
  if (driver_ == Driver::context) end_connections();
  if (leased_) leased_->give_back(*host_);
  if (ipv6_) ipv6_->give_back(*host_);
}

void Machine::end_connections() {
  context_.restart();
  context_.run_for(2s);
  bool any = false;
  asio::with_stack(context_, [&any](Stack& stack) {
    any = stack.usage().orphans != 0;
    stack.abort_orphans();
  });
  if (!any) return;
  // A peer whose next byte is not the one that the RST names asks once more (RFC 5961
  // 3.2), and is answered.
  boost::asio::steady_timer patience(context_, 500ms);
  patience.async_wait([](const boost::system::error_code&) {});
  context_.restart();
  context_.run_for(1s);
}

void Machine::finish() {
  if (journey_) {
    read_rest_of_trace();
    journey_->finish();
    std::fflush(out_);
  }
  if (!capture_) return;
  capture_->flush();
  if (!capture_->error().empty()) throw Failure(capture_->error());
}

}  // namespace naru::cli
