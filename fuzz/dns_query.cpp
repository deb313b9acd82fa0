// Any bytes as a query for a server of two zones: whatever is answered can be read, fits into
// its room, and repeats the question; and any text as a zone file.
#include <string>

#include "base/check.hpp"
#include "dns/answer.hpp"

namespace naru::dns {
namespace {

constexpr std::string_view kZone = R"(
$ORIGIN example.
@      300 SOA ns admin 1 2 3 4 5
       300 NS ns
       300 MX 10 www
ns     300 A 192.0.2.1
www    300 A 192.0.2.2
       300 AAAA 2001:db8::1
web    300 CNAME www
loop   300 CNAME pool
pool   300 CNAME loop
*.wild 300 TXT "anything"
below  300 NS ns.below
ns.below 300 A 192.0.2.3
)";

void check_answer(std::span<const Zone> zones, Bytes query, Transport transport) {
  std::optional<Message> refusal;
  const auto request = Request::parse(query, transport, refusal);
  if (!request) return;
  const Message response = refusal ? *refusal : answer_from(zones, *request);
  const auto view = wire::DnsMessageView::parse(response);
  NARU_CHECK(view && view->header().is_response && view->header().id == request->header.id);
  NARU_CHECK(response.size() <= (transport == Transport::udp ? Request::kPayload : 65'535U));
  if (!refusal) NARU_CHECK(view->question() && *view->question() == request->question);
}

void check_zone(std::string_view text) {
  const auto zone = Zone::parse(text);
  if (!zone) return;
  const auto found = zone->find(zone->origin(), DnsType::soa);
  NARU_CHECK(found.kind == Zone::Finding::Kind::records && zone->soa().data.size() == 1);
}

}  // namespace
}  // namespace naru::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace naru::dns;
  static const std::vector<Zone> zones = [] {
    std::vector<Zone> made;
    made.push_back(std::move(*Zone::parse(kZone)));
    return made;
  }();
  check_answer(zones, {data, size}, Transport::udp);
  check_answer(zones, {data, size}, Transport::tcp);
  check_zone({reinterpret_cast<const char*>(data), size});
  return 0;
}
