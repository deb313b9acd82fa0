// Resolver: what names mean (RFC 1034, RFC 1035), asked over the stack's own sockets.
//
//   find_host ─► hosts file ─► search list ─► ask ─► cache ─► servers in turn
//
// Like a stack, a resolver never waits: whoever drives the stack calls poll() after it,
// and at next_deadline(). resolver/blocking.hpp waits for those who have nothing else to do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <naru/random/random.hpp>
#include <naru/resolver/config.hpp>
#include <naru/resolver/network.hpp>
#include <naru/stack/stack.hpp>
#include <naru/wire/dns_type.hpp>

namespace naru {

namespace resolver {
class SharedCache;
}

enum class NameOutcome : std::uint8_t {
  found,
  no_such_name,  // NXDOMAIN
  no_data,       // the name is there, and has nothing of this type
  failed,        // every server has failed or refused
  timed_out,
  no_servers,  // nobody to ask
  bad_name,    // no name, or a type that is not asked for
};

// "found", "no such name"
std::string_view to_string(NameOutcome outcome);

struct NameService {  // SRV (RFC 2782)
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;

  bool operator==(const NameService&) const = default;
};

struct NameRecord {
  DnsType type{};
  std::uint32_t ttl = 0;  // seconds
  // A and AAAA, names (CNAME, PTR, NS), SRV; the bytes of all others.
  std::variant<IpAddr, std::string, NameService, std::vector<std::uint8_t>> data;

  bool operator==(const NameRecord&) const = default;
};

struct NameAnswer {
  NameOutcome outcome = NameOutcome::failed;
  std::string canonical;  // behind the last CNAME
  std::vector<NameRecord> records;
};

struct HostAnswer {
  NameOutcome outcome = NameOutcome::failed;
  std::string canonical;
  std::vector<IpAddr> addresses;
};

enum class NameFamily : std::uint8_t { any, v4, v6 };

class Resolver {
 public:
  using OnAnswer = std::function<void(const NameAnswer&)>;
  using OnHost = std::function<void(const HostAnswer&)>;
  using OnFound = std::function<void(const HostAnswer&, bool is_all)>;

  // The stack outlives the resolver. `random`: for ids, ports and the cache's keys.
  Resolver(Stack& stack, ResolverConfig config, const Random& random);
  // Over other sockets than a stack's; what is learned may outlive the resolver.
  Resolver(std::unique_ptr<resolver::Network> network, ResolverConfig config, const Random& random,
           resolver::SharedCache* cache = nullptr);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The records of one type. The function is called once: before ask returns when the
  // answer is known, else by poll(). It may ask for more.
  void ask(std::string_view name, DnsType type, OnAnswer done);
  // The addresses of a host: of a number, localhost, the hosts file, or as DNS knows it
  // with the search list. IPv4 and IPv6 are asked for at once, and either will do.
  void find_host(std::string_view name, NameFamily family, OnHost done);
  // As find_host, for who has a use for one family while the other is still asked for: the
  // function is called as soon as either is found, and once more with all that there is.
  void follow_host(std::string_view name, OnFound found);
  // The name of an address, in HostAnswer::canonical.
  void find_name(const IpAddr& address, OnHost done);

  // Takes what has come, and asks again where it is time. After each poll of the stack.
  void poll(Time now);
  // Call poll() at this time at the latest.
  Time next_deadline() const;

  // Questions that servers have been asked and that wait for their answer.
  std::size_t pending() const;
  std::size_t cached() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace naru
