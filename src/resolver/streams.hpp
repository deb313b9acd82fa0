// Streams: questions over TCP (RFC 7766).
//
// Whoever asks a server shares one connection to it: the questions go out at once, each in
// one piece with its length, and are answered in whatever order. A connection that nobody
// needs is kept for a while.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include <naru/random/random.hpp>
#include <naru/resolver/network.hpp>

namespace naru::resolver {

// A question over TCP, for as long as somebody holds it.
struct StreamQuestion {
  enum class State : std::uint8_t { waiting, answered, failed };

  State state = State::waiting;
  unsigned connections = 0;           // that it was put into
  std::vector<std::uint8_t> message;  // the question, under a number of its own
  std::vector<std::uint8_t> answer;   // it can be read, and repeats the question
};

class Streams {
 public:
  static constexpr Duration kIdle = 10s;  // a connection is kept without questions

  Streams(Network& network, Random& random) : network_(network), random_(random) {}
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  // Sends what it can at once; poll() takes the answer.
  std::shared_ptr<const StreamQuestion> ask(const Endpoint& server, Bytes query);
  void poll();
  // When a connection has been idle for long enough.
  Time next_deadline() const;

 private:
  // Open questions are in the order in which they were asked.
  struct Connection {
    Endpoint server;
    int socket;
    Time idle_since;
    bool is_open = false;  // it has been, so what ends it is no refusal
    std::vector<std::weak_ptr<StreamQuestion>> waiting;
    std::vector<std::uint8_t> out;
    std::vector<std::uint8_t> in;
  };
  using Connections = std::list<Connection>;
  using Question = std::shared_ptr<StreamQuestion>;
  enum class Health : std::uint8_t { good, ended, nonsense };

  // The connection to a server, which may be new; nullptr: there can be none.
  Connection* connection_to(const Endpoint& server);
  void put(const Question& question, const Endpoint& server);
  Question waiting_for(const Connection& connection, Bytes answer) const;
  bool is_number_free(const Connection& connection, std::uint16_t id) const;
  void send(Connection& connection);
  Health receive(Connection& connection);
  Health take_messages(Connection& connection);
  // What has not been answered is asked once more, where that may help.
  void give_up(Connections::iterator connection, Health why);

  Network& network_;
  Random& random_;
  Connections connections_;
};

}  // namespace naru::resolver
