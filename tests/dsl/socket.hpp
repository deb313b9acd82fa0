// Socket: a socket of the host in a test. Calls go to the stack, and then the
// stack does what follows from them, before they return.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <naru/stack/stack.hpp>

#include "dsl/bytes.hpp"
#include "dsl/failure.hpp"

namespace naru::test {

class Wire;
class Peer;

// Copies mean the same socket; the Wire aborts at the end what was not closed.
class Socket {
 public:
  Socket() = default;
  Socket(Wire& wire, SocketId id) : wire_(&wire), id_(id) {}

  SocketId id() const { return id_; }
  explicit operator bool() const { return static_cast<bool>(id_); }

  // --- calls, with the stack's own answer ----------------------------------
  Status bind(const Endpoint& local);
  Status listen(int backlog);
  Status connect(const Endpoint& remote);
  Result<Accepted> try_accept();
  Result<std::size_t> try_send(Bytes data, unsigned flags = 0);
  Result<std::size_t> try_recv(MutableBytes out, unsigned flags = 0);
  Result<std::size_t> send_to(Bytes data, const Endpoint& remote, unsigned flags = 0);
  Result<std::size_t> recv_from(MutableBytes out, DatagramInfo& info, unsigned flags = 0);
  Status shutdown(Shutdown how);
  Status close();
  Status abort();
  Status set(SocketOption option, std::int64_t value);
  std::int64_t get(SocketOption option);
  // SO_ERROR
  Error take_error();
  std::uint8_t readiness() const;
  bool is_ready(std::uint8_t bits) const { return (readiness() & bits) == bits; }
  Endpoint local() const;
  Endpoint remote() const;
  TcpInfo info(Where where = Where::current()) const;
  TcpState state(Where where = Where::current()) const { return info(where).state; }

  // --- calls that have to succeed, or the test fails -----------------------
  // The next connection of the accept queue.
  Socket accept(Where where = Where::current());
  // All of it goes into the send buffer.
  void send(std::string_view text, unsigned flags = 0, Where where = Where::current());
  // The next n bytes of the test stream.
  void send_stream(std::size_t n, Where where = Where::current());
  // All that can be read now, at most `max` bytes.
  std::string read(std::size_t max = SIZE_MAX);
  // What can be read now is exactly this.
  void expect_read(std::string_view text, Where where = Where::current());
  // The next n bytes of the test stream can be read, and no more.
  void expect_stream(std::size_t n, Where where = Where::current());
  // recv answers 0: the peer has finished.
  void expect_eof(Where where = Where::current());
  // recv answers with this error; would_block: nothing is there.
  void expect_recv(Error error, Where where = Where::current());
  void expect_nothing(Where where = Where::current()) { expect_recv(Error::would_block, where); }

  // Fails the test when a call was refused.
  static void must(const Status& status, Where where = Where::current());

 private:
  Stack& stack() const;
  template <class Result>
  Result after(Result result);

  Wire* wire_ = nullptr;
  SocketId id_;
  std::uint64_t stream_sent_ = 0;
  std::uint64_t stream_read_ = 0;
};

}  // namespace naru::test
