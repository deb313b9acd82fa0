#include "resolver/shared_cache.hpp"

#include <algorithm>

namespace naru::resolver {

SharedCache::Term SharedCache::begin(std::span<const Endpoint> servers) {
  const std::lock_guard lock(mutex_);
  if (!std::ranges::equal(servers, servers_)) {
    cache_.clear();
    servers_.assign(servers.begin(), servers.end());
    ++term_;
  }
  return term_;
}

std::optional<NameAnswer> SharedCache::find(Term term, const wire::DnsQuestion& question,
                                            Time now) {
  const std::lock_guard lock(mutex_);
  return term == term_ ? cache_.find(question, now) : std::nullopt;
}

void SharedCache::store(Term term, const wire::DnsQuestion& question, const NameAnswer& answer,
                        Duration ttl, Time now) {
  const std::lock_guard lock(mutex_);
  if (term == term_) cache_.store(question, answer, ttl, now);
}

void SharedCache::store_missing(Term term, const wire::DnsName& name, Duration ttl, Time now) {
  const std::lock_guard lock(mutex_);
  if (term == term_) cache_.store_missing(name, ttl, now);
}

bool SharedCache::is_whole() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  return lock.owns_lock();
}

std::size_t SharedCache::size() const {
  const std::lock_guard lock(mutex_);
  return cache_.size();
}

}  // namespace naru::resolver
