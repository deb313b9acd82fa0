// SharedCache: a cache for resolvers that come and go, also in many threads at once.
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "resolver/cache.hpp"

namespace naru::resolver {

// What one set of name servers has said is nothing to those who ask others: whoever begins to
// ask names his servers, and other ones than before empty the cache. What he stores after
// somebody else has come with other servers is not taken.
class SharedCache {
 public:
  using Term = std::uint64_t;  // of a set of servers

  SharedCache(std::size_t max_entries, SipKey key) : cache_(max_entries, key) {}

  Term begin(std::span<const Endpoint> servers);
  std::optional<NameAnswer> find(Term term, const wire::DnsQuestion& question, Time now);
  void store(Term term, const wire::DnsQuestion& question, const NameAnswer& answer, Duration ttl,
             Time now);
  void store_missing(Term term, const wire::DnsName& name, Duration ttl, Time now);
  std::size_t size() const;

  // In a child of fork(2): nobody was in the middle of a call. Else a thread that is not here
  // has left it half changed, and it must be left alone, also by its destructor.
  bool is_whole();

 private:
  mutable std::mutex mutex_;
  Cache cache_;
  Term term_ = 0;
  std::vector<Endpoint> servers_;
};

}  // namespace naru::resolver
