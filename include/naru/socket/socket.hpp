// Socket: a socket as an object, with non-blocking and blocking calls.
#pragma once

#include <naru/socket/host.hpp>

namespace naru {

// Owns one socket of a Host; closes it at the end of its life. The blocking calls
// drive the host until they can answer.
class Socket {
 public:
  static Result<Socket> tcp(Host& host);
  static Result<Socket> udp(Host& host);

  Socket() = default;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  SocketId id() const { return id_; }
  explicit operator bool() const { return host_ != nullptr; }

  // How long a blocking call waits (SO_RCVTIMEO, SO_SNDTIMEO); 0 is for ever.
  void set_timeout(Duration timeout) { timeout_ = timeout; }

  Status bind(const Endpoint& local);
  Status listen(int backlog = 128);
  // Blocking: until a connection is there / is established.
  Result<Socket> accept(Endpoint* peer = nullptr);
  Status connect(const Endpoint& remote);
  // Blocking: all of `data` is in the send buffer; at least one byte received, or
  // 0 at the end of the stream.
  Result<std::size_t> send(Bytes data);
  Result<std::size_t> recv(MutableBytes out);
  // Until out is full or the stream ends.
  Result<std::size_t> recv_all(MutableBytes out);
  Result<std::size_t> send_to(Bytes data, const Endpoint& remote);
  Result<std::size_t> recv_from(MutableBytes out, DatagramInfo& info);

  Status shutdown(Shutdown how);
  Status close();
  Status set_option(SocketOption option, std::int64_t value);

 private:
  Socket(Host& host, SocketId id) : host_(&host), id_(id) {}
  // Drives the host until one of the readiness bits is set.
  Status wait(std::uint8_t bits);

  Host* host_ = nullptr;
  SocketId id_;
  Duration timeout_{0};
};

}  // namespace naru
