#include <list>
#include <map>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <naru/asio.hpp>

#include "gateway/addresses.hpp"
#include "gateway/door.hpp"

namespace naru::gateway {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::redirect_error;
using net::use_awaitable;
using Outside = net::ip::udp;

constexpr std::size_t kMaxDatagram = 65'535;

class UdpDoor final : public Door, public std::enable_shared_from_this<UdpDoor> {
 public:
  UdpDoor(net::io_context& context, const Publication& publication)
      : context_(context),
        outside_(context, to_asio<Outside::endpoint>(publication.outside)),
        program_(to_asio<ip::udp::endpoint>(publication.inside)) {}

  void start() {
    net::co_spawn(
        context_, [self = shared_from_this()] { return self->carry_in(); }, net::detached);
  }

  // Without its socket nobody can be answered: conversations end with their door.
  void close() override {
    error_code ignored;
    outside_.close(ignored);
    for (auto& guest : guests_) guest->inside.close(ignored);
    guests_.clear();
    by_address_.clear();
  }

 private:
  // Somebody outside, whom the program knows by a port of the gateway's.
  struct Guest {
    Guest(net::io_context& context, Outside::endpoint from)
        : inside(context, ip::udp::v4()), outside(std::move(from)) {}
    ip::udp::socket inside;
    Outside::endpoint outside;
  };
  using Guests = std::list<std::shared_ptr<Guest>>;

  net::awaitable<void> carry_in();
  net::awaitable<void> carry_out(std::shared_ptr<Guest> guest);
  // nullptr when there is no socket for it.
  std::shared_ptr<Guest> guest_at(const Outside::endpoint& from);
  std::shared_ptr<Guest> admit(const Outside::endpoint& from);
  void send_away_the_quietest();

  net::io_context& context_;
  Outside::socket outside_;
  ip::udp::endpoint program_;
  Guests guests_;  // who was heard last is first
  std::map<Outside::endpoint, Guests::iterator> by_address_;
};

net::awaitable<void> UdpDoor::carry_in() {
  std::vector<char> datagram(kMaxDatagram);
  while (outside_.is_open()) {
    error_code ec;
    Outside::endpoint from;
    const std::size_t n = co_await outside_.async_receive_from(net::buffer(datagram), from,
                                                               redirect_error(use_awaitable, ec));
    if (ec) continue;  // what an ICMP error says of somebody concerns nobody else
    const std::shared_ptr<Guest> guest = guest_at(from);
    if (!guest) continue;
    co_await guest->inside.async_send(net::buffer(datagram.data(), n),
                                      redirect_error(use_awaitable, ec));
  }
}

net::awaitable<void> UdpDoor::carry_out(std::shared_ptr<Guest> guest) {
  const auto self = shared_from_this();
  std::vector<char> datagram(kMaxDatagram);
  while (guest->inside.is_open()) {
    error_code ec;
    const std::size_t n = co_await guest->inside.async_receive(net::buffer(datagram),
                                                               redirect_error(use_awaitable, ec));
    if (ec) continue;
    co_await outside_.async_send_to(net::buffer(datagram.data(), n), guest->outside,
                                    redirect_error(use_awaitable, ec));
  }
}

std::shared_ptr<UdpDoor::Guest> UdpDoor::guest_at(const Outside::endpoint& from) {
  const auto known = by_address_.find(from);
  if (known == by_address_.end()) return admit(from);
  guests_.splice(guests_.begin(), guests_, known->second);
  return *known->second;
}

std::shared_ptr<UdpDoor::Guest> UdpDoor::admit(const Outside::endpoint& from) {
  if (guests_.size() >= kMaxGuests) send_away_the_quietest();
  error_code ec;
  auto guest = std::make_shared<Guest>(context_, from);
  guest->inside.connect(program_, ec);
  if (ec) return nullptr;
  guests_.push_front(guest);
  by_address_[from] = guests_.begin();
  net::co_spawn(
      context_, [self = shared_from_this(), guest] { return self->carry_out(guest); },
      net::detached);
  return guest;
}

void UdpDoor::send_away_the_quietest() {
  const std::shared_ptr<Guest> guest = guests_.back();
  error_code ignored;
  guest->inside.close(ignored);
  by_address_.erase(guest->outside);
  guests_.pop_back();
}

}  // namespace

std::shared_ptr<Door> open_udp_door(net::io_context& context, const Publication& publication) {
  auto door = std::make_shared<UdpDoor>(context, publication);
  door->start();
  return door;
}

}  // namespace naru::gateway
