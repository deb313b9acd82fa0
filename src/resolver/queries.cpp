#include "resolver/queries.hpp"

#include <algorithm>

namespace naru::resolver {
namespace {

using wire::DnsName;
using wire::DnsQuestion;

constexpr std::size_t kMaxQueries = 512;
constexpr std::size_t kMaxWaiting = 1024;  // for one answer
constexpr Duration kFailureTtl = 5s;       // RFC 2308 7, RFC 9520 3.2
constexpr Duration kPlainTime = 15min;     // a server is asked without EDNS
constexpr unsigned kSilencesUntilPlain = 2;

NameAnswer nothing(NameOutcome outcome) {
  return {.outcome = outcome, .canonical = {}, .records = {}};
}

}  // namespace

Queries::Queries(Network& network, const ResolverConfig& config, const Random& random,
                 SharedCache* shared)
    : network_(network),
      config_(config),
      random_(random),
      streams_(network, random_),
      cache_(shared) {
  if (shared == nullptr) {
    const SipKey key{random_.next_u64(), random_.next_u64()};
    own_cache_ = std::make_unique<SharedCache>(config.cache_entries, key);
    cache_ = own_cache_.get();
  }
  term_ = cache_->begin(config.servers);
  for (const Endpoint& server : config.servers) servers_.push_back({.endpoint = server});
}

Queries::Key Queries::key_of(const DnsQuestion& question) {
  const DnsName name = question.name.folded();
  return {question.type, std::string(name.wire().begin(), name.wire().end())};
}

void Queries::ask(const DnsQuestion& question, OnAnswer done) {
  // No questions after everything: RFC 8482.
  if (question.type == DnsType::any || question.type == DnsType::opt) {
    return done(nothing(NameOutcome::bad_name));
  }
  if (servers_.empty()) return done(nothing(NameOutcome::no_servers));
  const Time now = network_.now();
  if (const auto known = cache_->find(term_, question, now)) return done(*known);
  const Key key = key_of(question);
  if (const auto same = queries_.find(key); same != queries_.end()) {
    if (same->second.waiting.size() == kMaxWaiting) return done(nothing(NameOutcome::failed));
    same->second.waiting.push_back(std::move(done));
    return;
  }
  if (queries_.size() == kMaxQueries) return done(nothing(NameOutcome::failed));
  Query& query = queries_[key];
  query.question = question;
  query.name = question.name;
  query.waiting.push_back(std::move(done));
  start(query, now);
  tell();
}

void Queries::start(Query& query, Time now) {
  const std::size_t attempts = servers_.size() * config_.attempts;
  for (; query.attempt < attempts; ++query.attempt) {
    const Server& server = server_of(query);
    const bool is_plain = query.attempt >= servers_.size() || now < server.plain_until;
    query.manner = is_plain ? Manner::plain : Manner::modern;
    const DnsQuestion question{query.name, query.question.type};
    query.exchange = std::make_unique<Exchange>(network_, random_, streams_, server.endpoint,
                                                question, query.manner);
    query.deadline = now + config_.timeout;
    if (query.exchange->state() != Exchange::State::waiting) continue;
    query.was_asked = true;
    return;
  }
  const auto outcome = query.has_failed ? NameOutcome::failed : NameOutcome::timed_out;
  // Where no question could leave, nothing is known: the way may be there in a moment.
  finish(query, nothing(outcome), query.was_asked ? kFailureTtl : Duration(0), now);
}

void Queries::next(Query& query, Time now) {
  ++query.attempt;
  start(query, now);
}

// What this answer says of the server itself.
void Queries::learn(Query& query, Time now) {
  Server& server = server_of(query);
  const bool is_modern = query.manner == Manner::modern;
  const bool fell_back = is_modern && query.exchange->was_plain();
  if (is_modern) server.silent = 0;
  if (!is_modern && now >= server.plain_until) ++server.silent;
  if (fell_back || server.silent >= kSilencesUntilPlain) {
    server.plain_until = now + kPlainTime;
    server.silent = 0;
  }
}

void Queries::on_response(Query& query, Time now) {
  learn(query, now);
  Reading reading = read_response(query.exchange->answer(), {query.name, query.question.type});
  if (reading.kind == Reading::Kind::unusable) {
    query.has_failed = true;
    return next(query, now);
  }
  query.ttl = std::min(query.ttl, reading.ttl);
  if (reading.kind == Reading::Kind::follow) {
    if (++query.aliases == kMaxChain) {
      return finish(query, nothing(NameOutcome::failed), kFailureTtl, now);
    }
    query.name = reading.end;
    query.attempt = 0;
    return start(query, now);
  }
  const bool is_found = reading.answer.outcome == NameOutcome::found;
  const Duration ttl = std::min(query.ttl, is_found ? config_.max_ttl : config_.max_negative_ttl);
  if (reading.answer.outcome == NameOutcome::no_such_name) {
    cache_->store_missing(term_, reading.end, std::min(reading.ttl, config_.max_negative_ttl), now);
  }
  finish(query, std::move(reading.answer), ttl, now);
}

void Queries::finish(Query& query, NameAnswer answer, Duration ttl, Time now) {
  cache_->store(term_, query.question, answer, ttl, now);
  finished_.push_back({std::move(query.waiting), std::move(answer)});
  queries_.erase(key_of(query.question));
}

void Queries::poll(Time now) {
  streams_.poll();
  for (auto it = queries_.begin(); it != queries_.end();) {
    Query& query = (it++)->second;  // it may end
    query.exchange->poll();
    switch (query.exchange->state()) {
      case Exchange::State::answered:
        on_response(query, now);
        break;
      case Exchange::State::failed:
        next(query, now);
        break;
      case Exchange::State::waiting:
        if (now >= query.deadline) next(query, now);
        break;
    }
  }
  tell();
}

void Queries::tell() {
  // They may ask for more, and hear of it at once.
  while (!finished_.empty()) {
    const Finished finished = std::move(finished_.front());
    finished_.pop_front();
    for (const OnAnswer& done : finished.waiting) done(finished.answer);
  }
}

Time Queries::next_deadline() const {
  Time deadline = streams_.next_deadline();
  for (const auto& [key, query] : queries_) deadline = std::min(deadline, query.deadline);
  return deadline;
}

}  // namespace naru::resolver
