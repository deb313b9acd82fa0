#include "cli/leased_address.hpp"

#include <naru/asio/use_stack.hpp>

#include "cli/drive.hpp"
#include "cli/failure.hpp"

namespace naru::cli {
namespace {

constexpr Duration kPatience = 30s;
// RFC 5227 has three; one finds those who answer, and costs three seconds.
constexpr unsigned kProbes = 1;
// While an answer is expected it is looked for so often.
constexpr Duration kLook = 100ms;

}  // namespace

LeasedAddress::LeasedAddress(Host& host, std::uint8_t interface, const MacAddr& mac) {
  Stack& stack = host.stack();
  stack.set_now(monotonic_now());
  auto client = dhcp::Client::create(stack, {.interface = interface, .mac = mac, .probes = kProbes},
                                     Random::secure(entropy()));
  if (!client) throw Failure("--ip dhcp: the port of DHCP is taken");
  client_ = std::move(*client);
  const Time end = monotonic_now() + kPatience;
  drive(
      host, [&] { client_->poll(stack.now()); },
      [&] { return std::min(end, client_->next_deadline()); },
      [&] { return client_->lease().has_value() || monotonic_now() >= end; });
  if (!client_->lease()) throw Failure("--ip dhcp: nobody gives an address");
  lease_ = *client_->lease();
}

void LeasedAddress::keep(boost::asio::io_context& context) {
  timer_.emplace(context);
  look_again(context);
}

void LeasedAddress::look_again(boost::asio::io_context& context) {
  const bool is_quiet = client_->state() == dhcp::State::bound;
  const Time now = monotonic_now();
  const Time next = client_->next_deadline();
  const Duration wait = is_quiet ? std::max(next, now) - now : kLook;
  // Half a day is often enough to look at what never ends.
  timer_->expires_after(std::min<Duration>(wait, 12h));
  timer_->async_wait([this, &context](const boost::system::error_code& error) {
    if (error) return;
    asio::with_stack(context, [this](Stack& stack) { client_->poll(stack.now()); });
    look_again(context);
  });
}

void LeasedAddress::give_back(Host& host) {
  const Time end = monotonic_now() + 1s;
  client_->release(monotonic_now());
  drive(
      host, [&] { client_->poll(host.stack().now()); }, [&] { return end; },
      [&] { return monotonic_now() >= end; });
}

}  // namespace naru::cli
