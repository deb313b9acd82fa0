#include "posix/names.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <utility>

#include <naru/socket/entropy.hpp>

#include "posix/name_network.hpp"
#include "resolver/order.hpp"
#include "session/system.hpp"
#include "socket/linux_address.hpp"
#include "wire/dns.hpp"

namespace naru::posix {

using wire::kDnsPort;

std::vector<IpAddr> Names::addresses_of(std::string_view name) const {
  const link::LanLink* link = session_.lan();
  if (name.ends_with('.')) name.remove_suffix(1);
  if (link == nullptr || name == "localhost") return {};
  const auto v4 = link->find_address(name);
  if (!v4) return {};
  const auto v6 = link->to_v6(*v4);
  if (!v6 || session_.header().port.address_v6 == Prefix()) return {*v4};
  return {*v4, *v6};
}

std::optional<std::string> Names::name_of(const IpAddr& address) const {
  const link::LanLink* link = session_.lan();
  if (link == nullptr) return std::nullopt;
  auto name = link->find_name(address);
  if (name) *name += ".lan";
  return name;
}

// --- name servers ---------------------------------------------------------------------------

namespace {

// resolv.conf(5), as far as it is reasonable.
std::string read_resolv_conf() {
  constexpr std::size_t kMost = 65'536;
  std::string text(kMost, '\0');
  const long fd = session::system::call(SYS_openat, AT_FDCWD, "/etc/resolv.conf",
                                        O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {};
  const long size = session::system::call(SYS_read, fd, text.data(), text.size());
  session::system::call(SYS_close, fd);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

// Those of the user or of a lease, else those that routers name (RFC 8106).
session::NameServers given_servers(session::Session& session) {
  const session::Inside inside(session);
  const session::Header& header = session.header();
  if (header.name_servers.count != 0 || !header.port.is_autoconfigured) {
    return header.name_servers;
  }
  const LearnedIpv6 learned = session.stack().learned_ipv6(session::kCableInterface);
  session::NameServers servers;
  for (const IpAddr& address : learned.name_servers) {
    if (servers.count < session::NameServers::kMost) servers.addresses[servers.count++] = address;
  }
  for (const std::string& domain : learned.search) servers.add_search(domain);
  return servers;
}

}  // namespace

ResolverConfig Names::servers() const {
  const session::NameServers given = given_servers(session_);
  ResolverConfig config;
  if (given.count == 0 && !session_.has_device()) return config;
  const bool brings_domains = !given.domains().empty();
  config = ResolverConfig::parse(brings_domains ? "search" + std::string(given.domains())
                                                : read_resolv_conf());
  // The machine's own loopback is not the session's: a server there cannot be reached.
  std::erase_if(config.servers, [](const Endpoint& s) { return s.addr.is_loopback(); });
  if (given.count == 0) return config;
  config.servers.clear();
  for (const IpAddr& address : given.all()) config.servers.push_back({address, kDnsPort});
  return config;
}

HostAnswer Names::ask(const std::function<void(Resolver&, Resolver::OnHost)>& question) const {
  auto own = std::make_unique<NameNetwork>(library_);
  NameNetwork& network = *own;
  Resolver resolver(std::move(own), servers(), Random::secure(entropy()), library_.names.get());
  std::optional<HostAnswer> answer;
  question(resolver, [&answer](const HostAnswer& told) { answer = told; });
  while (!answer) {
    network.wait(resolver.next_deadline());
    resolver.poll(network.now());
  }
  return *answer;
}

HostAnswer Names::find_host(std::string_view name, NameFamily family) const {
  return ask([&](Resolver& resolver, Resolver::OnHost done) {
    resolver.find_host(name, family, std::move(done));
  });
}

HostAnswer Names::find_name(const IpAddr& address) const {
  return ask([&](Resolver& resolver, Resolver::OnHost done) {
    resolver.find_name(address, std::move(done));
  });
}

// --- in the C library's words ------------------------------------------------------------------

bool fill_host(hostent& host, std::span<char> room, std::string_view name, int family,
               std::span<const IpAddr> addresses) {
  const bool is_v6 = family == AF_INET6;
  const std::size_t length = is_v6 ? sizeof(in6_addr) : sizeof(in_addr);
  // The list of addresses, that of other names, the addresses, the name itself.
  const std::size_t count = addresses.size();
  const std::size_t pointers = (count + 2) * sizeof(char*);
  const std::size_t needed = pointers + count * length + name.size() + 1;
  void* at = room.data();
  std::size_t size = room.size();
  if (std::align(alignof(char*), needed, at, size) == nullptr) return false;
  auto** list = static_cast<char**>(at);
  char* numbers = static_cast<char*>(at) + pointers;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* bytes = addresses[i].bytes().data();
    list[i] = numbers + i * length;
    // An IPv4 address is kept mapped: it is the last bytes.
    std::memcpy(list[i], is_v6 ? bytes : bytes + sizeof(in6_addr) - sizeof(in_addr), length);
  }
  list[count] = nullptr;
  list[count + 1] = nullptr;
  char* text = numbers + count * length;
  name.copy(text, name.size());
  text[name.size()] = '\0';
  host = {text, list + count + 1, family, static_cast<int>(length), list};
  return true;
}

// --- which first -------------------------------------------------------------------------------

namespace {

IpAddr address_of(const addrinfo& a) {
  const auto endpoint = to_endpoint(a.ai_addr, a.ai_addrlen);
  return endpoint ? endpoint->addr : IpAddr();
}

}  // namespace

addrinfo* put_in_order(addrinfo* list, std::span<const IpAddr> order) {
  if (list == nullptr) return nullptr;
  char* const canonical = std::exchange(list->ai_canonname, nullptr);
  addrinfo* sorted = nullptr;
  addrinfo** end = &sorted;
  const auto take = [&](const auto& is_next) {
    for (addrinfo** at = &list; *at != nullptr;) {
      if (!is_next(**at)) {
        at = &(*at)->ai_next;
        continue;
      }
      *end = *at;
      *at = (*at)->ai_next;
      end = &(*end)->ai_next;
    }
  };
  for (const IpAddr& address : order) {
    take([&](const addrinfo& a) { return address_of(a) == address; });
  }
  take([](const addrinfo&) { return true; });
  *end = nullptr;
  sorted->ai_canonname = canonical;
  return sorted;
}

addrinfo* Names::sort(addrinfo* list) const {
  std::vector<IpAddr> addresses;
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    const IpAddr address = address_of(*a);
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  NameNetwork network(library_);
  resolver::sort_by_destination(addresses, network);
  return put_in_order(list, addresses);
}

bool Names::has_family(int family) const {
  const session::Inside inside(session_);
  if (session_.cable() == nullptr) return false;
  const auto addresses = session_.stack().interface_addresses(session::kCableInterface);
  return std::ranges::any_of(
      addresses, [&](const Prefix& a) { return a.addr.is_v6() == (family == AF_INET6); });
}

}  // namespace naru::posix
