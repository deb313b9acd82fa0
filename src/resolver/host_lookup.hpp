// HostLookups: from the name that a person writes to addresses.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "resolver/queries.hpp"

namespace naru::resolver {

class HostLookups {
 public:
  using OnHost = Resolver::OnHost;
  using OnFound = Resolver::OnFound;

  HostLookups(Network& network, const ResolverConfig& config, Queries& queries)
      : network_(network), config_(config), queries_(queries) {}

  void find_host(std::string_view name, NameFamily family, OnHost done);
  void follow_host(std::string_view name, OnFound found);
  void find_name(const IpAddr& address, OnHost done);
  void poll(Time now);
  Time next_deadline() const;

 private:
  // One name, under each of the names that it may stand for.
  struct Lookup {
    std::vector<wire::DnsName> candidates;  // in turn
    std::size_t candidate = 0;
    NameFamily family{};
    bool is_followed = false;  // what one family has is told at once
    OnFound told;
    // Of this candidate: what IPv4 and what IPv6 has, once it is known.
    std::optional<NameAnswer> v4;
    std::optional<NameAnswer> v6;
    NameOutcome worst = NameOutcome::no_such_name;  // of the candidates before
    Time deadline = kTimeNever;                     // the other family is not waited for any longer
    bool is_over = false;
  };
  using Handle = std::shared_ptr<Lookup>;

  // What is known without asking; none: ask.
  std::optional<HostAnswer> without_asking(std::string_view name, NameFamily family) const;
  std::vector<wire::DnsName> candidates_of(std::string_view name,
                                           const wire::DnsName& parsed) const;
  void find(std::string_view name, Lookup lookup);
  void ask(const Handle& lookup);
  void on_answer(const Handle& lookup);
  // Of what is known of the candidate.
  HostAnswer answer_of(const Lookup& lookup) const;
  void end(Lookup& lookup);

  Network& network_;
  const ResolverConfig& config_;
  Queries& queries_;
  std::list<Handle> open_;
};

}  // namespace naru::resolver
