// What is published, in the words of -p and of a gateway's control socket: any text is
// refused or says the same again.
#include "gateway/publication.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace naru::gateway;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto publication = from_line(text)) {
    NARU_CHECK(from_line(to_line(*publication)) == publication);
  }
  if (auto publication = parse_publication(text)) {
    NARU_CHECK(publication->outside.port != 0 && publication->inside.port != 0);
    publication->inside.addr = naru::IpAddr::loopback_v4();
    NARU_CHECK(from_line(to_line(*publication)) == publication);
  }
  return 0;
}
