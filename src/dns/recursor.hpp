// Recursor: finds out for others, from the root servers down, and remembers.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <vector>

#include "dns/descent.hpp"
#include "dns/memory.hpp"

namespace naru::dns {

class Recursor {
 public:
  using OnOutcome = std::function<void(const Outcome&)>;

  Recursor(resolver::Network& network, const std::vector<IpAddr>& roots, const Random& random);

  // The function is called once: before this returns, or by poll().
  void ask(const wire::DnsQuestion& question, OnOutcome done);
  void poll();
  Time next_deadline() const;
  std::size_t waiting() const { return open_.size(); }

 private:
  struct Search {
    std::unique_ptr<Descent> descent;
    wire::DnsQuestion question;
    std::vector<OnOutcome> waiting;
  };

  Delegation nearest(const wire::DnsName& name) const;
  void learn(const Delegation& delegation);
  void remember(const wire::DnsQuestion& question, const Outcome& outcome);

  resolver::Network& network_;
  Random random_;
  resolver::Streams streams_;
  Delegation root_;
  Descent::Context context_;
  Memory<Delegation> delegations_;
  Memory<Outcome> outcomes_;
  std::map<MemoryKey, Search> open_;
};

}  // namespace naru::dns
