// Cache: answers that may be given again until their time is over.
#pragma once

#include <list>
#include <optional>
#include <unordered_map>

#include <naru/resolver/resolver.hpp>

#include "base/siphash.hpp"
#include "wire/dns.hpp"

namespace naru::resolver {

// Bounded in entries and in bytes; who was not asked for longest goes first. The hash is
// keyed, so that nobody outside can choose names that meet in one place.
class Cache {
 public:
  Cache(std::size_t max_entries, SipKey key) : max_entries_(max_entries), entries_(0, Hash{key}) {}

  // TTLs are what is left of them. A name is missing, too, when one above it is (RFC 8020).
  std::optional<NameAnswer> find(const wire::DnsQuestion& question, Time now);
  void store(const wire::DnsQuestion& question, const NameAnswer& answer, Duration ttl, Time now);
  // Nothing has this name, of whatever type.
  void store_missing(const wire::DnsName& name, Duration ttl, Time now);
  void clear();
  std::size_t size() const { return by_use_.size(); }

 private:
  struct Hash {
    SipKey key;
    std::size_t operator()(const wire::DnsQuestion& question) const;
  };
  struct Entry {
    wire::DnsQuestion question;
    NameAnswer answer;
    Time stored;
    Time expires;
    std::size_t size;
  };
  using Entries = std::list<Entry>;

  static constexpr std::size_t kBytesPerEntry = 1024;

  const Entry* look_up(const wire::DnsQuestion& question, Time now);
  void remove(Entries::iterator entry);

  std::size_t max_entries_;
  std::size_t bytes_ = 0;
  Entries by_use_;  // the last used first
  std::unordered_map<wire::DnsQuestion, Entries::iterator, Hash> entries_;
};

}  // namespace naru::resolver
