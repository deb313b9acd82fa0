// Relay: a connection of the kernel's carried on by one of naru's.
//
//   browser ══ kernel's TCP ══ outside │ one block each way │ inside ══ naru's TCP ══ program
//
// Each direction reads a block and writes it before it reads the next: a slow reader
// on either side fills the buffers of both connections and then stops the sender. An
// end of one becomes a FIN on the other, an error a reset.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <naru/asio.hpp>

namespace naru::gateway {

class Relay : public std::enable_shared_from_this<Relay> {
 public:
  using Outside = boost::asio::ip::tcp::socket;
  using Inside = ip::tcp::socket;

  // `on_end` is called when both connections are gone.
  Relay(Outside outside, boost::asio::io_context& context, std::function<void()> on_end)
      : outside_(std::move(outside)), inside_(context), on_end_(std::move(on_end)) {}
  ~Relay() { on_end_(); }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Connects to the program and carries bytes until both directions have ended.
  boost::asio::awaitable<void> run(ip::tcp::endpoint program);

 private:
  boost::asio::awaitable<void> carry_in();
  boost::asio::awaitable<void> carry_out();
  // Resets both connections.
  void abort();

  Outside outside_;
  Inside inside_;
  std::function<void()> on_end_;
};

}  // namespace naru::gateway
