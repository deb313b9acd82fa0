// Streams: queries over TCP (RFC 7766), each behind its length.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include <naru/stack/stack.hpp>

namespace naru::dns {

class Streams {
 public:
  using Reply = std::function<void(const std::vector<std::uint8_t>& response)>;
  // A reply may come later than the call, and when the connection is gone.
  using OnQuery = std::function<void(Bytes query, const Reply& reply)>;

  explicit Streams(Stack& stack) : stack_(stack) {}
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  Status open(const Endpoint& local);
  void poll(Time now, const OnQuery& on_query);
  Time next_deadline() const;

 private:
  static constexpr std::size_t kMaxConnections = 64;
  static constexpr std::size_t kMaxUnsent = 256 * 1024;  // of one who does not read
  static constexpr Duration kPatience = 10s;             // with one who says nothing

  struct Connection {
    SocketId socket;
    std::vector<std::uint8_t> in;
    std::vector<std::uint8_t> out;
    Time used{};
    bool has_ended = false;  // the client says no more
    bool is_over = false;
  };

  void accept(Time now);
  void read(std::uint64_t number, Connection& connection, Time now, const OnQuery& on_query);
  void take_queries(std::uint64_t number, Connection& connection, const OnQuery& on_query);
  void write(Connection& connection);
  void reply(std::uint64_t number, const std::vector<std::uint8_t>& response);

  Stack& stack_;
  SocketId listener_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Connection> connections_;
};

}  // namespace naru::dns
