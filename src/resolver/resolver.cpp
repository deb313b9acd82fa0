#include <algorithm>
#include <array>

#include <naru/resolver/resolver.hpp>

#include "resolver/host_lookup.hpp"
#include "resolver/queries.hpp"

namespace naru {

std::string_view to_string(NameOutcome outcome) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 7> kWords{"found",
                                                   "no such name",
                                                   "no data of this type",
                                                   "the name servers failed",
                                                   "timed out",
                                                   "no name server to ask",
                                                   "not a name"};
  return kWords[static_cast<std::size_t>(outcome)];
}

struct Resolver::State {
  State(std::unique_ptr<resolver::Network> given_network, ResolverConfig given,
        const Random& random, resolver::SharedCache* cache)
      : network(std::move(given_network)),
        config(std::move(given)),
        queries(*network, config, random, cache),
        hosts(*network, config, queries) {}

  std::unique_ptr<resolver::Network> network;
  ResolverConfig config;
  resolver::Queries queries;
  resolver::HostLookups hosts;
};

Resolver::Resolver(Stack& stack, ResolverConfig config, const Random& random)
    : Resolver(resolver::stack_network(stack), std::move(config), random) {}

Resolver::Resolver(std::unique_ptr<resolver::Network> network, ResolverConfig config,
                   const Random& random, resolver::SharedCache* cache)
    : state_(std::make_unique<State>(std::move(network), std::move(config), random, cache)) {}

Resolver::~Resolver() = default;

void Resolver::ask(std::string_view name, DnsType type, OnAnswer done) {
  const auto parsed = wire::DnsName::parse(name);
  if (!parsed) return done({.outcome = NameOutcome::bad_name, .canonical = {}, .records = {}});
  state_->queries.ask({*parsed, type}, std::move(done));
}

void Resolver::find_host(std::string_view name, NameFamily family, OnHost done) {
  state_->hosts.find_host(name, family, std::move(done));
}

void Resolver::follow_host(std::string_view name, OnFound found) {
  state_->hosts.follow_host(name, std::move(found));
}

void Resolver::find_name(const IpAddr& address, OnHost done) {
  state_->hosts.find_name(address, std::move(done));
}

void Resolver::poll(Time now) {
  state_->queries.poll(now);
  state_->hosts.poll(now);
}

Time Resolver::next_deadline() const {
  return std::min(state_->queries.next_deadline(), state_->hosts.next_deadline());
}

std::size_t Resolver::pending() const { return state_->queries.pending(); }

std::size_t Resolver::cached() const { return state_->queries.cached(); }

}  // namespace naru
