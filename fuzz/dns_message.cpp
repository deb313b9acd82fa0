// Any bytes as a DNS message, as a name that somebody wrote, and as resolv.conf and hosts:
// nothing is read outside, names come back as they were written, and what a response says
// has its bounds.
#include <string>

#include "base/check.hpp"
#include "resolver/reading.hpp"
#include "wire/dns.hpp"

namespace naru {
namespace {

using wire::DnsMessageView;
using wire::DnsName;

void check_name(const DnsName& name) {
  const Bytes bytes = name.wire();
  NARU_CHECK(!bytes.empty() && bytes.size() <= DnsName::kMaxSize && bytes.back() == 0);
  const std::string text = name.to_string();
  const auto again = DnsName::parse(text);
  NARU_CHECK(again && *again == name && again->to_string() == text);
  NARU_CHECK(name.is_in(name.parent()) && name.folded() == name);
}

void check_message(Bytes bytes) {
  const auto view = DnsMessageView::parse(bytes);
  if (!view) return;
  view->for_each([&](wire::DnsSection, const wire::DnsRecord& record) {
    check_name(record.name);
    NARU_CHECK(record.data_at + record.data.size() <= bytes.size());
    const bool names_one =
        record.type == DnsType::ns || record.type == DnsType::cname || record.type == DnsType::ptr;
    if (names_one && record.klass == wire::kDnsInternet) check_name(view->name_in(record));
  });
  NARU_CHECK(!wire::answers(*view, bytes) || view->header().is_response);
  if (!view->question()) return;
  check_name(view->question()->name);
  const auto reading = resolver::read_response(*view, *view->question());
  NARU_CHECK(reading.answer.records.size() <= resolver::kMaxRecords);
  NARU_CHECK(reading.ttl >= Duration(0) && reading.ttl <= std::chrono::seconds(UINT32_MAX));
}

void check_files(std::string_view text) {
  if (const auto name = DnsName::parse(text)) check_name(*name);
  const auto config = ResolverConfig::parse(text);
  NARU_CHECK(config.servers.size() <= ResolverConfig::kMaxServers);
  NARU_CHECK(config.search.size() <= ResolverConfig::kMaxSearch);
  NARU_CHECK(config.attempts >= 1 && config.timeout >= 1s && config.timeout <= 30s);
  (void)HostsFile::parse(text);
}

}  // namespace
}  // namespace naru

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  naru::check_message({data, size});
  naru::check_files({reinterpret_cast<const char*>(data), size});
  return 0;
}
