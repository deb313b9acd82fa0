#include "resolver/cache.hpp"

#include <algorithm>

namespace naru::resolver {
namespace {

using wire::DnsName;
using wire::DnsQuestion;

// In place of a type: the name itself is missing.
constexpr DnsType kMissing{0};

std::size_t size_of(const NameRecord& record) {
  std::size_t size = sizeof record;
  if (const auto* name = std::get_if<std::string>(&record.data)) size += name->size();
  if (const auto* service = std::get_if<NameService>(&record.data)) size += service->target.size();
  if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&record.data)) {
    size += bytes->size();
  }
  return size;
}

}  // namespace

std::size_t Cache::Hash::operator()(const DnsQuestion& question) const {
  const DnsName name = question.name.folded();
  std::uint64_t hash = static_cast<std::uint64_t>(question.type);
  for (Bytes rest = name.wire(); !rest.empty();) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(rest.size(), sizeof word);
    std::memcpy(&word, rest.data(), size);
    hash = siphash(key, {hash, word});
    rest = rest.subspan(size);
  }
  return hash;
}

void Cache::remove(Entries::iterator entry) {
  bytes_ -= entry->size;
  entries_.erase(entry->question);
  by_use_.erase(entry);
}

void Cache::clear() {
  entries_.clear();
  by_use_.clear();
  bytes_ = 0;
}

const Cache::Entry* Cache::look_up(const DnsQuestion& question, Time now) {
  const auto found = entries_.find(question);
  if (found == entries_.end()) return nullptr;
  const auto entry = found->second;
  if (now >= entry->expires) {
    remove(entry);
    return nullptr;
  }
  by_use_.splice(by_use_.begin(), by_use_, entry);
  return &*entry;
}

std::optional<NameAnswer> Cache::find(const DnsQuestion& question, Time now) {
  const Entry* entry = look_up(question, now);
  for (DnsName name = question.name; entry == nullptr && !name.is_root(); name = name.parent()) {
    entry = look_up({name, kMissing}, now);
  }
  if (entry == nullptr) return std::nullopt;
  NameAnswer answer = entry->answer;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - entry->stored).count();
  for (NameRecord& record : answer.records) {
    record.ttl -= static_cast<std::uint32_t>(std::min<std::int64_t>(age, record.ttl));
  }
  return answer;
}

void Cache::store(const DnsQuestion& question, const NameAnswer& answer, Duration ttl, Time now) {
  if (ttl <= Duration(0) || max_entries_ == 0) return;
  if (const auto old = entries_.find(question); old != entries_.end()) remove(old->second);
  std::size_t size = sizeof(Entry) + answer.canonical.size();
  for (const NameRecord& record : answer.records) size += size_of(record);
  if (size > max_entries_ * kBytesPerEntry) return;
  by_use_.push_front({question, answer, now, now + ttl, size});
  entries_.emplace(question, by_use_.begin());
  bytes_ += size;
  while (by_use_.size() > max_entries_ || bytes_ > max_entries_ * kBytesPerEntry) {
    remove(std::prev(by_use_.end()));
  }
}

void Cache::store_missing(const DnsName& name, Duration ttl, Time now) {
  const NameAnswer answer{
      .outcome = NameOutcome::no_such_name, .canonical = name.to_string(), .records = {}};
  store({name, kMissing}, answer, ttl, now);
}

}  // namespace naru::resolver
