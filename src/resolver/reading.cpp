#include "resolver/reading.hpp"

#include <algorithm>

namespace naru::resolver {
namespace {

using wire::DnsMessageView;
using wire::DnsName;
using wire::DnsQuestion;
using wire::DnsRecord;
using wire::DnsSection;

NameRecord to_record(const DnsMessageView& message, const DnsRecord& record) {
  NameRecord result{.type = record.type, .ttl = record.ttl, .data = {}};
  const std::uint8_t* p = record.data.data();
  switch (record.type) {
    case DnsType::a:
      result.data = IpAddr::v4(load_be32(p));
      break;
    case DnsType::aaaa: {
      std::array<std::uint8_t, 16> bytes{};
      std::ranges::copy(record.data, bytes.begin());
      result.data = IpAddr::v6(bytes);
      break;
    }
    case DnsType::cname:
    case DnsType::ptr:
    case DnsType::ns:
      result.data = message.name_in(record).to_string();
      break;
    case DnsType::srv:
      result.data = NameService{.priority = load_be16(p),
                                .weight = load_be16(p + 2),
                                .port = load_be16(p + 4),
                                .target = message.name_in(record, 6).to_string()};
      break;
    default:
      result.data = message.plain_data(record);
  }
  return result;
}

// Goes from alias to alias, in whatever order the records stand.
class Walk {
 public:
  Walk(const DnsMessageView& message, const DnsQuestion& question)
      : message_(message), type_(question.type), name_(question.name) {}

  // False when the aliases do not come to an end.
  bool run() {
    for (unsigned i = 0; i <= kMaxChain; ++i) {
      if (!step()) return true;
    }
    return false;
  }
  const DnsName& end() const { return name_; }
  std::vector<NameRecord>& records() { return records_; }
  // The lowest of all TTLs that were met (RFC 2181 5.2).
  std::uint32_t ttl() const { return ttl_; }

 private:
  // Collects what the name has; true when that is an alias.
  bool step() {
    std::optional<DnsName> target;
    message_.for_each([&](DnsSection section, const DnsRecord& record) {
      if (section != DnsSection::answer || record.klass != wire::kDnsInternet) return;
      if (record.type != type_ && record.type != DnsType::cname) return;
      if (record.name != name_) return;
      if (record.type == type_) {
        if (records_.size() == kMaxRecords) return;
        records_.push_back(to_record(message_, record));
      } else if (!target) {
        target = message_.name_in(record);
      }
      ttl_ = std::min(ttl_, record.ttl);
    });
    if (!records_.empty() || !target) return false;
    name_ = *target;
    return true;
  }

  const DnsMessageView& message_;
  DnsType type_;
  DnsName name_;
  std::vector<NameRecord> records_;
  std::uint32_t ttl_ = UINT32_MAX;
};

// How long the zone of `name` wants it to be missing (RFC 2308 5); none: it does not say.
std::optional<std::uint32_t> negative_ttl(const DnsMessageView& message, const DnsName& name) {
  std::optional<std::uint32_t> ttl;
  message.for_each([&](DnsSection section, const DnsRecord& record) {
    if (section != DnsSection::authority || record.type != DnsType::soa) return;
    if (!name.is_in(record.name)) return;
    ttl = std::min(record.ttl, DnsMessageView::soa_minimum(record));
  });
  return ttl;
}

// A server that only knows of others, and was not asked for them.
bool is_referral(const DnsMessageView& message) {
  bool names_others = false;
  message.for_each([&](DnsSection section, const DnsRecord& record) {
    names_others |= section == DnsSection::authority && record.type == DnsType::ns;
  });
  return names_others && !message.header().is_authoritative;
}

}  // namespace

Reading read_response(const DnsMessageView& response, const DnsQuestion& question) {
  Reading reading;
  const bool is_missing = response.rcode() == DnsRcode::name_error;
  if (!is_missing && response.rcode() != DnsRcode::no_error) return reading;
  Walk walk(response, question);
  if (!walk.run()) return reading;
  reading.end = walk.end();
  reading.answer.canonical = walk.end().to_string();
  std::uint32_t ttl = walk.ttl();
  if (!walk.records().empty()) {
    reading.kind = Reading::Kind::answer;
    reading.answer.outcome = NameOutcome::found;
    reading.answer.records = std::move(walk.records());
  } else {
    const auto soa = negative_ttl(response, walk.end());
    const bool has_moved = walk.end() != question.name;
    if (!is_missing && !soa && has_moved) {
      reading.kind = Reading::Kind::follow;
    } else if (is_missing || soa || !is_referral(response)) {
      reading.kind = Reading::Kind::answer;
      reading.answer.outcome = is_missing ? NameOutcome::no_such_name : NameOutcome::no_data;
      ttl = std::min(ttl, soa.value_or(0));
    }
  }
  reading.ttl = std::chrono::seconds(ttl);
  return reading;
}

}  // namespace naru::resolver
