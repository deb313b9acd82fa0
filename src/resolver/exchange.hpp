// Exchange: one question that is put to one server.
//
//   Exchange ── ares_send ──► c-ares channel ── ares_socket_functions ──► Network
//      └── where the answer did not fit, or forgers are about ──► Streams ──┘
//
// c-ares does what a client of a DNS server has to over UDP, with EDNS or without where the
// server does not know that. It has a channel and so a socket and a port of its own for
// each exchange (RFC 5452 9.2). What decides about safety and time is naru's: ids, ports
// and letters come from the stack's kind of random numbers, what answers the question word
// by word is the only thing that c-ares gets to see, and its own clock never runs out.
#pragma once

#include <ares.h>
#include <array>
#include <memory>
#include <sys/uio.h>
#include <vector>

#include <naru/random/random.hpp>
#include <naru/resolver/network.hpp>

#include "resolver/streams.hpp"
#include "wire/dns.hpp"

namespace naru::resolver {

// How to ask.
enum class Manner : std::uint8_t {
  modern,   // with EDNS, and in letters of random case, which the answer must repeat
  legible,  // with EDNS, in letters as they are: for people to read
  plain,    // as in 1987, for servers that are silent before anything newer
};

// Whom: a server that finds out for us, or one that says what it knows itself.
enum class Request : std::uint8_t { recursive, iterative };

class Exchange {
 public:
  enum class State : std::uint8_t { waiting, answered, failed };

  // Asks at once. Where that is impossible, the state is failed.
  Exchange(Network& network, Random& random, Streams& streams, const Endpoint& server,
           const wire::DnsQuestion& question, Manner manner, Request request = Request::recursive);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Takes what has come, after the streams have done so.
  void poll();
  State state() const { return state_; }
  // The answer, which is sound and repeats the question; where the state is answered.
  const wire::DnsMessageView& answer() const { return *answer_; }
  // The server was asked without EDNS.
  bool was_plain() const;

 private:
  struct Carrier;  // what c-ares sees of the network
  static constexpr int kNone = -1;
  static constexpr unsigned kForgeries = 3;  // so many wrong numbers are no accident

  bool make_channel(Manner manner);
  bool set_server();
  void on_query(Bytes message);
  void on_end(int status, Bytes message);
  // Whether a message is what we are waiting for.
  bool is_answer(Bytes message);
  // The message is the answer, if it is sound.
  void take(Bytes message);
  void turn_to_stream();
  Status bind_at_random(int socket, const IpAddr& remote);

  Network& network_;
  Random& random_;
  Streams& streams_;
  const Endpoint server_;
  ares_channel channel_ = nullptr;
  int socket_ = kNone;
  std::shared_ptr<const StreamQuestion> over_tcp_;
  unsigned forgeries_ = 0;
  bool is_truncated_ = false;
  std::array<std::uint8_t, wire::kMaxDnsQuery> query_{};  // as it was sent
  std::size_t query_size_ = 0;
  std::vector<std::uint8_t> message_;
  std::optional<wire::DnsMessageView> answer_;
  State state_ = State::waiting;
};

}  // namespace naru::resolver
