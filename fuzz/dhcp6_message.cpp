// Any bytes as a message of DHCPv6, and what a lease makes of it: nothing is read outside, what
// was parsed is written again byte for byte, and every list has its bound.
#include <algorithm>

#include <naru/dhcp/lease6.hpp>

#include "base/check.hpp"
#include "wire/dhcp6.hpp"

namespace naru {
namespace {

using wire::Dhcp6Address;
using wire::Dhcp6Ia;
using wire::Dhcp6Option;
using wire::Dhcp6Options;
using wire::Dhcp6View;
using wire::Dhcp6Writer;

void write_address(Dhcp6Writer& writer, const Dhcp6Address& address) {
  writer.open_address(address.address, address.preferred, address.valid);
  address.options.for_each([&](Dhcp6Option code, Bytes data) { writer.add(code, data); });
  writer.close();
}

void write_ia(Dhcp6Writer& writer, const Dhcp6Ia& ia) {
  writer.open_ia(ia.id, ia.t1, ia.t2);
  ia.options.for_each([&](Dhcp6Option code, Bytes data) {
    const auto address = Dhcp6Address::parse(data);
    if (code == Dhcp6Option::ia_address && address) return write_address(writer, *address);
    writer.add(code, data);
  });
  writer.close();
}

void check_written_again(const Dhcp6View& view, Bytes message) {
  Dhcp6Writer writer(view.type(), view.xid());
  view.options().for_each([&](Dhcp6Option code, Bytes data) {
    const auto ia = Dhcp6Ia::parse(data);
    if (code == Dhcp6Option::ia_na && ia) return write_ia(writer, *ia);
    writer.add(code, data);
  });
  NARU_CHECK(std::ranges::equal(writer.finish(), message));
}

void check_lease(const dhcp::Lease6& lease) {
  NARU_CHECK(lease.address.is_v6() && !lease.address.is_any());
  NARU_CHECK(!lease.address.is_multicast() && !lease.address.is_link_local());
  const auto until = [](const std::optional<Duration>& time) {
    return time ? *time : Duration::max();
  };
  NARU_CHECK(until(lease.lifetime) > Duration(0));
  NARU_CHECK(until(lease.preferred) <= until(lease.lifetime));
  NARU_CHECK(until(lease.renewal) > Duration(0));
  NARU_CHECK(until(lease.renewal) <= until(lease.rebinding));
}

void check_names(const dhcp::Names6& names) {
  NARU_CHECK(names.name_servers.size() <= dhcp::Names6::kMaxServers);
  NARU_CHECK(names.search.size() <= dhcp::Names6::kMaxSearch);
  for (const IpAddr& server : names.name_servers) {
    NARU_CHECK(server.is_v6() && !server.is_any() && !server.is_multicast());
  }
  NARU_CHECK(names.refresh >= 600s && names.refresh <= 30 * 24h);
}

}  // namespace
}  // namespace naru

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace naru;
  const auto view = Dhcp6View::parse({data, size});
  if (!view) return 0;
  check_written_again(*view, {data, size});
  check_names(dhcp::Names6::parse(view->options(), 1));
  view->options().for_each([](Dhcp6Option code, Bytes inside) {
    const auto ia = Dhcp6Ia::parse(inside);
    if (code != Dhcp6Option::ia_na || !ia) return;
    if (const auto lease = dhcp::Lease6::parse(*ia)) check_lease(*lease);
  });
  return 0;
}
