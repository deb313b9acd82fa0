#include "cli/dig.hpp"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include <naru/resolver/config.hpp>

#include "cli/drive.hpp"
#include "cli/failure.hpp"
#include "dns/descent.hpp"
#include "dns/print.hpp"

namespace naru::cli {
namespace {

using dns::absolute;
using dns::Delegation;
using dns::Descent;
using dns::Step;
using resolver::Exchange;
using wire::DnsName;
using wire::DnsSection;

constexpr int kNoAnswer = 9;  // as dig(1)
constexpr Duration kPatience = 5s;
constexpr int kAttempts = 3;

// root.hints of IANA: some are enough, any of them knows all.
constexpr IpAddr kRoots[] = {IpAddr::v4(198, 41, 0, 4), IpAddr::v4(199, 9, 14, 201),
                             IpAddr::v4(192, 33, 4, 12), IpAddr::v4(193, 0, 14, 129),
                             IpAddr::v4(199, 7, 83, 42)};

struct Question {
  wire::DnsQuestion asked{DnsName(), DnsType::a};
  std::optional<IpAddr> server;
};

Question parse_words(const std::vector<std::string>& words) {
  Question question;
  bool has_name = false;
  for (const std::string& word : words) {
    if (word.starts_with('@')) {
      question.server = IpAddr::parse(word.substr(1));
      if (!question.server) throw Failure(fmt::format("{}: not an address", word));
    } else if (const auto type = dns::parse_type(word); has_name && type) {
      question.asked.type = *type;
    } else if (const auto name = DnsName::parse(word); name && !has_name) {
      question.asked.name = *name;
      has_name = true;
    } else {
      throw Failure(fmt::format("{}: neither a name nor a type", word));
    }
  }
  return question;
}

// The one that came with the address, else the first of /etc/resolv.conf that is not on the
// machine's own loopback.
IpAddr configured_server(const Machine& machine) {
  if (!machine.name_servers().empty()) return machine.name_servers().front();
  std::ifstream file("/etc/resolv.conf");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const Endpoint& server : ResolverConfig::parse(text).servers) {
    if (!server.addr.is_loopback()) return server.addr;
  }
  throw Failure("there is no name server in /etc/resolv.conf (say which: @ADDRESS)");
}

double milliseconds(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void print_records(const wire::DnsMessageView& message, DnsSection section) {
  for (const dns::Record& record : dns::records_of(message, section)) {
    fmt::print("{}\n", dns::to_string(record));
  }
}

void print_message(const wire::DnsMessageView& message) {
  const wire::DnsHeader& header = message.header();
  fmt::print(";; {}{}{}{}\n", dns::to_string(message.rcode()),
             header.is_authoritative ? ", authoritative" : "",
             header.recursion_available ? ", recursive" : "",
             header.is_truncated ? ", truncated" : "");
  print_records(message, DnsSection::answer);
  if (header.answers == 0) print_records(message, DnsSection::authority);
}

int ask_once(Machine& machine, const Question& question) {
  Host& host = machine.host();
  const IpAddr server = question.server ? *question.server : configured_server(machine);
  const auto network = resolver::stack_network(host.stack());
  Random random = Random::secure(entropy());
  resolver::Streams streams(*network, random);
  for (int i = 0; i < kAttempts; ++i) {
    host.stack().set_now(monotonic_now());
    const Time start = network->now();
    Exchange exchange(*network, random, streams, {server, wire::kDnsPort}, question.asked,
                      i == 0 ? resolver::Manner::legible : resolver::Manner::plain);
    const Time end = start + kPatience;
    drive(
        host,
        [&] {
          streams.poll();
          exchange.poll();
        },
        [end] { return end; },
        [&] { return exchange.state() != Exchange::State::waiting || network->now() >= end; });
    if (exchange.state() != Exchange::State::answered) continue;
    print_message(exchange.answer());
    fmt::print(";; from {} in {:.1f} ms\n", server.to_string(),
               milliseconds(network->now() - start));
    return EXIT_SUCCESS;
  }
  fmt::print(";; {} does not answer\n", server.to_string());
  return kNoAnswer;
}

// A step of the way down: what was said, by whom, for which zone.
void print_step(const Step& step) {
  const std::string who =
      step.server.name.is_root()
          ? step.server.address.to_string()
          : fmt::format("{} ({})", absolute(step.server.name), step.server.address.to_string());
  const std::string why = step.is_aside ? fmt::format(" for {}", absolute(step.question.name)) : "";
  if (step.response == nullptr) {
    fmt::print(";; {}{}: {} does not answer\n\n", absolute(step.zone), why, who);
    return;
  }
  print_message(*step.response);
  print_records(*step.response, DnsSection::additional);
  fmt::print(";; {}{}: from {} in {:.1f} ms\n\n", absolute(step.zone), why, who,
             milliseconds(step.took));
}

int trace(Machine& machine, const Question& question) {
  Host& host = machine.host();
  Delegation root;
  if (question.server) root.servers.push_back({DnsName(), *question.server});
  for (const IpAddr& address : kRoots) {
    if (!question.server) root.servers.push_back({DnsName(), address});
  }
  const auto network = resolver::stack_network(host.stack());
  Random random = Random::secure(entropy());
  resolver::Streams streams(*network, random);
  const Descent::Context context{.network = *network,
                                 .random = random,
                                 .streams = streams,
                                 .on_step = print_step,
                                 .on_delegation = {},
                                 .nearest = [&root](const DnsName&) { return root; },
                                 .manner = resolver::Manner::legible};
  host.stack().set_now(monotonic_now());
  Descent descent(context, question.asked);
  drive(
      host,
      [&] {
        streams.poll();
        descent.poll();
      },
      [&] { return descent.next_deadline(); }, [&] { return descent.is_over(); });
  const dns::Outcome& outcome = descent.outcome();
  if (outcome.rcode == DnsRcode::server_failure) {
    fmt::print(";; the way to {} ends here\n", absolute(question.asked.name));
    return kNoAnswer;
  }
  fmt::print(";; {}: {}\n", absolute(question.asked.name), dns::to_string(outcome.rcode));
  for (const dns::Record& record : outcome.answers) fmt::print("{}\n", dns::to_string(record));
  return EXIT_SUCCESS;
}

}  // namespace

void DigOptions::add_to(CLI::App& app) {
  app.add_option("WORDS", words, "NAME [TYPE] [@SERVER]: what is asked, and whom")->required();
  app.add_flag("--trace", trace,
               "begin at a root server (@SERVER, or those of the Internet) and follow the "
               "delegations down to the answer");
  machine.add_to(app);
  app.footer("Types: A (without one), AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT, TYPE<number>.");
}

int dig(const DigOptions& options) {
  const Question question = parse_words(options.words);
  Machine machine(options.machine, stderr, Machine::Driver::host);
  const int status = options.trace ? trace(machine, question) : ask_once(machine, question);
  machine.farewell();
  machine.finish();
  return status;
}

}  // namespace naru::cli
