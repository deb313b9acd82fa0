// Any bytes as a router's advertisement: nothing is read outside, and what was read of an option
// is within its bounds and can be written and read again.
#include "base/check.hpp"
#include "wire/ndp_router.hpp"

namespace naru::wire {
namespace {

void check_prefix(const PrefixInformation& said) {
  NARU_CHECK(said.prefix.length <= 128 && said.prefix.network() == said.prefix.addr);
  std::array<std::uint8_t, PrefixInformation::kSize> bytes{};
  said.emit(bytes.data());
  const auto again = PrefixInformation::parse({bytes[0], bytes});
  NARU_CHECK(again && again->prefix == said.prefix);
  NARU_CHECK(again->valid_lifetime == said.valid_lifetime);
  NARU_CHECK(again->is_on_link == said.is_on_link && again->is_autonomous == said.is_autonomous);
}

void check_domains(SearchDomains domains, std::size_t size) {
  std::size_t total = 0;
  while (const auto name = domains.next()) {
    NARU_CHECK(!name->is_root() && name->wire().size() <= DnsName::kMaxSize);
    total += name->wire().size();
  }
  NARU_CHECK(total > 0 && total < size);
}

void check_option(const NdpOption& option) {
  NARU_CHECK(option.bytes.size() >= 8 && option.bytes.size() % 8 == 0);
  if (const auto prefix = PrefixInformation::parse(option)) check_prefix(*prefix);
  if (const auto servers = RecursiveServers::parse(option)) {
    NARU_CHECK(servers->count() >= 1);
    for (std::size_t i = 0; i < servers->count(); ++i) (void)servers->at(i);
  }
  if (const auto domains = SearchDomains::parse(option)) {
    check_domains(*domains, option.bytes.size());
  }
  (void)parse_mtu(option);
}

void check_fields(const NdpView& view) {
  const auto fields = RouterFields::of(view);
  std::array<std::uint8_t, RouterFields::kSize> bytes{};
  fields.emit(bytes.data());
  const auto again = RouterFields::of(*NdpView::parse(bytes));
  NARU_CHECK(again.lifetime == fields.lifetime && again.preference == fields.preference);
  NARU_CHECK(again.hop_limit == fields.hop_limit && again.is_managed == fields.is_managed);
}

}  // namespace
}  // namespace naru::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace naru::wire;
  const auto view = NdpView::parse({data, size});
  if (!view) return 0;
  if (view->type() == Icmpv6Type::router_advertisement) check_fields(*view);
  NdpOptionWalker walker(view->options());
  for (NdpOption option; walker.next(option);) check_option(option);
  return 0;
}
