#include "cli/router.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include <naru/link/capture.hpp>
#include <naru/link/packet_socket.hpp>
#include <naru/link/tap.hpp>
#include <naru/socket/host.hpp>

#include "cli/failure.hpp"
#include "cli/link_options.hpp"
#include "cli/machine.hpp"
#include "cli/opened.hpp"
#include "cli/version.hpp"

namespace naru::cli {
namespace {

// Room for the NAT's tables, where none is asked for (--option nat.max_sessions=...).
constexpr std::int64_t kNatSessions = 65'536;
// A signal ends the sleep of the host; should it come just before, this does.
constexpr Duration kLongestSleep = 200ms;
// Often enough that who has missed one does not wait long.
constexpr std::chrono::seconds kAdvertisingInterval = 60s;

volatile std::sig_atomic_t g_stopped = 0;

void on_signal(int) { g_stopped = 1; }

void stop_by_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void check(const Status& status, const std::string& what) {
  if (!status) throw Failure(fmt::format("{}: {}", what, to_string(status.error())));
}

// "tap:left=10.1.0.1/24", "tap:left=10.1.0.1/24,2001:db8:1::1/64"
struct LinkChoice {
  std::string name;
  LinkName link;
  std::vector<Prefix> addresses;

  bool has_network_of(const IpAddr& addr) const {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const Prefix& p) { return p.contains(addr); });
  }
};

LinkChoice parse_choice(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    throw Failure(
        fmt::format("--link {}: not a link and its address, as tap:left=10.1.0.1/24", text));
  }
  LinkChoice choice;
  choice.name = text.substr(0, equals);
  choice.link = parse_link(choice.name);
  for (std::size_t at = equals; at != std::string::npos;) {
    const std::size_t comma = text.find(',', at + 1);
    choice.addresses.push_back(parse_network(text.substr(at + 1, comma - at - 1)));
    at = comma;
  }
  return choice;
}

// A Ethernet address of its own for each tap.
std::unique_ptr<link::Link> open_link(const LinkChoice& choice, std::uint8_t number) {
  switch (choice.link.kind) {
    case LinkName::Kind::tap: {
      link::TapOptions tap;
      tap.mac.bytes[5] = number;
      return opened(link::TapLink::open(choice.link.name, tap));
    }
    case LinkName::Kind::packet_socket:
      return opened(link::PacketSocketLink::open(choice.link.name));
    case LinkName::Kind::lan:
      break;
  }
  throw Failure(fmt::format("--link {}: a router has taps and packet sockets", choice.name));
}

struct PortForward {
  Protocol protocol = Protocol::tcp;
  std::uint16_t outside = 0;
  Endpoint inside;
};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_port = error == std::errc() && end == text.data() + text.size() && port != 0;
  return is_port ? std::optional(port) : std::nullopt;
}

// "80:10.1.0.5:8080", "53:10.1.0.5:53/udp"
PortForward parse_forward(std::string_view text) {
  std::string_view rest = text;
  PortForward forward;
  if (rest.ends_with("/udp")) {
    forward.protocol = Protocol::udp;
    rest.remove_suffix(4);
  }
  const std::size_t first = rest.find(':');
  const std::size_t last = rest.rfind(':');
  if (first != last) {
    const auto outside = parse_port(rest.substr(0, first));
    const auto addr = IpAddr::parse(rest.substr(first + 1, last - first - 1));
    const auto inside = parse_port(rest.substr(last + 1));
    if (outside && addr && inside) {
      forward.outside = *outside;
      forward.inside = {*addr, *inside};
      return forward;
    }
  }
  throw Failure(fmt::format("-p {}: not OUTSIDE:ADDRESS:INSIDE[/udp], as 80:10.1.0.5:8080", text));
}

class Router {
 public:
  explicit Router(const RouterOptions& options);

  void run();
  // Throws Failure when the capture is incomplete.
  void finish();
  std::string words() const;

 private:
  void add_links(const RouterOptions& options);
  void add_routes(const RouterOptions& options);
  void advertise(const RouterOptions& options);
  std::uint8_t interface_of(const IpAddr& addr) const;
  void set_nat(const RouterOptions& options);

  std::optional<link::CaptureFile> capture_;
  std::vector<std::unique_ptr<link::Link>> captured_;  // before the host, which uses them
  std::unique_ptr<Host> host_;
  std::vector<LinkChoice> choices_;
};

Router::Router(const RouterOptions& options) {
  Host::Config config;
  check(config.stack.options.set(Option::ip_forwarding, 1), "ip.forwarding");
  if (!options.nat.empty()) {
    check(config.stack.options.set(Option::nat_max_sessions, kNatSessions), "nat.max_sessions");
  }
  for (const std::string& assignment : options.options) {
    set_option(config.stack.options, assignment);
  }
  auto host = Host::create(std::move(config));
  if (!host) throw Failure(fmt::format("cannot make a host: {}", to_string(host.error())));
  host_ = std::move(*host);
  add_links(options);
  add_routes(options);
  advertise(options);
  if (!options.nat.empty()) {
    set_nat(options);
  } else if (!options.forwards.empty()) {
    throw Failure("-p: only with --nat");
  }
}

void Router::add_links(const RouterOptions& options) {
  if (!options.capture.empty()) {
    capture_ = opened(link::CaptureFile::open(
        options.capture,
        {.comment = fmt::format("naru {}", version()), .epoch = wall_clock_offset()}));
  }
  for (const std::string& text : options.links) {
    const LinkChoice choice = parse_choice(text);
    const auto number = static_cast<std::uint8_t>(choices_.size() + 1);
    auto link = open_link(choice, number);
    if (capture_) {
      captured_.push_back(std::move(link));
      link = std::make_unique<link::CaptureLink>(*captured_.back(), *capture_, choice.name);
    }
    const auto added =
        host_->add_link(fmt::format("eth{}", number - 1), std::move(link), std::nullopt);
    if (!added) throw Failure(fmt::format("--link {}: {}", text, to_string(added.error())));
    for (const Prefix& address : choice.addresses) {
      check(host_->stack().add_address(*added, address), "--link " + text);
    }
    choices_.push_back(choice);
  }
}

// Interface 0 is the loopback; 0: on no network of the links.
std::uint8_t Router::interface_of(const IpAddr& addr) const {
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    if (choices_[i].has_network_of(addr)) return static_cast<std::uint8_t>(i + 1);
  }
  return 0;
}

// By the interface on whose network the gateway is.
void Router::add_routes(const RouterOptions& options) {
  for (const std::string& text : options.routes) {
    const StaticRoute route = parse_route(text);
    const std::uint8_t interface = interface_of(route.gateway);
    if (interface == 0) {
      throw Failure(fmt::format("--route {}: the gateway is on no network of the links", text));
    }
    check(host_->stack().add_route(route.destination, route.gateway, interface), "--route " + text);
  }
}

// Each prefix on the link whose address is of it; all of a link in one advertisement.
void Router::advertise(const RouterOptions& options) {
  RouterAdvertising common;
  common.max_interval = kAdvertisingInterval;
  for (const std::string& text : options.name_servers) {
    const auto server = IpAddr::parse(text);
    if (!server) throw Failure(fmt::format("--name-server {}: not an address", text));
    common.name_servers.push_back(*server);
  }
  std::map<std::uint8_t, RouterAdvertising> links;
  for (const std::string& text : options.advertised) {
    const auto prefix = Prefix::parse(text);
    const std::uint8_t interface = prefix ? interface_of(prefix->addr) : std::uint8_t{0};
    if (interface == 0 || prefix->addr.is_v4()) {
      throw Failure(fmt::format("--advertise {}: not an IPv6 network of the links", text));
    }
    links.try_emplace(interface, common).first->second.prefixes.push_back({.prefix = *prefix});
  }
  for (const auto& [interface, what] : links) {
    check(host_->stack().advertise(interface, what), "--advertise");
  }
}

void Router::set_nat(const RouterOptions& options) {
  std::uint8_t outside = 1;
  while (outside <= choices_.size() && choices_[outside - 1U].name != options.nat) ++outside;
  if (outside > choices_.size()) {
    throw Failure(fmt::format("--nat {}: none of the links", options.nat));
  }
  Stack& stack = host_->stack();
  check(stack.set_nat(outside), "--nat " + options.nat);
  for (const std::string& text : options.forwards) {
    const PortForward f = parse_forward(text);
    check(stack.add_port_forward(f.protocol, f.outside, f.inside), "-p " + text);
  }
}

void Router::run() {
  while (g_stopped == 0) {
    host_->run_until([] { return g_stopped != 0; }, kLongestSleep);
  }
}

// Hosts look for another router at once.
void Router::finish() {
  Stack& stack = host_->stack();
  stack.set_now(monotonic_now());
  for (std::size_t i = 1; i <= choices_.size(); ++i) {
    stack.stop_advertising(static_cast<std::uint8_t>(i));
  }
  host_->poll();
  if (!capture_) return;
  capture_->flush();
  if (!capture_->error().empty()) throw Failure(capture_->error());
}

std::string Router::words() const {
  std::string text;
  for (const LinkChoice& choice : choices_) {
    if (!text.empty()) text += ", ";
    text += choice.name;
    for (const Prefix& address : choice.addresses) text += " " + address.to_string();
  }
  return text;
}

}  // namespace

void RouterOptions::add_to(CLI::App& app) {
  app.add_option("--link", links,
                 "tap:NAME or packet:INTERFACE and this router's address there, as "
                 "tap:left=10.1.0.1/24 (or more of them, with commas); once for each")
      ->required()
      ->type_name("LINK=ADDRESS/LENGTH[,...]")
      ->allow_extra_args(false);
  add_routes_to(app, routes);
  app.add_option("--advertise", advertised,
                 "an IPv6 network of one of the links, of which its hosts make themselves "
                 "addresses, with this router as their gateway; may be repeated")
      ->type_name("PREFIX")
      ->allow_extra_args(false);
  app.add_option("--name-server", name_servers,
                 "a name server that hosts are told of with the prefix; may be repeated")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  app.add_option("--nat", nat, "translate what leaves by this link (one of them) to its address")
      ->type_name("LINK");
  app.add_option("-p,--publish", forwards,
                 "with --nat: lead a port of its address to a host inside, as 80:10.1.0.5:8080; "
                 "may be repeated")
      ->type_name("OUTSIDE:ADDRESS:INSIDE[/udp]")
      ->allow_extra_args(false);
  app.add_option("--capture", capture, "write every frame to FILE (pcapng, for Wireshark)")
      ->type_name("FILE");
  app.add_option("--option", options, "set an option of the stack (see naru options)")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

int route(const RouterOptions& options) {
  Router router(options);
  stop_by_signals();
  fmt::print("naru: routing between {}\n", router.words());
  std::fflush(stdout);
  router.run();
  router.finish();
  return EXIT_SUCCESS;
}

}  // namespace naru::cli
