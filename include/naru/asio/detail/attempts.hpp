// Attempts: what each operation of a socket does, once; asynchronous and blocking
// calls share them (see AsyncOperation and StackService::run).
#pragma once

#include <array>
#include <tuple>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>

#include <naru/asio/detail/convert.hpp>
#include <naru/asio/detail/options.hpp>
#include <naru/stack/stack.hpp>

namespace naru::asio::detail {

inline unsigned from_asio_flags(int flags) {
  unsigned out = 0;
  if ((flags & MSG_OOB) != 0) out |= msg::kOob;
  if ((flags & MSG_PEEK) != 0) out |= msg::kPeek;
  if ((flags & MSG_MORE) != 0) out |= msg::kMore;
  return out;
}

inline MutableBytes to_bytes(const boost::asio::mutable_buffer& buffer) {
  return {static_cast<std::uint8_t*>(buffer.data()), buffer.size()};
}
inline Bytes to_bytes(const boost::asio::const_buffer& buffer) {
  return {static_cast<const std::uint8_t*>(buffer.data()), buffer.size()};
}

// An outcome that is an error alone.
struct Attempt {
  error_code ec;

  void fail(const error_code& error) { ec = error; }
  std::tuple<error_code> results() { return {ec}; }
  // Takes an error that ends the attempt; false for the one that says "wait".
  bool ends_with(Error error) {
    if (error == Error::would_block) return false;
    ec = to_error_code(error);
    return true;
  }
};

// An outcome with a number of bytes.
struct Transfer : Attempt {
  std::size_t bytes = 0;

  std::tuple<error_code, std::size_t> results() { return {ec, bytes}; }
};

// As much as is there, into one buffer after the other.
template <class Buffers>
struct Receive : Transfer {
  Receive(const Buffers& b, int f) : buffers(b), flags(from_asio_flags(f)) {}

  bool operator()(Stack& stack, SocketId socket) {
    // A read of nothing is done at once, and says nothing of the stream's end.
    if (boost::asio::buffer_size(buffers) == 0) return true;
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it) {
      const boost::asio::mutable_buffer buffer(*it);
      if (buffer.size() == 0) continue;
      const auto n = stack.recv(socket, to_bytes(buffer), flags);
      if (!n) return bytes > 0 || ends_with(n.error());
      if (*n == 0 && bytes == 0) ec = boost::asio::error::eof;
      bytes += *n;
      if (*n < buffer.size() || flags != 0) return true;
    }
    return true;
  }

  Buffers buffers;
  unsigned flags;
};

// As much as the send buffer takes. Small buffers that follow each other, as of a
// message's header, go in together.
template <class Buffers>
struct Send : Transfer {
  Send(const Buffers& b, int f) : buffers(b), flags(from_asio_flags(f)) {}

  bool operator()(Stack& stack, SocketId socket) {
    std::array<std::uint8_t, 2048> small;
    std::size_t gathered = 0;
    std::size_t left = boost::asio::buffer_size(buffers);
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it) {
      const boost::asio::const_buffer buffer(*it);
      left -= buffer.size();
      if (gathered + buffer.size() > small.size() && gathered > 0) {
        if (!put(stack, socket, {small.data(), gathered}, true)) return done;
        gathered = 0;
      }
      if (buffer.size() > small.size() || (gathered == 0 && left == 0)) {
        if (!put(stack, socket, to_bytes(buffer), left > 0)) return done;
      } else if (buffer.size() > 0) {
        std::memcpy(small.data() + gathered, buffer.data(), buffer.size());
        gathered += buffer.size();
      }
    }
    return !put(stack, socket, {small.data(), gathered}, false) ? done : true;
  }

  // True when all of `data` is in the send buffer; else `done` says how it goes on.
  bool put(Stack& stack, SocketId socket, Bytes data, bool more) {
    if (data.empty()) return true;
    const auto n = stack.send(socket, data, flags | (more ? msg::kMore : 0));
    done = n || bytes > 0 || ends_with(n.error());
    bytes += n.value_or(0);
    return n && *n == data.size();
  }

  Buffers buffers;
  unsigned flags;
  bool done = false;
};

struct Connect : Attempt {
  explicit Connect(const Endpoint& r) : remote(r) {}

  bool operator()(Stack& stack, SocketId socket) {
    if (!started) {
      started = true;
      const Status status = stack.connect(socket, remote);
      if (status) return true;
      if (status.error() != Error::in_progress) return ends_with(status.error());
    }
    const std::uint8_t now = stack.readiness(socket);
    if ((now & (ready::kOut | ready::kErr | ready::kHup)) == 0) return false;
    ec = to_error_code(stack.take_error(socket));
    return true;
  }

  void fail(const error_code& error) { ec = refused ? refused : error; }

  Endpoint remote;
  error_code refused;  // why the socket could not be opened
  bool started = false;
};

struct Wait : Attempt {
  explicit Wait(boost::asio::socket_base::wait_type type) : bits(bits_of(type)) {}

  bool operator()(Stack& stack, SocketId socket) {
    return (stack.readiness(socket) & (bits | ready::kErr | ready::kHup)) != 0;
  }

  static std::uint8_t bits_of(boost::asio::socket_base::wait_type type) {
    switch (type) {
      case boost::asio::socket_base::wait_read:
        return ready::kIn | ready::kRdHup;
      case boost::asio::socket_base::wait_write:
        return ready::kOut;
      default:
        return ready::kPri;
    }
  }

  std::uint8_t bits;
};

// The buffers of a datagram as one span: the sequence itself where it has one
// buffer, else a copy.
class Gathered {
 public:
  template <class Buffers>
  explicit Gathered(const Buffers& buffers) {
    const auto begin = boost::asio::buffer_sequence_begin(buffers);
    const auto end = boost::asio::buffer_sequence_end(buffers);
    if (begin != end && std::next(begin) == end) {
      bytes_ = to_bytes(boost::asio::const_buffer(*begin));
      return;
    }
    copy_.resize(boost::asio::buffer_size(buffers));
    boost::asio::buffer_copy(boost::asio::buffer(copy_), buffers);
    bytes_ = copy_;
  }
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;

  Bytes bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> copy_;
  Bytes bytes_;
};

// One datagram, to `remote` or, without it, to the connected peer.
template <class Buffers>
struct SendDatagram : Transfer {
  SendDatagram(const Buffers& b, const std::optional<Endpoint>& r, int f)
      : buffers(b), remote(r), flags(from_asio_flags(f)) {}

  bool operator()(Stack& stack, SocketId socket) {
    const Gathered datagram(buffers);
    const auto n = remote ? stack.send_to(socket, datagram.bytes(), *remote, flags)
                          : stack.send(socket, datagram.bytes(), flags);
    if (!n) return ends_with(n.error());
    bytes = *n;
    return true;
  }

  Buffers buffers;
  std::optional<Endpoint> remote;
  unsigned flags;
};

// One datagram; what does not fit is gone. `sender` may be nullptr.
template <class Buffers, class AsioEndpoint>
struct ReceiveDatagram : Transfer {
  ReceiveDatagram(const Buffers& b, AsioEndpoint* s, int f)
      : buffers(b), sender(s), flags(from_asio_flags(f)) {}

  bool operator()(Stack& stack, SocketId socket) {
    const auto begin = boost::asio::buffer_sequence_begin(buffers);
    const auto end = boost::asio::buffer_sequence_end(buffers);
    const bool single = begin != end && std::next(begin) == end;
    std::vector<std::uint8_t> copy(single ? 0 : boost::asio::buffer_size(buffers));
    const MutableBytes out =
        single ? to_bytes(boost::asio::mutable_buffer(*begin)) : MutableBytes(copy);
    DatagramInfo info;
    const auto n = stack.recv_from(socket, out, info, flags);
    if (!n) return ends_with(n.error());
    bytes = *n;
    if (!single) boost::asio::buffer_copy(buffers, boost::asio::buffer(copy.data(), bytes));
    if (sender != nullptr) {
      *sender = AsioEndpoint(to_asio(info.source.addr), info.source.port);
    }
    return true;
  }

  Buffers buffers;
  AsioEndpoint* sender;
  unsigned flags;
};

}  // namespace naru::asio::detail
