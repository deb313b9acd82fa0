#include "dns/recursor.hpp"

#include <algorithm>

namespace naru::dns {
namespace {

using wire::DnsName;
using wire::DnsQuestion;

constexpr std::size_t kMaxSearches = 256;
constexpr std::size_t kMaxWaiting = 256;  // for one answer
constexpr std::size_t kMaxRemembered = 4096;
constexpr Duration kMaxTtl = 24h;
constexpr Duration kMaxNegativeTtl = 15min;
constexpr Duration kFailureTtl = 5s;  // RFC 9520 3.2

// How long an outcome may be told again: as long as the shortest of its records lives.
Duration life_of(const Outcome& outcome) {
  if (outcome.rcode == DnsRcode::server_failure) return kFailureTtl;
  std::uint32_t ttl = UINT32_MAX;
  for (const Record& record : outcome.answers) ttl = std::min(ttl, record.ttl);
  for (const Record& record : outcome.soa) {
    const std::uint32_t minimum = load_be32(record.data.data() + record.data.size() - 4);
    ttl = std::min({ttl, record.ttl, minimum});
  }
  if (outcome.answers.empty() && outcome.soa.empty()) return Duration(0);
  const Duration life = std::chrono::seconds(ttl);
  return std::min(life, outcome.soa.empty() ? kMaxTtl : kMaxNegativeTtl);
}

}  // namespace

Recursor::Recursor(resolver::Network& network, const std::vector<IpAddr>& roots,
                   const Random& random)
    : network_(network),
      random_(random),
      streams_(network, random_),
      context_{.network = network_,
               .random = random_,
               .streams = streams_,
               .on_delegation = [this](const Delegation& d) { learn(d); },
               .nearest = [this](const DnsName& name) { return nearest(name); }},
      delegations_(kMaxRemembered),
      outcomes_(kMaxRemembered) {
  for (const IpAddr& root : roots) root_.servers.push_back({DnsName(), root});
}

Delegation Recursor::nearest(const DnsName& name) const {
  for (DnsName zone = name; !zone.is_root(); zone = zone.parent()) {
    const auto* known = delegations_.find(memory_key(zone, DnsType::ns), network_.now());
    if (known != nullptr) return *known;
  }
  return root_;
}

void Recursor::learn(const Delegation& delegation) {
  const Duration life = std::min<Duration>(std::chrono::seconds(delegation.ttl), kMaxTtl);
  delegations_.store(memory_key(delegation.zone, DnsType::ns), delegation, network_.now() + life);
}

void Recursor::ask(const DnsQuestion& question, OnOutcome done) {
  const MemoryKey key = memory_key(question.name, question.type);
  if (const Outcome* known = outcomes_.find(key, network_.now())) return done(*known);
  const auto same = open_.find(key);
  const bool is_full = same != open_.end() ? same->second.waiting.size() == kMaxWaiting
                                           : open_.size() == kMaxSearches;
  if (is_full) return done({});
  Search& search = same != open_.end() ? same->second : open_[key];
  search.waiting.push_back(std::move(done));
  if (search.descent) return;
  search.question = question;
  search.descent = std::make_unique<Descent>(context_, question);
}

void Recursor::remember(const DnsQuestion& question, const Outcome& outcome) {
  const Duration life = life_of(outcome);
  if (life <= Duration(0)) return;
  outcomes_.store(memory_key(question.name, question.type), outcome, network_.now() + life);
}

void Recursor::poll() {
  streams_.poll();
  std::vector<Search> over;
  for (auto it = open_.begin(); it != open_.end();) {
    it->second.descent->poll();
    if (!it->second.descent->is_over()) {
      ++it;
      continue;
    }
    over.push_back(std::move(it->second));
    it = open_.erase(it);
  }
  for (const Search& search : over) {
    remember(search.question, search.descent->outcome());
    for (const OnOutcome& done : search.waiting) done(search.descent->outcome());
  }
}

// A search that is over before anybody was asked is told of by the next poll.
Time Recursor::next_deadline() const {
  Time deadline = streams_.next_deadline();
  for (const auto& [key, search] : open_) {
    if (search.descent->is_over()) return network_.now();
    deadline = std::min(deadline, search.descent->next_deadline());
  }
  return deadline;
}

}  // namespace naru::dns
