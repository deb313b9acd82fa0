#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/addresses.hpp"
#include "gateway/door.hpp"
#include "gateway/relay.hpp"

namespace naru::gateway {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::redirect_error;
using net::use_awaitable;

// After an accept that failed for want of descriptors or memory.
constexpr auto kPause = std::chrono::milliseconds(100);

class TcpDoor final : public Door, public std::enable_shared_from_this<TcpDoor> {
 public:
  TcpDoor(net::io_context& context, const Publication& publication)
      : context_(context),
        acceptor_(context, to_asio<net::ip::tcp::endpoint>(publication.outside)),
        room_(context),
        program_(to_asio<ip::tcp::endpoint>(publication.inside)) {}

  void start() {
    net::co_spawn(
        context_, [self = shared_from_this()] { return self->accept_all(); }, net::detached);
  }

  void close() override {
    error_code ignored;
    acceptor_.close(ignored);
    room_.cancel();
  }

 private:
  net::awaitable<void> accept_all();
  // True when somebody may come in.
  net::awaitable<void> wait_for_room();
  void admit(Relay::Outside guest);

  net::io_context& context_;
  net::ip::tcp::acceptor acceptor_;
  net::steady_timer room_;  // cancelled when somebody leaves
  ip::tcp::endpoint program_;
  std::size_t guests_ = 0;
};

net::awaitable<void> TcpDoor::accept_all() {
  while (acceptor_.is_open()) {
    error_code ec;
    auto guest = co_await acceptor_.async_accept(redirect_error(use_awaitable, ec));
    if (!acceptor_.is_open()) co_return;
    if (ec) {
      room_.expires_after(kPause);
      co_await room_.async_wait(redirect_error(use_awaitable, ec));
      continue;
    }
    admit(std::move(guest));
    if (guests_ >= kMaxGuests) co_await wait_for_room();
  }
}

net::awaitable<void> TcpDoor::wait_for_room() {
  error_code ignored;
  room_.expires_at(net::steady_timer::time_point::max());
  co_await room_.async_wait(redirect_error(use_awaitable, ignored));
}

void TcpDoor::admit(Relay::Outside guest) {
  ++guests_;
  auto relay = std::make_shared<Relay>(std::move(guest), context_, [door = shared_from_this()] {
    --door->guests_;
    door->room_.cancel();
  });
  net::co_spawn(
      context_, [relay, program = program_] { return relay->run(program); }, net::detached);
}

}  // namespace

std::shared_ptr<Door> open_tcp_door(net::io_context& context, const Publication& publication) {
  auto door = std::make_shared<TcpDoor>(context, publication);
  door->start();
  return door;
}

}  // namespace naru::gateway
