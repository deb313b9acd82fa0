// Socket: a socket as an object, with calls that wait.
#pragma once

#include <naru/socket/host.hpp>

namespace naru {

// Owns one socket of a Host and closes it at the end of its life. The calls drive
// the host until they can answer, so a Socket needs no event loop.
class Socket {
 public:
  static Result<Socket> tcp(Host& host);
  static Result<Socket> udp(Host& host);
  // One of the host's stack, which nobody else will close.
  static Socket adopt(Host& host, SocketId id) { return {host, id}; }

  Socket() = default;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  SocketId id() const { return id_; }
  explicit operator bool() const { return host_ != nullptr; }

  // How long a call waits (SO_RCVTIMEO, SO_SNDTIMEO); 0 is for ever. A call whose
  // time is over answers Error::would_block, connect Error::in_progress.
  void set_timeout(Duration timeout) { timeout_ = timeout; }

  Status bind(const Endpoint& local);
  Status listen(int backlog = 128);
  // Until a connection is there.
  Result<Socket> accept(Endpoint* peer = nullptr);
  // Until the connection is established.
  Status connect(const Endpoint& remote);
  // Until all of `data` is in the send buffer. An error after some bytes went in
  // gives their number; the next call gives the error.
  Result<std::size_t> send(Bytes data);
  // At least one byte, or 0 at the end of the stream.
  Result<std::size_t> recv(MutableBytes out);
  // Until out is full or the stream ends.
  Result<std::size_t> recv_all(MutableBytes out);
  Result<std::size_t> send_to(Bytes data, const Endpoint& remote);
  Result<std::size_t> recv_from(MutableBytes out, DatagramInfo& info);

  Status shutdown(Shutdown how);
  Status close();
  Status set_option(SocketOption option, std::int64_t value);
  Result<Endpoint> local() const;
  Result<Endpoint> remote() const;

 private:
  Socket(Host& host, SocketId id) : host_(&host), id_(id) {}
  // Calls `attempt` until it answers something else than Error::would_block,
  // waiting for one of the readiness bits in between.
  template <class Attempt>
  auto retry(std::uint8_t bits, const Attempt& attempt)
      -> decltype(attempt(std::declval<Stack&>()));
  // Drives the host until one of the readiness bits, or an error, is there.
  bool wait(std::uint8_t bits);

  Host* host_ = nullptr;
  SocketId id_;
  Duration timeout_{0};
};

}  // namespace naru
