// The answers to pings, to the last bit.
#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct Echo : StackTest {};

// The wire looks at the checksum of every frame that the host sends.
TEST_F(Echo, RepliesWithARightChecksum) {
  for (std::uint32_t rest = 0; rest < 0x1'0000; rest += 0xff) {
    wire.inject(icmp(8).rest(rest).data(Buffer(56, 0)));
    wire.expect(icmp(0).rest(rest).data(Buffer(56, 0)));
  }
}

}  // namespace
}  // namespace naru::test
