// The road of a page, from its name in a browser to TIME-WAIT, in one process and in virtual
// time: the same at every run.
//
//   browser ── hub ── switch ── NAT ── router 1 ── router 2 ── router 3 ── web server
//                       │                 │           │           └─ name server of shop.example
//                   resolver         name server   name server
//                                     of the root   of example
//
// The page is fetched over IPv4, through the NAT, and then over IPv6, past it. Every step that
// a host or device takes is printed; the exit status is 0 when the page that came is the page
// that was sent, both times.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <naru/dns/server.hpp>
#include <naru/resolver/resolver.hpp>

#include "road/network.hpp"
#include "road/travelogue.hpp"
#include "road/web.hpp"

namespace naru::road {
namespace {

constexpr std::string_view kName = "www.shop.example";
constexpr std::size_t kBrowser = 0;  // the first station

constexpr std::string_view kRootZone = R"(
$TTL 86400
.               SOA a.root. admin.root. 1 3600 600 86400 300
.               NS  a.root.
a.root.         A   198.18.1.53
example.        NS  ns.nic.example.
ns.nic.example. A   198.18.2.53
)";

constexpr std::string_view kExampleZone = R"(
$ORIGIN example.
$TTL 3600
@       SOA ns.nic admin 1 3600 600 86400 60
        NS  ns.nic
ns.nic  A   198.18.2.53
shop    NS  ns.shop
ns.shop A   198.18.3.53
)";

constexpr std::string_view kShopZone = R"(
$ORIGIN shop.example.
$TTL 300
@       SOA ns admin 1 3600 600 86400 60
        NS  ns
ns      A   198.18.3.53
www     A   192.0.2.80
        AAAA 2001:db8:80::80
)";

// In the order of Road::Stations.
std::vector<Travelogue::StationName> station_names() {
  return {{'B', "browser", "10.1.0.5, 2001:db8:1::5"},
          {'H', "hub", "between the browser and the switch"},
          {'S', "switch", "port 0 the hub, 1 the resolver, 2 the NAT"},
          {'N', "nat", "inside 10.1.0.1, 2001:db8:1::1; outside 203.0.113.2"},
          {'1', "router 1", "with the name server of the root"},
          {'2', "router 2", "with the name server of example"},
          {'3', "router 3", "with the name server of shop.example, and the web server"},
          {'W', "web", "www.shop.example: 192.0.2.80, 2001:db8:80::80"},
          {'R', "resolver", "10.1.0.53"},
          {'r', "root", "198.18.1.53, knows who serves example"},
          {'e', "example", "198.18.2.53, knows who serves shop.example"},
          {'s', "shop", "198.18.3.53, knows www.shop.example"}};
}

std::string make_page() {
  std::string page = "<!doctype html>\n<title>naru</title>\n<h1>The road</h1>\n";
  for (int line = 1; page.size() < 4'000; ++line) {
    page += "<p>Line " + std::to_string(line) + " of a page that needs several segments.</p>\n";
  }
  return page;
}

IpAddr addr(std::string_view text) { return must(IpAddr::parse(text), text); }
Prefix prefix(std::string_view text) { return must(Prefix::parse(text), text); }

// --- how the road is laid ------------------------------------------------------------------

void plug(Stack& stack, std::string_view interface, link::Link& link,
          std::initializer_list<std::string_view> addresses) {
  const std::uint8_t index = must(stack.add_interface(interface, link), interface);
  for (const std::string_view address : addresses) {
    must(stack.add_address(index, prefix(address)), address);
  }
}

void lead(Stack& stack, std::string_view interface, std::string_view gateway,
          std::initializer_list<std::string_view> networks) {
  const std::uint8_t index = must(stack.find_interface(interface), interface);
  for (const std::string_view network : networks) {
    must(stack.add_route(prefix(network), addr(gateway), index), network);
  }
}

Options router_options(std::int64_t nat_sessions = 0) {
  Options options;
  must(options.set(Option::ip_forwarding, 1), "ip.forwarding");
  must(options.set(Option::nat_max_sessions, nat_sessions), "nat.max_sessions");
  return options;
}

class Road {
 public:
  explicit Road(Travelogue& travelogue);

  // The page, over that family; none: it did not come.
  std::optional<std::string> fetch(NameFamily family);

 private:
  struct Stations {
    Stack& browser;
    device::Hub& hub;
    device::Switch& sw;
    Stack& nat;
    Stack& router1;
    Stack& router2;
    Stack& router3;
    Stack& web;
    Stack& resolver;
    Stack& root;
    Stack& example;
    Stack& shop;
  };
  static Stations add_stations(Network& network);

  void lay_home();
  void lay_routers();
  void lay_servers();
  void start_servers();
  void add_name_server(Stack& stack, std::string_view address, std::string_view zone,
                       std::initializer_list<std::string_view> roots = {});
  std::optional<IpAddr> resolve(NameFamily family);

  Travelogue& travelogue_;
  bool is_told_ = false;  // what happens is of interest
  Network network_;
  Stations at_;
  std::vector<std::unique_ptr<dns::Server>> name_servers_;
  std::unique_ptr<PageServer> web_;
  std::unique_ptr<Resolver> names_;  // the browser's
  std::unique_ptr<Fetch> fetch_;
};

Road::Road(Travelogue& travelogue)
    : travelogue_(travelogue),
      network_([this](std::size_t station, const trace::Event& event) {
        if (is_told_) travelogue_.add(station, event);
      }),
      at_(add_stations(network_)) {
  lay_home();
  lay_routers();
  lay_servers();
  start_servers();
  // Until the addresses have been announced, and the switch has forgotten by whom.
  network_.run([] { return false; }, 10min);
  is_told_ = true;
}

// The members of a braced list are made from left to right, and get their numbers so.
Road::Stations Road::add_stations(Network& network) {
  return {.browser = network.add_host(),
          .hub = network.add_hub(),
          .sw = network.add_switch(),
          .nat = network.add_host(router_options(1'024)),
          .router1 = network.add_host(router_options()),
          .router2 = network.add_host(router_options()),
          .router3 = network.add_host(router_options()),
          .web = network.add_host(),
          .resolver = network.add_host(),
          .root = network.add_host(),
          .example = network.add_host(),
          .shop = network.add_host()};
}

void Road::lay_home() {
  Cable& to_browser = network_.add_cable(2us);
  Cable& to_hub = network_.add_cable(2us);
  Cable& to_resolver = network_.add_cable(2us);
  Cable& to_nat = network_.add_cable(2us);
  must(at_.hub.add_port("browser", to_browser.near), "hub");
  must(at_.hub.add_port("switch", to_hub.near), "hub");
  must(at_.sw.add_port("hub", to_hub.far), "switch");
  must(at_.sw.add_port("resolver", to_resolver.near), "switch");
  must(at_.sw.add_port("nat", to_nat.near), "switch");
  plug(at_.browser, "eth0", to_browser.far, {"10.1.0.5/24", "2001:db8:1::5/64"});
  plug(at_.resolver, "eth0", to_resolver.far, {"10.1.0.53/24"});
  plug(at_.nat, "inside", to_nat.far, {"10.1.0.1/24", "2001:db8:1::1/64"});
  lead(at_.browser, "eth0", "10.1.0.1", {"0.0.0.0/0"});
  lead(at_.browser, "eth0", "2001:db8:1::1", {"::/0"});
  lead(at_.resolver, "eth0", "10.1.0.1", {"0.0.0.0/0"});
}

void Road::lay_routers() {
  Cable& access = network_.add_cable(500us);
  Cable& trunk = network_.add_cable(2ms);
  Cable& far_trunk = network_.add_cable(2ms);
  plug(at_.nat, "outside", access.near, {"203.0.113.2/24", "2001:db8:100::2/64"});
  plug(at_.router1, "home", access.far, {"203.0.113.1/24", "2001:db8:100::1/64"});
  plug(at_.router1, "east", trunk.near, {"198.51.100.1/30", "2001:db8:101::1/64"});
  plug(at_.router2, "west", trunk.far, {"198.51.100.2/30", "2001:db8:101::2/64"});
  plug(at_.router2, "east", far_trunk.near, {"198.51.100.5/30", "2001:db8:102::1/64"});
  plug(at_.router3, "west", far_trunk.far, {"198.51.100.6/30", "2001:db8:102::2/64"});

  lead(at_.nat, "outside", "203.0.113.1", {"0.0.0.0/0"});
  lead(at_.nat, "outside", "2001:db8:100::1", {"::/0"});
  lead(at_.router1, "home", "2001:db8:100::2", {"2001:db8:1::/64"});
  lead(at_.router1, "east", "198.51.100.2", {"198.18.2.0/24", "198.18.3.0/24", "192.0.2.0/24"});
  lead(at_.router1, "east", "2001:db8:101::2", {"2001:db8:80::/64"});
  lead(at_.router2, "west", "198.51.100.1", {"0.0.0.0/0"});
  lead(at_.router2, "west", "2001:db8:101::1", {"::/0"});
  lead(at_.router2, "east", "198.51.100.6", {"198.18.3.0/24", "192.0.2.0/24"});
  lead(at_.router2, "east", "2001:db8:102::2", {"2001:db8:80::/64"});
  lead(at_.router3, "west", "198.51.100.5", {"0.0.0.0/0"});
  lead(at_.router3, "west", "2001:db8:102::1", {"::/0"});
  must(at_.nat.set_nat(must(at_.nat.find_interface("outside"), "outside")), "nat");
}

void Road::lay_servers() {
  const auto attach = [&](Stack& router, Stack& server, std::string_view interface,
                          std::string_view at_router, std::string_view at_server,
                          std::string_view gateway) {
    Cable& cable = network_.add_cable(100us);
    plug(router, interface, cable.near, {at_router});
    plug(server, "eth0", cable.far, {at_server});
    lead(server, "eth0", gateway, {"0.0.0.0/0"});
  };
  attach(at_.router1, at_.root, "root", "198.18.1.1/24", "198.18.1.53/24", "198.18.1.1");
  attach(at_.router2, at_.example, "example", "198.18.2.1/24", "198.18.2.53/24", "198.18.2.1");
  attach(at_.router3, at_.shop, "shop", "198.18.3.1/24", "198.18.3.53/24", "198.18.3.1");
  attach(at_.router3, at_.web, "web", "192.0.2.1/24", "192.0.2.80/24", "192.0.2.1");
  must(at_.router3.add_address(must(at_.router3.find_interface("web"), "web"),
                               prefix("2001:db8:80::1/64")),
       "router 3");
  must(at_.web.add_address(1, prefix("2001:db8:80::80/64")), "web");
  lead(at_.web, "eth0", "2001:db8:80::1", {"::/0"});
}

// --- what runs on it -----------------------------------------------------------------------

void Road::add_name_server(Stack& stack, std::string_view address, std::string_view zone,
                           std::initializer_list<std::string_view> roots) {
  dns::ServerConfig config{.local = {addr(address), 53}, .zones = {}, .roots = {}};
  if (!zone.empty()) config.zones.push_back(must(dns::Zone::parse(zone), "bad zone"));
  for (const std::string_view root : roots) config.roots.push_back(addr(root));
  const Random random = Random::seeded(100 + name_servers_.size());
  name_servers_.push_back(
      must(dns::Server::create(stack, std::move(config), random), "cannot start a name server"));
  dns::Server* server = name_servers_.back().get();
  network_.add_program({.poll = [server](Time now) { server->poll(now); },
                        .next_deadline = [server] { return server->next_deadline(); }});
}

void Road::start_servers() {
  add_name_server(at_.root, "198.18.1.53", kRootZone);
  add_name_server(at_.example, "198.18.2.53", kExampleZone);
  add_name_server(at_.shop, "198.18.3.53", kShopZone);
  add_name_server(at_.resolver, "10.1.0.53", {}, {"198.18.1.53"});

  web_ = std::make_unique<PageServer>(at_.web, make_page());
  network_.add_program(
      {.poll = [this](Time) { web_->poll(); }, .next_deadline = [] { return kTimeNever; }});

  ResolverConfig config;
  config.servers = {{addr("10.1.0.53"), 53}};
  names_ = std::make_unique<Resolver>(at_.browser, config, Random::seeded(200));
  network_.add_program({.poll = [this](Time now) { names_->poll(now); },
                        .next_deadline = [this] { return names_->next_deadline(); }});

  network_.add_program({.poll =
                            [this](Time) {
                              if (fetch_) fetch_->poll();
                            },
                        .next_deadline = [] { return kTimeNever; }});
}

std::optional<IpAddr> Road::resolve(NameFamily family) {
  std::optional<HostAnswer> answer;
  travelogue_.note(kBrowser, network_.now(), "resolve", "where is " + std::string(kName) + "?");
  names_->find_host(kName, family, [&answer](const HostAnswer& told) { answer = told; });
  network_.run([&] { return answer.has_value(); }, 30s);
  if (!answer || answer->addresses.empty()) {
    travelogue_.note(kBrowser, network_.now(), "resolve", "nobody knows");
    return std::nullopt;
  }
  travelogue_.note(kBrowser, network_.now(), "resolve", answer->addresses[0].to_string());
  return answer->addresses[0];
}

std::optional<std::string> Road::fetch(NameFamily family) {
  const std::string over = family == NameFamily::v4 ? "IPv4" : "IPv6";
  travelogue_.chapter("the name, for its address of " + over);
  const auto server = resolve(family);
  if (!server) return std::nullopt;
  travelogue_.chapter("the page, over " + over);
  const std::uint32_t waiting = at_.browser.usage().time_wait;
  const std::uint32_t open = at_.web.usage().connections;
  fetch_ = std::make_unique<Fetch>(at_.browser, Endpoint{*server, 80}, std::string(kName));
  network_.run(
      [&] {
        return fetch_->is_done() && at_.web.usage().connections == open &&
               at_.browser.usage().time_wait > waiting;
      },
      30s);
  return fetch_->is_done() ? fetch_->page() : std::nullopt;
}

bool travel() {
  Travelogue travelogue(station_names(), [](std::string_view line) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  });
  Road road(travelogue);
  const std::string page = make_page();
  const bool came4 = road.fetch(NameFamily::v4) == page;
  const bool came6 = road.fetch(NameFamily::v6) == page;
  travelogue.finish();
  const auto tell = [&](const char* family, bool came) {
    std::printf("%s: %zu bytes were sent, %s\n", family, page.size(),
                came ? "and came as they were" : "and did NOT come as they were");
  };
  std::printf("\n");
  tell("IPv4", came4);
  tell("IPv6", came6);
  return came4 && came6;
}

}  // namespace
}  // namespace naru::road

int main() {
  try {
    return naru::road::travel() ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "road: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
