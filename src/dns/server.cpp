#include <algorithm>
#include <optional>

#include <naru/dns/server.hpp>
#include <naru/resolver/network.hpp>

#include "dns/answer.hpp"
#include "dns/recursor.hpp"
#include "dns/streams.hpp"
#include "wire/dns_writer.hpp"

namespace naru::dns {
namespace {

// What was found out, as a response.
Message response_of(const Request& request, const Outcome& outcome) {
  wire::DnsHeader header{.id = request.header.id, .is_response = true};
  header.recursion_desired = true;
  header.recursion_available = true;
  wire::DnsWriter writer(header, request.question, request.limit, request.has_edns);
  const auto add = [&writer](wire::DnsSection section, const std::vector<Record>& records) {
    return std::ranges::all_of(records, [&](const Record& r) {
      return writer.add(section, r.name, r.type, r.ttl, r.data);
    });
  };
  const bool is_whole = add(wire::DnsSection::answer, outcome.answers) &&
                        add(wire::DnsSection::authority, outcome.soa);
  if (!is_whole) writer.set_truncated();
  return writer.finish(outcome.rcode, Request::kPayload);
}

}  // namespace

struct Server::State {
  State(Stack& given, ServerConfig given_config, const Random& random)
      : stack(given), config(std::move(given_config)), streams(given) {
    if (config.roots.empty()) return;
    network = resolver::stack_network(stack);
    recursor.emplace(*network, config.roots, random);
  }
  ~State() {
    if (udp) (void)stack.close(udp);
  }

  Status open();
  void poll_datagrams();
  // The response is given to `reply`: at once, or when it has been found out.
  template <class Reply>
  void on_query(Bytes query, Transport transport, const Reply& reply);

  Stack& stack;
  ServerConfig config;
  SocketId udp;
  Streams streams;
  std::unique_ptr<resolver::Network> network;
  std::optional<Recursor> recursor;
  std::uint64_t answered = 0;
};

Status Server::State::open() {
  const auto id = stack.open_udp();
  if (!id) return std::unexpected(id.error());
  udp = *id;
  if (const Status bound = stack.bind(udp, config.local); !bound) return bound;
  return streams.open(config.local);
}

template <class Reply>
void Server::State::on_query(Bytes query, Transport transport, const Reply& reply) {
  std::optional<Message> refusal;
  const auto request = Request::parse(query, transport, refusal);
  if (!request) return;
  ++answered;
  if (refusal) return reply(*refusal);
  const bool is_ours = zone_of(config.zones, request->question.name) != nullptr;
  if (is_ours || !recursor || !request->header.recursion_desired) {
    return reply(answer_from(config.zones, *request, recursor.has_value()));
  }
  recursor->ask(request->question, [request = *request, reply](const Outcome& outcome) {
    reply(response_of(request, outcome));
  });
}

void Server::State::poll_datagrams() {
  constexpr int kBurst = 64;
  std::array<std::uint8_t, 4096> room{};
  DatagramInfo info;
  for (int i = 0; i < kBurst; ++i) {
    const auto got = stack.recv_from(udp, room, info);
    if (!got && got.error() == Error::would_block) return;
    if (!got) continue;  // what became of an earlier response
    on_query(Bytes(room).first(*got), Transport::udp,
             [this, to = info.source](const Message& response) {
               (void)stack.send_to(udp, response, to);  // a lost one is asked for again
             });
  }
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::create(Stack& stack, ServerConfig config,
                                               const Random& random) {
  auto state = std::make_unique<State>(stack, std::move(config), random);
  if (const Status opened = state->open(); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

void Server::poll(Time now) {
  state_->stack.set_now(now);
  state_->poll_datagrams();
  state_->streams.poll(now, [this](Bytes query, const Streams::Reply& reply) {
    state_->on_query(query, Transport::tcp, reply);
  });
  if (state_->recursor) state_->recursor->poll();
}

Time Server::next_deadline() const {
  const Time streams = state_->streams.next_deadline();
  return state_->recursor ? std::min(streams, state_->recursor->next_deadline()) : streams;
}

std::uint64_t Server::answered() const { return state_->answered; }

std::size_t Server::waiting() const { return state_->recursor ? state_->recursor->waiting() : 0; }

}  // namespace naru::dns
