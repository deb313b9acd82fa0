#include "cli/leased_address.hpp"

#include "cli/drive.hpp"
#include "cli/failure.hpp"

namespace naru::cli {
namespace {

constexpr Duration kPatience = 30s;
// RFC 5227 has three; one finds those who answer, and costs three seconds.
constexpr unsigned kProbes = 1;

}  // namespace

LeasedAddress::LeasedAddress(Host& host, std::uint8_t interface, const MacAddr& mac,
                             std::uint32_t link_mtu) {
  Stack& stack = host.stack();
  stack.set_now(monotonic_now());
  auto client = dhcp::Client::create(stack, {.interface = interface, .mac = mac, .probes = kProbes},
                                     Random::secure(entropy()),
                                     [&stack, interface, link_mtu](const auto& lease) {
                                       if (lease) {
                                         dhcp::take_mtu(stack, interface, *lease, link_mtu);
                                       }
                                     });
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
  program_.emplace(
      context, [this](Stack& stack) { client_->poll(stack.now()); },
      [this] { return client_->next_deadline(); });
}

void LeasedAddress::give_back(Host& host) {
  const Time end = monotonic_now() + 1s;
  client_->release(monotonic_now());
  drive(
      host, [&] { client_->poll(host.stack().now()); }, [&] { return end; },
      [&] { return monotonic_now() >= end; });
}

}  // namespace naru::cli
