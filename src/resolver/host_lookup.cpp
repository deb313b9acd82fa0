#include "resolver/host_lookup.hpp"

#include <algorithm>

#include "resolver/order.hpp"

namespace naru::resolver {
namespace {

using wire::DnsName;

// One family has an answer: so long the other is waited for (RFC 8305 3).
constexpr Duration kResolutionDelay = 50ms;

constexpr IpAddr kLoopbackV6 = IpAddr::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

HostAnswer nothing(NameOutcome outcome) {
  return {.outcome = outcome, .canonical = {}, .addresses = {}};
}

bool is_of(const IpAddr& address, NameFamily family) {
  return family == NameFamily::any || address.is_v4() == (family == NameFamily::v4);
}

// Those of the family; no_data when there is none.
HostAnswer known(std::string_view name, std::vector<IpAddr> addresses, NameFamily family) {
  std::erase_if(addresses, [family](const IpAddr& a) { return !is_of(a, family); });
  const auto outcome = addresses.empty() ? NameOutcome::no_data : NameOutcome::found;
  return {.outcome = outcome, .canonical = std::string(name), .addresses = std::move(addresses)};
}

bool is_in(const DnsName& name, std::string_view zone) { return name.is_in(*DnsName::parse(zone)); }

// Whether a name from far away may be given to a program as a host's.
bool is_host_name(std::string_view name) {
  const auto parsed = DnsName::parse(name);
  return parsed && parsed->is_host_name();
}

// The name under which an address stands in DNS (RFC 1035 3.5, RFC 3596 2.5).
DnsName reverse_name(const IpAddr& address) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  if (address.is_v4()) {
    const std::uint32_t v4 = address.to_v4();
    for (unsigned shift = 0; shift < 32; shift += 8) {
      text += std::to_string(v4 >> shift & 0xffU) + '.';
    }
    text += "in-addr.arpa";
  } else {
    for (std::size_t i = address.bytes().size(); i-- > 0;) {
      const unsigned byte = address.bytes()[i];
      for (const unsigned digit : {byte & 0xfU, byte >> 4U}) {
        text += kDigits[digit];
        text += '.';
      }
    }
    text += "ip6.arpa";
  }
  return *DnsName::parse(text);
}

void append(const std::optional<NameAnswer>& answer, HostAnswer& host) {
  if (!answer || answer->outcome != NameOutcome::found) return;
  host.canonical = answer->canonical;
  for (const NameRecord& record : answer->records) {
    if (const auto* address = std::get_if<IpAddr>(&record.data)) {
      host.addresses.push_back(*address);
    }
  }
}

// Which of two says more about why there is nothing.
NameOutcome worse(NameOutcome a, NameOutcome b) {
  constexpr auto kWeight = [](NameOutcome outcome) {
    if (outcome == NameOutcome::no_such_name) return 0;
    return outcome == NameOutcome::no_data ? 1 : 2;
  };
  return kWeight(a) >= kWeight(b) ? a : b;
}

}  // namespace

// RFC 6761: localhost is here, .invalid is nowhere; RFC 6762: .local is not asked for.
std::optional<HostAnswer> HostLookups::without_asking(std::string_view name,
                                                      NameFamily family) const {
  if (const auto number = IpAddr::parse(name)) return known(name, {*number}, family);
  const auto parsed = DnsName::parse(name);
  if (!parsed || !parsed->is_host_name()) return nothing(NameOutcome::bad_name);
  if (auto listed = config_.hosts.addresses_of(name); !listed.empty()) {
    return known(name, std::move(listed), family);
  }
  if (is_in(*parsed, "localhost")) {
    return known(name, {IpAddr::loopback_v4(), kLoopbackV6}, family);
  }
  if (is_in(*parsed, "invalid") || is_in(*parsed, "local")) {
    return nothing(NameOutcome::no_such_name);
  }
  return std::nullopt;
}

// The search list is for names with few dots only (RFC 1123 6.1.4.2, RFC 1535).
std::vector<DnsName> HostLookups::candidates_of(std::string_view name,
                                                const DnsName& parsed) const {
  std::vector<DnsName> candidates;
  const bool is_absolute = name.ends_with('.');
  if (!is_absolute && parsed.label_count() - 1 < config_.ndots) {
    for (const std::string& domain : config_.search) {
      const auto suffix = DnsName::parse(domain);
      const auto whole = suffix ? parsed.in(*suffix) : std::nullopt;
      if (whole) candidates.push_back(*whole);
    }
  }
  candidates.push_back(parsed);
  return candidates;
}

void HostLookups::find_host(std::string_view name, NameFamily family, OnHost done) {
  Lookup lookup;
  lookup.family = family;
  lookup.told = [done = std::move(done)](const HostAnswer& answer, bool) { done(answer); };
  find(name, std::move(lookup));
}

void HostLookups::follow_host(std::string_view name, OnFound found) {
  Lookup lookup;
  lookup.is_followed = true;
  lookup.told = std::move(found);
  find(name, std::move(lookup));
}

void HostLookups::find(std::string_view name, Lookup lookup) {
  if (auto answer = without_asking(name, lookup.family)) {
    sort_by_destination(answer->addresses, network_);
    return lookup.told(*answer, true);
  }
  lookup.candidates = candidates_of(name, *DnsName::parse(name));
  const auto handle = std::make_shared<Lookup>(std::move(lookup));
  open_.push_back(handle);
  ask(handle);
}

void HostLookups::ask(const Handle& lookup) {
  const DnsName name = lookup->candidates[lookup->candidate];
  const std::size_t candidate = lookup->candidate;
  lookup->v4.reset();
  lookup->v6.reset();
  // An answer may come late, when the next candidate's turn has come.
  const auto put = [this, lookup, name, candidate](DnsType type, auto field) {
    queries_.ask({name, type}, [this, lookup, candidate, field](const NameAnswer& answer) {
      if (lookup->is_over || lookup->candidate != candidate) return;
      (*lookup).*field = answer;
      on_answer(lookup);
    });
  };
  // A family that nobody asks for says nothing of the name.
  const NameAnswer none{.outcome = NameOutcome::no_such_name, .canonical = {}, .records = {}};
  const NameFamily family = lookup->family;
  if (family == NameFamily::v4) lookup->v6 = none;
  if (family == NameFamily::v6) lookup->v4 = none;
  if (family != NameFamily::v6) put(DnsType::a, &Lookup::v4);
  if (family != NameFamily::v4) put(DnsType::aaaa, &Lookup::v6);
}

void HostLookups::on_answer(const Handle& lookup) {
  const auto is_found = [](const std::optional<NameAnswer>& a) {
    return a && a->outcome == NameOutcome::found;
  };
  const bool any = is_found(lookup->v4) || is_found(lookup->v6);
  if (!lookup->v4 || !lookup->v6) {
    if (any && lookup->is_followed) return lookup->told(answer_of(*lookup), false);
    if (any) lookup->deadline = network_.now() + kResolutionDelay;
    return;
  }
  if (any) return end(*lookup);
  lookup->worst = worse(lookup->worst, worse(lookup->v4->outcome, lookup->v6->outcome));
  if (lookup->candidate + 1 == lookup->candidates.size()) return end(*lookup);
  ++lookup->candidate;
  ask(lookup);
}

HostAnswer HostLookups::answer_of(const Lookup& lookup) const {
  HostAnswer answer = nothing(lookup.worst);
  append(lookup.v6, answer);
  append(lookup.v4, answer);
  if (!answer.addresses.empty()) {
    const bool is_fit = is_host_name(answer.canonical);
    answer = is_fit ? std::move(answer) : nothing(NameOutcome::failed);
    if (is_fit) answer.outcome = NameOutcome::found;
  }
  sort_by_destination(answer.addresses, network_);
  return answer;
}

void HostLookups::end(Lookup& lookup) {
  const HostAnswer answer = answer_of(lookup);
  lookup.is_over = true;
  std::erase_if(open_, [&lookup](const Handle& h) { return h.get() == &lookup; });
  const OnFound told = std::move(lookup.told);
  told(answer, true);
}

void HostLookups::find_name(const IpAddr& address, OnHost done) {
  if (auto name = config_.hosts.name_of(address); !name.empty()) {
    return done(
        {.outcome = NameOutcome::found, .canonical = std::move(name), .addresses = {address}});
  }
  const auto told = [address, done = std::move(done)](const NameAnswer& answer) {
    if (answer.outcome != NameOutcome::found) return done(nothing(answer.outcome));
    const auto& name = std::get<std::string>(answer.records.front().data);
    if (!is_host_name(name)) return done(nothing(NameOutcome::failed));
    done({.outcome = NameOutcome::found, .canonical = name, .addresses = {address}});
  };
  queries_.ask({reverse_name(address), DnsType::ptr}, told);
}

void HostLookups::poll(Time now) {
  std::vector<Handle> due;
  std::ranges::copy_if(open_, std::back_inserter(due),
                       [now](const Handle& lookup) { return now >= lookup->deadline; });
  for (const Handle& lookup : due) end(*lookup);
}

Time HostLookups::next_deadline() const {
  Time deadline = kTimeNever;
  for (const Handle& lookup : open_) deadline = std::min(deadline, lookup->deadline);
  return deadline;
}

}  // namespace naru::resolver
