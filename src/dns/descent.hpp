// Descent: from the root servers down to who knows (RFC 1034 5.3.3).
//
//   root ── "com is there" ──► TLD ── "example.com is there" ──► authority ── the answer
//
// Each server is asked for itself alone, and believed in what lies below its own zone. All
// is bounded: servers asked, aliases, servers without an address that are looked for.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "resolver/exchange.hpp"

namespace naru::dns {

// A record outside of its message.
struct Record {
  wire::DnsName name;
  DnsType type{};
  std::uint32_t ttl = 0;
  std::vector<std::uint8_t> data;  // names in it are written out
};

struct NameServer {
  wire::DnsName name;
  IpAddr address;
};

// A zone, and who serves it.
struct Delegation {
  wire::DnsName zone;
  std::vector<NameServer> servers;
  std::uint32_t ttl = 0;
};

// One server was asked, and has answered or not.
struct Step {
  const wire::DnsName& zone;  // for which the server speaks
  const NameServer& server;
  const wire::DnsQuestion& question;
  const wire::DnsMessageView* response;  // nullptr: it did not answer
  Duration took;
  bool is_aside;  // on the way to the address of a server
};

struct Outcome {
  DnsRcode rcode = DnsRcode::server_failure;
  std::vector<Record> answers;  // aliases first
  std::vector<Record> soa;      // where there is nothing
};

class Descent {
 public:
  struct Context {
    resolver::Network& network;
    Random& random;
    resolver::Streams& streams;  // polled before the descents
    std::function<void(const Step&)> on_step = {};
    std::function<void(const Delegation&)> on_delegation = {};
    // The nearest zone above a name that is known: the root's at least.
    std::function<Delegation(const wire::DnsName&)> nearest;
    resolver::Manner manner = resolver::Manner::modern;
    std::uint16_t port = wire::kDnsPort;
  };

  Descent(const Context& context, const wire::DnsQuestion& question);
  ~Descent();
  Descent(const Descent&) = delete;
  Descent& operator=(const Descent&) = delete;

  void poll();
  Time next_deadline() const;
  bool is_over() const { return is_over_; }
  const Outcome& outcome() const { return outcome_; }

 private:
  static constexpr Duration kPatience = 2s;  // for one server
  static constexpr unsigned kMaxSteps = 32;  // servers asked, with those of the asides
  static constexpr unsigned kMaxAliases = 16;
  static constexpr unsigned kMaxDepth = 3;        // servers' names that need servers' names
  static constexpr std::size_t kMaxServers = 16;  // of a zone
  static constexpr std::size_t kMaxAsides = 4;    // names of servers looked up, of a zone

  // On the way to the address of a server.
  Descent(const Descent& main, const wire::DnsName& server);

  void begin(const wire::DnsName& name);
  void enter(Delegation delegation);
  void ask_next();
  void look_aside();
  void on_aside();
  void on_response(const wire::DnsMessageView& response);
  // Collects what the message has of the name, from alias to alias; true: records.
  bool take_answers(const wire::DnsMessageView& response);
  bool take_referral(const wire::DnsMessageView& response);
  bool take_soa(const wire::DnsMessageView& response);
  void end(DnsRcode rcode);
  void tell(const wire::DnsMessageView* response) const;

  const Context& context_;
  wire::DnsQuestion question_;  // of this moment: aliases change its name
  unsigned depth_;
  Delegation at_;
  std::size_t server_ = 0;
  std::vector<wire::DnsName> nameless_;  // servers whose addresses nobody has told
  std::unique_ptr<resolver::Exchange> exchange_;
  std::unique_ptr<Descent> aside_;
  Time asked_{};
  unsigned own_steps_ = 0;
  unsigned& steps_;
  unsigned aliases_ = 0;
  Outcome outcome_;
  bool is_over_ = false;
};

}  // namespace naru::dns
