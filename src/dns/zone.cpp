#include <algorithm>

#include <naru/dns/zone.hpp>

namespace naru::dns {
namespace {

using wire::DnsName;

// The labels from the root down, each behind its length.
std::string key_of(const DnsName& name) {
  const DnsName folded = name.folded();
  std::string key;
  for (DnsName rest = folded; !rest.is_root(); rest = rest.parent()) {
    const Bytes label = rest.wire().first(1U + rest.wire()[0]);
    key.insert(key.begin(), label.begin(), label.end());
  }
  return key;
}

const RecordSet* set_of(const std::map<DnsType, RecordSet>& node, DnsType type) {
  const auto found = node.find(type);
  return found != node.end() ? &found->second : nullptr;
}

}  // namespace

void Zone::add(const DnsName& name, DnsType type, std::uint32_t ttl,
               std::vector<std::uint8_t> data) {
  RecordSet& set = nodes_[key_of(name)][type];
  // Those of one set live equally long (RFC 2181 5.2).
  set.ttl = set.data.empty() ? ttl : std::min(set.ttl, ttl);
  if (type == DnsType::soa) origin_ = name;
  set.data.push_back(std::move(data));
}

std::string Zone::fault() {
  std::size_t zones = 0;
  for (const auto& [key, node] : nodes_) {
    const RecordSet* soa = set_of(node, DnsType::soa);
    zones += soa != nullptr ? soa->data.size() : 0;
  }
  if (zones != 1)
    return zones == 0 ? "there is no SOA record" : "there is more than one SOA record";
  const std::string origin = key_of(origin_);
  for (const auto& [key, node] : nodes_) {
    if (!key.starts_with(origin)) return "a name outside of " + origin_.to_string();
    const RecordSet* alias = set_of(node, DnsType::cname);
    if (alias != nullptr && (node.size() > 1 || alias->data.size() > 1)) {
      return "an alias (CNAME) with other records beside it";
    }
  }
  return {};
}

const Zone::Node* Zone::node(const DnsName& name) const {
  const auto found = nodes_.find(key_of(name));
  return found != nodes_.end() ? &found->second : nullptr;
}

bool Zone::has_below(const DnsName& name) const {
  const std::string key = key_of(name);
  const auto next = nodes_.upper_bound(key);
  return next != nodes_.end() && next->first.starts_with(key);
}

const RecordSet* Zone::glue(const DnsName& name, DnsType type) const {
  const Node* there = node(name);
  return there != nullptr ? set_of(*there, type) : nullptr;
}

// The source of synthesis: "*" below the closest encloser, which is there (RFC 4592 3.3.1).
const Zone::Node* Zone::wildcard(const DnsName& name) const {
  const DnsName star = *DnsName::parse("*");
  DnsName encloser = name;
  do {
    encloser = encloser.parent();
  } while (node(encloser) == nullptr && !has_below(encloser));
  const auto source = star.in(encloser);
  return source ? node(*source) : nullptr;
}

Zone::Finding Zone::find(const DnsName& name, DnsType type) const {
  // From the top of the zone down: who is in charge of the part below?
  std::vector<DnsName> path;
  for (DnsName at = name; at != origin_; at = at.parent()) path.push_back(at);
  std::ranges::reverse(path);
  for (const DnsName& at : path) {
    const RecordSet* others = glue(at, DnsType::ns);
    if (others != nullptr) return {Finding::Kind::delegation, others, at};
  }
  const Node* there = node(name);
  if (there == nullptr && has_below(name)) return {.kind = Finding::Kind::no_data};
  if (there == nullptr) there = wildcard(name);
  if (there == nullptr) return {.kind = Finding::Kind::no_name};
  if (const RecordSet* set = set_of(*there, type)) return {Finding::Kind::records, set};
  if (const RecordSet* set = set_of(*there, DnsType::cname)) return {Finding::Kind::alias, set};
  return {.kind = Finding::Kind::no_data};
}

}  // namespace naru::dns
