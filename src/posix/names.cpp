#include "posix/names.hpp"

#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <sys/syscall.h>

#include <naru/socket/entropy.hpp>

#include "posix/name_network.hpp"
#include "session/system.hpp"
#include "wire/dns.hpp"

namespace naru::posix {

using wire::kDnsPort;

std::optional<IpAddr> Names::address_of(std::string_view name) const {
  const link::LanLink* link = session_.lan();
  if (name.ends_with('.')) name.remove_suffix(1);
  if (link == nullptr || name == "localhost") return std::nullopt;
  return link->find_address(name);
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

}  // namespace

ResolverConfig Names::servers() const {
  const session::NameServers& given = session_.header().name_servers;
  ResolverConfig config;
  if (given.count == 0 && !session_.has_device()) return config;
  config = ResolverConfig::parse(read_resolv_conf());
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
  Resolver resolver(std::move(own), servers(), Random::secure(entropy()));
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

bool fill_host(hostent& host, std::span<char> room, std::string_view name,
               std::span<const IpAddr> addresses) {
  // The list of addresses, that of other names, the addresses, the name itself.
  const std::size_t count = addresses.size();
  const std::size_t pointers = (count + 2) * sizeof(char*);
  const std::size_t needed = pointers + count * sizeof(in_addr) + name.size() + 1;
  void* at = room.data();
  std::size_t size = room.size();
  if (std::align(alignof(char*), needed, at, size) == nullptr) return false;
  auto** list = static_cast<char**>(at);
  auto* numbers = reinterpret_cast<in_addr*>(static_cast<char*>(at) + pointers);
  for (std::size_t i = 0; i < count; ++i) {
    numbers[i].s_addr = htonl(addresses[i].to_v4());
    list[i] = reinterpret_cast<char*>(&numbers[i]);
  }
  list[count] = nullptr;
  list[count + 1] = nullptr;
  auto* text = reinterpret_cast<char*>(numbers + count);
  name.copy(text, name.size());
  text[name.size()] = '\0';
  host = {text, list + count + 1, AF_INET, sizeof(in_addr), list};
  return true;
}

addrinfo* put_reachable_first(addrinfo* list) {
  addrinfo* near = nullptr;
  addrinfo* far = nullptr;
  addrinfo** near_end = &near;
  addrinfo** far_end = &far;
  for (addrinfo* a = list; a != nullptr; a = a->ai_next) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(a->ai_addr);
    const bool is_far = a->ai_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    addrinfo**& end = is_far ? far_end : near_end;
    *end = a;
    end = &a->ai_next;
  }
  *far_end = nullptr;
  *near_end = far;
  return near;
}

}  // namespace naru::posix
