// Queries: questions on their way from server to server.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <vector>

#include <naru/resolver/resolver.hpp>

#include "resolver/exchange.hpp"
#include "resolver/reading.hpp"
#include "resolver/shared_cache.hpp"

namespace naru::resolver {

class Queries {
 public:
  using OnAnswer = Resolver::OnAnswer;

  // Remembers what it learns in `shared`, or by itself where there is none.
  Queries(Network& network, const ResolverConfig& config, const Random& random,
          SharedCache* shared);

  // The function is called once: before ask returns when the answer is known.
  void ask(const wire::DnsQuestion& question, OnAnswer done);
  void poll(Time now);
  Time next_deadline() const;
  std::size_t pending() const { return queries_.size(); }
  std::size_t cached() const { return cache_->size(); }

 private:
  // Whoever asks what is being asked already waits with the first (RFC 5452: two
  // questions alike are twice the chance for a forger).
  struct Query {
    wire::DnsQuestion question;
    std::vector<OnAnswer> waiting;
    wire::DnsName name;              // where aliases have led
    unsigned aliases = 0;            // questions that this took
    Duration ttl = Duration::max();  // of the aliases
    unsigned attempt = 0;
    Manner manner = Manner::modern;
    bool was_asked = false;   // of some server
    bool has_failed = false;  // a server said that it cannot help
    std::unique_ptr<Exchange> exchange;
    Time deadline{};
  };
  struct Server {
    Endpoint endpoint;
    unsigned silent = 0;  // modern questions in a row without an answer, where a plain one had
    Time plain_until{};
  };
  struct Finished {
    std::vector<OnAnswer> waiting;
    NameAnswer answer;
  };
  using Key = std::pair<DnsType, std::string>;

  static Key key_of(const wire::DnsQuestion& question);
  Server& server_of(const Query& query) { return servers_[query.attempt % servers_.size()]; }
  // Puts the question to the next server that it can be put to, or ends it.
  void start(Query& query, Time now);
  void on_response(Query& query, Time now);
  void learn(Query& query, Time now);
  void next(Query& query, Time now);
  void finish(Query& query, NameAnswer answer, Duration ttl, Time now);
  // Calls those who have waited for what is finished.
  void tell();

  Network& network_;
  const ResolverConfig& config_;
  Random random_;
  Streams streams_;
  std::unique_ptr<SharedCache> own_cache_;
  SharedCache* cache_;
  SharedCache::Term term_;
  std::vector<Server> servers_;
  std::map<Key, Query> queries_;
  std::list<Finished> finished_;
};

}  // namespace naru::resolver
