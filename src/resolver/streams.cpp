#include "resolver/streams.hpp"

#include <algorithm>

#include "wire/dns.hpp"

namespace naru::resolver {
namespace {

constexpr std::size_t kLength = 2;  // in front of each message (RFC 1035 4.2.2)
constexpr std::size_t kChunk = 4096;

std::uint16_t id_of(const StreamQuestion& question) { return load_be16(question.message.data()); }

}  // namespace

Streams::~Streams() {
  for (const Connection& connection : connections_) network_.close(connection.socket);
}

Streams::Connection* Streams::connection_to(const Endpoint& server) {
  const auto known = std::ranges::find(connections_, server, &Connection::server);
  if (known != connections_.end()) return &*known;
  const auto socket = network_.open(Network::Kind::stream, server.addr.is_v6());
  if (!socket) return nullptr;
  const Status connected = network_.connect(*socket, server);
  if (!connected && connected.error() != Error::in_progress) {
    network_.close(*socket);
    return nullptr;
  }
  connections_.push_back({.server = server,
                          .socket = *socket,
                          .idle_since = network_.now(),
                          .waiting = {},
                          .out = {},
                          .in = {}});
  return &connections_.back();
}

bool Streams::is_number_free(const Connection& connection, std::uint16_t id) const {
  return std::ranges::none_of(connection.waiting, [id](const auto& waiting) {
    const Question question = waiting.lock();
    return question && id_of(*question) == id;
  });
}

void Streams::put(const Question& question, const Endpoint& server) {
  Connection* connection = connection_to(server);
  if (connection == nullptr) {
    question->state = StreamQuestion::State::failed;
    return;
  }
  // No two on one connection have one number (RFC 7766 6.2.1).
  while (!is_number_free(*connection, id_of(*question))) {
    store_be16(question->message.data(), static_cast<std::uint16_t>(random_.next_u32()));
  }
  ++question->connections;
  connection->waiting.push_back(question);
  std::array<std::uint8_t, kLength> length{};
  store_be16(length.data(), static_cast<std::uint16_t>(question->message.size()));
  connection->out.insert(connection->out.end(), length.begin(), length.end());
  connection->out.insert(connection->out.end(), question->message.begin(), question->message.end());
  send(*connection);
}

std::shared_ptr<const StreamQuestion> Streams::ask(const Endpoint& server, Bytes query) {
  const auto question = std::make_shared<StreamQuestion>();
  question->message.assign(query.begin(), query.end());
  store_be16(question->message.data(), static_cast<std::uint16_t>(random_.next_u32()));
  put(question, server);
  return question;
}

// Length and message leave in one write (RFC 7766 8). An error shows when it is read.
void Streams::send(Connection& connection) {
  const std::uint8_t bits = network_.readiness(connection.socket);
  if ((bits & (ready::kOut | ready::kErr)) != ready::kOut) return;
  connection.is_open = true;
  if (connection.out.empty()) return;
  const auto sent = network_.send(connection.socket, connection.out);
  if (!sent) return;
  connection.out.erase(connection.out.begin(),
                       connection.out.begin() + static_cast<std::ptrdiff_t>(*sent));
}

// None: nobody waits for such an answer.
Streams::Question Streams::waiting_for(const Connection& connection, Bytes answer) const {
  const auto view = wire::DnsMessageView::parse(answer);
  if (!view) return nullptr;
  for (const auto& waiting : connection.waiting) {
    const Question question = waiting.lock();
    if (question && wire::answers(*view, question->message)) return question;
  }
  return nullptr;
}

Streams::Health Streams::take_messages(Connection& connection) {
  Bytes rest = connection.in;
  while (rest.size() >= kLength && rest.size() - kLength >= load_be16(rest.data())) {
    const Bytes message = rest.subspan(kLength, load_be16(rest.data()));
    if (message.size() < wire::DnsHeader::kSize) return Health::nonsense;
    if (const Question question = waiting_for(connection, message)) {
      question->answer.assign(message.begin(), message.end());
      question->state = StreamQuestion::State::answered;
      std::erase_if(connection.waiting, [&](const auto& w) { return w.lock() == question; });
    }
    rest = rest.subspan(kLength + message.size());
  }
  connection.in.erase(connection.in.begin(),
                      connection.in.end() - static_cast<std::ptrdiff_t>(rest.size()));
  return Health::good;
}

Streams::Health Streams::receive(Connection& connection) {
  std::array<std::uint8_t, kChunk> room;
  for (;;) {
    const auto got = network_.recv(connection.socket, room);
    if (!got && got.error() == Error::would_block) return Health::good;
    if (!got || *got == 0) return Health::ended;
    connection.in.insert(connection.in.end(), room.begin(),
                         room.begin() + static_cast<std::ptrdiff_t>(*got));
    const Health health = take_messages(connection);
    if (health != Health::good) return health;
  }
}

// A server may close whenever it likes, also while a question is on its way to it
// (RFC 7766 6.2.4).
void Streams::give_up(Connections::iterator connection, Health why) {
  Connections over;
  over.splice(over.begin(), connections_, connection);
  network_.close(over.front().socket);
  const bool may_help = why == Health::ended && over.front().is_open;
  for (const auto& waiting : over.front().waiting) {
    const Question question = waiting.lock();
    if (!question) continue;
    if (may_help && question->connections == 1) {
      put(question, over.front().server);
    } else {
      question->state = StreamQuestion::State::failed;
    }
  }
}

void Streams::poll() {
  const Time now = network_.now();
  for (auto it = connections_.begin(); it != connections_.end();) {
    const auto connection = it++;
    send(*connection);
    const std::uint8_t bits = network_.readiness(connection->socket);
    const bool has_news = (bits & (ready::kIn | ready::kErr | ready::kHup | ready::kRdHup)) != 0;
    const Health health = has_news ? receive(*connection) : Health::good;
    const auto lost = std::erase_if(connection->waiting, [](const auto& w) { return w.expired(); });
    if (!connection->waiting.empty()) connection->idle_since = now;
    // What did not answer is not kept for the next.
    const bool is_idle = now >= connection->idle_since + (lost == 0 ? kIdle : Duration(0));
    if (health != Health::good || (connection->waiting.empty() && is_idle)) {
      give_up(connection, health);
    }
  }
}

Time Streams::next_deadline() const {
  Time deadline = kTimeNever;
  for (const Connection& connection : connections_) {
    if (connection.waiting.empty()) deadline = std::min(deadline, connection.idle_since + kIdle);
  }
  return deadline;
}

}  // namespace naru::resolver
