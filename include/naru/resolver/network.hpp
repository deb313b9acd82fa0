// What a resolver needs of sockets: a stack's, or the descriptors of a program (posix/).
#pragma once

#include <memory>

#include <naru/stack/stack.hpp>

namespace naru::resolver {

// None of the calls blocks.
class Network {
 public:
  enum class Kind : std::uint8_t { datagram, stream };

  Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  virtual ~Network() = default;

  virtual Time now() const = 0;
  // The number of a new socket. Datagrams leave it whole or not at all (RFC 9715).
  virtual Result<int> open(Kind kind, bool is_v6) = 0;
  virtual void close(int socket) = 0;
  virtual Status bind(int socket, const Endpoint& local) = 0;
  virtual Status connect(int socket, const Endpoint& remote) = 0;
  virtual Result<std::size_t> send(int socket, Bytes data) = 0;
  virtual Result<std::size_t> recv(int socket, MutableBytes out) = 0;
  // Where a connected one sends from.
  virtual Result<Endpoint> local(int socket) const = 0;
  // Bits of naru::ready.
  virtual std::uint8_t readiness(int socket) const = 0;
};

// The sockets of a stack, which outlives it.
std::unique_ptr<Network> stack_network(Stack& stack);

}  // namespace naru::resolver
