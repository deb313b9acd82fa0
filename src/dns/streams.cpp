#include "dns/streams.hpp"

#include <algorithm>
#include <array>

namespace naru::dns {

Streams::~Streams() {
  for (const auto& [number, connection] : connections_) (void)stack_.close(connection.socket);
  if (listener_) (void)stack_.close(listener_);
}

Status Streams::open(const Endpoint& local) {
  const auto id = stack_.open_tcp();
  if (!id) return std::unexpected(id.error());
  listener_ = *id;
  if (const Status bound = stack_.bind(listener_, local); !bound) return bound;
  return stack_.listen(listener_, static_cast<int>(kMaxConnections));
}

void Streams::accept(Time now) {
  while (connections_.size() < kMaxConnections) {
    const auto accepted = stack_.accept(listener_);
    if (!accepted) return;
    Connection& connection = connections_[++last_];
    connection.socket = accepted->socket;
    connection.used = now;
  }
}

void Streams::read(std::uint64_t number, Connection& connection, Time now,
                   const OnQuery& on_query) {
  std::array<std::uint8_t, 4096> room{};
  // Who does not read is not read from.
  while (connection.out.size() < kMaxUnsent) {
    const auto got = stack_.recv(connection.socket, room);
    if (!got) {
      connection.is_over |= got.error() != Error::would_block;
      return;
    }
    if (*got == 0) {
      connection.has_ended = true;
      return;
    }
    connection.used = now;
    connection.in.insert(connection.in.end(), room.begin(),
                         room.begin() + static_cast<std::ptrdiff_t>(*got));
    take_queries(number, connection, on_query);
  }
}

void Streams::take_queries(std::uint64_t number, Connection& connection, const OnQuery& on_query) {
  Bytes rest = connection.in;
  while (rest.size() >= 2 && rest.size() - 2 >= load_be16(rest.data())) {
    const std::size_t size = load_be16(rest.data());
    on_query(rest.subspan(2, size),
             [this, number](const std::vector<std::uint8_t>& r) { reply(number, r); });
    rest = rest.subspan(2 + size);
  }
  connection.in.erase(connection.in.begin(),
                      connection.in.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

void Streams::reply(std::uint64_t number, const std::vector<std::uint8_t>& response) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  std::vector<std::uint8_t>& out = found->second.out;
  std::array<std::uint8_t, 2> length{};
  store_be16(length.data(), static_cast<std::uint16_t>(response.size()));
  out.insert(out.end(), length.begin(), length.end());
  out.insert(out.end(), response.begin(), response.end());
}

void Streams::write(Connection& connection) {
  while (!connection.out.empty()) {
    const auto sent = stack_.send(connection.socket, connection.out);
    if (!sent) {
      connection.is_over |= sent.error() != Error::would_block;
      return;
    }
    connection.out.erase(connection.out.begin(),
                         connection.out.begin() + static_cast<std::ptrdiff_t>(*sent));
  }
}

void Streams::poll(Time now, const OnQuery& on_query) {
  accept(now);
  for (auto it = connections_.begin(); it != connections_.end();) {
    Connection& connection = it->second;
    read(it->first, connection, now, on_query);
    write(connection);
    const bool is_done = connection.has_ended && connection.out.empty();
    if (!connection.is_over && !is_done && now - connection.used < kPatience) {
      ++it;
      continue;
    }
    (void)stack_.close(connection.socket);
    it = connections_.erase(it);
  }
}

Time Streams::next_deadline() const {
  Time deadline = kTimeNever;
  for (const auto& [number, connection] : connections_) {
    deadline = std::min(deadline, connection.used + kPatience);
  }
  return deadline;
}

}  // namespace naru::dns
