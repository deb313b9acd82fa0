#include "dns/descent.hpp"

#include <algorithm>

namespace naru::dns {
namespace {

using resolver::Exchange;
using wire::DnsMessageView;
using wire::DnsName;
using wire::DnsRecord;
using wire::DnsSection;

Record copy_of(const DnsMessageView& message, const DnsRecord& record) {
  return {record.name, record.type, record.ttl, message.plain_data(record)};
}

IpAddr address_of(const DnsRecord& record) {
  if (record.type == DnsType::a) return IpAddr::v4(load_be32(record.data.data()));
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(record.data, bytes.begin());
  return IpAddr::v6(bytes);
}

}  // namespace

Descent::Descent(const Context& context, const wire::DnsQuestion& question)
    : context_(context), question_(question), depth_(0), steps_(own_steps_) {
  begin(question.name);
}

Descent::Descent(const Descent& main, const DnsName& server)
    : context_(main.context_),
      question_{server, DnsType::a},
      depth_(main.depth_ + 1),
      steps_(main.steps_) {
  begin(server);
}

Descent::~Descent() = default;

void Descent::begin(const DnsName& name) {
  question_.name = name;
  enter(context_.nearest(name));
}

void Descent::enter(Delegation delegation) {
  at_ = std::move(delegation);
  server_ = 0;
  ask_next();
}

// The next server that has an address; when there are no more, the next whose address can
// be found out.
void Descent::ask_next() {
  for (; server_ < at_.servers.size(); ++server_) {
    if (steps_ == kMaxSteps) break;
    ++steps_;
    asked_ = context_.network.now();
    const Endpoint server{at_.servers[server_].address, context_.port};
    exchange_ =
        std::make_unique<Exchange>(context_.network, context_.random, context_.streams, server,
                                   question_, context_.manner, resolver::Request::iterative);
    if (exchange_->state() == Exchange::State::waiting) return;
  }
  exchange_.reset();
  look_aside();
}

void Descent::look_aside() {
  if (nameless_.empty() || depth_ == kMaxDepth || steps_ == kMaxSteps) {
    return end(DnsRcode::server_failure);
  }
  const DnsName server = nameless_.back();
  nameless_.pop_back();
  aside_.reset(new Descent(*this, server));
  if (aside_->is_over()) on_aside();
}

void Descent::on_aside() {
  const auto aside = std::move(aside_);
  for (const Record& record : aside->outcome().answers) {
    if (record.type != DnsType::a) continue;
    at_.servers.push_back({aside->question_.name, IpAddr::v4(load_be32(record.data.data()))});
  }
  ask_next();
}

void Descent::poll() {
  if (is_over_) return;
  if (aside_) {
    aside_->poll();
    if (aside_->is_over()) on_aside();
    return;
  }
  exchange_->poll();
  if (exchange_->state() == Exchange::State::answered) {
    const auto exchange = std::move(exchange_);
    tell(&exchange->answer());
    return on_response(exchange->answer());
  }
  const bool is_late = context_.network.now() - asked_ >= kPatience;
  if (exchange_->state() == Exchange::State::waiting && !is_late) return;
  tell(nullptr);
  ++server_;
  ask_next();
}

Time Descent::next_deadline() const {
  if (aside_) return aside_->next_deadline();
  return exchange_ ? asked_ + kPatience : kTimeNever;
}

void Descent::tell(const DnsMessageView* response) const {
  if (!context_.on_step) return;
  context_.on_step({.zone = at_.zone,
                    .server = at_.servers[server_],
                    .question = question_,
                    .response = response,
                    .took = context_.network.now() - asked_,
                    .is_aside = depth_ != 0});
}

void Descent::on_response(const DnsMessageView& response) {
  const DnsRcode rcode = response.rcode();
  const DnsName asked = question_.name;
  if (rcode == DnsRcode::no_error || rcode == DnsRcode::name_error) {
    if (take_answers(response)) return end(DnsRcode::no_error);
    if (question_.name != asked && !question_.name.is_in(at_.zone)) {
      return begin(question_.name);  // somebody else's name
    }
    const bool has_soa = take_soa(response);
    if (rcode == DnsRcode::name_error) return end(rcode);
    if (question_.name == asked && take_referral(response)) return;
    if (has_soa || (question_.name == asked && response.header().is_authoritative)) {
      return end(rcode);
    }
    if (question_.name != asked) return begin(question_.name);
  }
  ++server_;  // it could not or would not say
  ask_next();
}

bool Descent::take_answers(const DnsMessageView& response) {
  for (; aliases_ <= kMaxAliases; ++aliases_) {
    std::optional<Record> alias;
    bool has_records = false;
    response.for_each([&](DnsSection section, const DnsRecord& record) {
      if (section != DnsSection::answer || record.klass != wire::kDnsInternet) return;
      if (record.name != question_.name || !record.name.is_in(at_.zone)) return;
      if (record.type == question_.type) {
        has_records = true;
        outcome_.answers.push_back(copy_of(response, record));
      } else if (record.type == DnsType::cname && !alias) {
        alias = copy_of(response, record);
      }
    });
    if (has_records) return true;
    if (!alias) return false;
    std::size_t at = 0;
    question_.name = DnsName::read(alias->data, at).value_or(DnsName());
    outcome_.answers.push_back(std::move(*alias));
  }
  return false;
}

bool Descent::take_soa(const DnsMessageView& response) {
  response.for_each([&](DnsSection section, const DnsRecord& record) {
    const bool is_soa = section == DnsSection::authority && record.type == DnsType::soa;
    if (!is_soa || !outcome_.soa.empty()) return;
    if (!record.name.is_in(at_.zone) || !question_.name.is_in(record.name)) return;
    outcome_.soa.push_back(copy_of(response, record));
  });
  return !outcome_.soa.empty();
}

// Down only: to a zone below this one that the name is in. Addresses are taken for the
// servers that it names, and from who is in charge of those names.
bool Descent::take_referral(const DnsMessageView& response) {
  Delegation below;
  std::vector<DnsName> names;
  response.for_each([&](DnsSection section, const DnsRecord& record) {
    if (section != DnsSection::authority || record.type != DnsType::ns) return;
    if (record.name == at_.zone || !record.name.is_in(at_.zone)) return;
    if (!question_.name.is_in(record.name) || names.size() == kMaxServers) return;
    if (names.empty()) below.zone = record.name;
    if (record.name != below.zone) return;
    below.ttl = record.ttl;
    names.push_back(response.name_in(record));
  });
  if (names.empty()) return false;
  response.for_each([&](DnsSection section, const DnsRecord& record) {
    const bool is_address = record.type == DnsType::a || record.type == DnsType::aaaa;
    if (section != DnsSection::additional || !is_address) return;
    if (!record.name.is_in(at_.zone) || below.servers.size() == kMaxServers) return;
    if (std::ranges::find(names, record.name) == names.end()) return;
    below.servers.push_back({record.name, address_of(record)});
  });
  nameless_.clear();
  for (const DnsName& name : names) {
    const bool has_address =
        std::ranges::find(below.servers, name, &NameServer::name) != below.servers.end();
    if (!has_address && nameless_.size() < kMaxAsides) nameless_.push_back(name);
  }
  // IPv4 first: every laboratory has it, and a server without a way to it costs no time.
  std::ranges::stable_partition(below.servers,
                                [](const NameServer& s) { return s.address.is_v4(); });
  if (context_.on_delegation && !below.servers.empty()) context_.on_delegation(below);
  enter(std::move(below));
  return true;
}

void Descent::end(DnsRcode rcode) {
  outcome_.rcode = aliases_ > kMaxAliases ? DnsRcode::server_failure : rcode;
  if (outcome_.rcode == DnsRcode::server_failure) outcome_.answers.clear();
  is_over_ = true;
}

}  // namespace naru::dns
