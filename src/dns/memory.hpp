// Memory: what may be told again until its time is over. Bounded: what would be forgotten
// first goes first.
#pragma once

#include <map>
#include <set>
#include <string>

#include <naru/time/time.hpp>
#include <naru/wire/dns_name.hpp>
#include <naru/wire/dns_type.hpp>

namespace naru::dns {

using MemoryKey = std::pair<DnsType, std::string>;

inline MemoryKey memory_key(const wire::DnsName& name, DnsType type) {
  const wire::DnsName folded = name.folded();
  return {type, std::string(folded.wire().begin(), folded.wire().end())};
}

template <class T>
class Memory {
 public:
  explicit Memory(std::size_t most) : most_(most) {}

  // nullptr: not known, or not any more.
  const T* find(const MemoryKey& key, Time now) const {
    const auto found = entries_.find(key);
    return found != entries_.end() && now < found->second.expires ? &found->second.value : nullptr;
  }
  void store(const MemoryKey& key, T value, Time expires) {
    if (const auto old = entries_.find(key); old != entries_.end()) {
      by_end_.erase({old->second.expires, key});
    }
    entries_[key] = {std::move(value), expires};
    by_end_.emplace(expires, key);
    if (entries_.size() <= most_) return;
    entries_.erase(by_end_.begin()->second);
    by_end_.erase(by_end_.begin());
  }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    T value;
    Time expires;
  };

  std::size_t most_;
  std::map<MemoryKey, Entry> entries_;
  std::set<std::pair<Time, MemoryKey>> by_end_;
};

}  // namespace naru::dns
