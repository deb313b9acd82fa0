// Any bytes as a DHCP message, and what a lease makes of it: nothing is read outside, what
// was parsed can be written and parsed again, and every list has its bound.
#include <naru/dhcp/lease.hpp>

#include "base/check.hpp"
#include "wire/dhcp.hpp"

namespace naru {
namespace {

using wire::DhcpView;

void check_written_again(const DhcpView& view) {
  wire::DhcpWriter writer(view.fixed(), view.type().value_or(wire::DhcpType::ack));
  for (unsigned code = 1; code < 255; ++code) {
    const auto option = static_cast<wire::DhcpOption>(code);
    if (option == wire::DhcpOption::message_type) continue;
    if (const auto data = view.option(option)) writer.add(option, *data);
  }
  const auto bytes = writer.finish();
  NARU_CHECK(bytes.size() >= wire::Dhcp::kMinSize && bytes.size() <= wire::Dhcp::kMaxSize);
  const auto again = DhcpView::parse(bytes);
  NARU_CHECK(again && again->fixed().xid == view.fixed().xid);
  NARU_CHECK(again->fixed().yiaddr == view.fixed().yiaddr);
}

void check_lease(const dhcp::Lease& lease) {
  NARU_CHECK(!lease.address.addr.is_any() && !lease.address.addr.is_multicast());
  NARU_CHECK(lease.address.length >= 1 && lease.address.length <= 32);
  NARU_CHECK(lease.routes.size() <= dhcp::Lease::kMaxRoutes);
  NARU_CHECK(lease.name_servers.size() <= dhcp::Lease::kMaxServers);
  NARU_CHECK(lease.search.size() <= dhcp::Lease::kMaxSearch);
  for (const dhcp::Route& route : lease.routes) {
    NARU_CHECK(route.destination.length <= 32);
    NARU_CHECK(route.destination.network() == route.destination.addr);
  }
  if (!lease.lifetime) return;
  NARU_CHECK(lease.renewal > Duration(0) && lease.renewal < lease.rebinding);
  NARU_CHECK(lease.rebinding < *lease.lifetime);
}

}  // namespace
}  // namespace naru

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto view = naru::wire::DhcpView::parse({data, size});
  if (!view) return 0;
  naru::check_written_again(*view);
  if (const auto lease = naru::dhcp::Lease::parse(*view)) naru::check_lease(*lease);
  return 0;
}
