#include "fixture.hpp"

#include <algorithm>

namespace naru::resolver::test {

void NameServer::reply(const Asked& asked, const Buffer& message) {
  if (!asked.over_tcp) {
    EXPECT_TRUE(stack_.send_to(udp_, message, asked.from));
    return;
  }
  Buffer framed{static_cast<std::uint8_t>(message.size() >> 8U),
                static_cast<std::uint8_t>(message.size())};
  framed.insert(framed.end(), message.begin(), message.end());
  EXPECT_EQ(stack_.send(asked.connection, framed), framed.size());
}

void NameServer::hang_up() {
  for (const Connection& connection : connections_) EXPECT_TRUE(stack_.close(connection.socket));
  connections_.clear();
}

Buffers NameServer::on_query(Bytes query, const Endpoint& from, SocketId connection) {
  Buffer bytes(query.begin(), query.end());
  const auto parsed = wire::DnsMessageView::parse(query);
  EXPECT_TRUE(parsed && parsed->question()) << "the resolver's queries are sound";
  if (!parsed || !parsed->question()) return {};
  asked.push_back(
      {bytes, from, bool(connection), connection, *parsed->question(), parsed->udp_payload()});
  return answers ? answers(asked.back()) : Buffers();
}

bool NameServer::poll_connection(Connection& connection) {
  std::array<std::uint8_t, 2048> room{};
  while (const auto got = stack_.recv(connection.socket, room)) {
    if (*got == 0) {
      EXPECT_TRUE(stack_.close(connection.socket));
      return false;
    }
    connection.in.insert(connection.in.end(), room.begin(),
                         room.begin() + static_cast<std::ptrdiff_t>(*got));
  }
  while (connection.in.size() >= 2 &&
         connection.in.size() >= 2U + load_be16(connection.in.data())) {
    const std::size_t size = load_be16(connection.in.data());
    const Buffer query(connection.in.begin() + 2,
                       connection.in.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    connection.in.erase(connection.in.begin(),
                        connection.in.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    for (const Buffer& answer : on_query(query, connection.from, connection.socket)) {
      reply(asked.back(), answer);
    }
  }
  return true;
}

void NameServer::poll() {
  std::array<std::uint8_t, 2048> room{};
  DatagramInfo info;
  while (const auto got = stack_.recv_from(udp_, room, info)) {
    const Endpoint from = info.source;
    for (const Buffer& answer : on_query(Bytes(room).first(*got), from)) {
      EXPECT_TRUE(stack_.send_to(udp_, answer, from));
    }
  }
  while (const auto connection = stack_.accept(tcp_)) {
    connections_.push_back({connection->socket, connection->peer, {}});
    ++accepted;
  }
  std::erase_if(connections_, [this](Connection& c) { return !poll_connection(c); });
}

void ResolverTest::serve(std::vector<Record> zone) {
  server.answers = [zone = std::move(zone)](const Asked& asked) {
    Response response{.rcode = DnsRcode::name_error};
    for (const Record& record : zone) {
      if (*wire::DnsName::parse(record.name) != asked.question.name) continue;
      response.rcode = DnsRcode::no_error;
      if (record.type == asked.question.type || record.type == DnsType::cname) {
        response.answers.push_back(record);
      }
    }
    return Buffers{response.to(asked.bytes)};
  };
}

void ResolverTest::run_until(const std::function<bool()>& done, Duration patience) {
  const Time end = now + patience;
  for (;;) {
    std::uint64_t before = 0;
    do {
      before = frames();
      settle();
      resolver->poll(now);
      b->set_now(now);
      server.poll();
      if (helper != nullptr) helper->poll();
      settle();
    } while (frames() != before);
    if (done() || now >= end) return;
    const Time next = std::min({a->next_deadline(), b->next_deadline(), resolver->next_deadline()});
    now = std::min(end, std::max(now + 1ns, next));
  }
}

void ResolverTest::run(Duration duration) {
  run_until([] { return false; }, duration);
}

std::optional<NameAnswer> ResolverTest::ask(std::string_view name, DnsType type,
                                            Duration patience) {
  const auto result = std::make_shared<std::optional<NameAnswer>>();
  resolver->ask(name, type, [result](const NameAnswer& answer) { *result = answer; });
  run_until([&result] { return result->has_value(); }, patience);
  return *result;
}

std::optional<HostAnswer> ResolverTest::find(std::string_view name, NameFamily family,
                                             Duration patience) {
  const auto result = std::make_shared<std::optional<HostAnswer>>();
  resolver->find_host(name, family, [result](const HostAnswer& answer) { *result = answer; });
  run_until([&result] { return result->has_value(); }, patience);
  return *result;
}

std::vector<std::string> to_strings(const std::vector<IpAddr>& addresses) {
  std::vector<std::string> text;
  for (const IpAddr& address : addresses) text.push_back(address.to_string());
  return text;
}

std::string first_address(const std::optional<NameAnswer>& answer) {
  if (!answer) return "no answer";
  if (answer->records.empty()) return std::string(to_string(answer->outcome));
  const auto* address = std::get_if<IpAddr>(&answer->records[0].data);
  return address != nullptr ? address->to_string() : "no address";
}

}  // namespace naru::resolver::test
