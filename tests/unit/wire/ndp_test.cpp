#include "wire/ndp.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "hex.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;

const IpAddr kTarget = IpAddr::parse("2001:db8::2").value();
const MacAddr kMac = MacAddr::parse("02:00:00:00:00:07").value();

const Buffer kSolicitation =
    hex("8700 0000 00000000 20010db8000000000000000000000002 0101 020000000007");
const Buffer kAdvertisement =
    hex("8800 0000 60000000 20010db8000000000000000000000002 0201 020000000007");

TEST(Ndp, ReadsASolicitation) {
  const auto view = NdpView::parse(kSolicitation);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type(), Icmpv6Type::neighbour_solicitation);
  EXPECT_EQ(view->target(), kTarget);
  const auto options = NdpOptions::of(view->options());
  EXPECT_FALSE(options.malformed);
  EXPECT_EQ(options.source_link_layer, kMac);
  EXPECT_FALSE(options.target_link_layer);
}

TEST(Ndp, WritesWhatItReads) {
  Buffer p(NeighbourSolicitation::kMaxSize);
  const NdpNonce nonce{1, 2, 3, 4, 5, 6};
  EXPECT_EQ((NeighbourSolicitation{kTarget, kMac, nonce}.emit(p.data())), 40U);
  EXPECT_EQ(cut(p, 32), kSolicitation);
  EXPECT_EQ(NdpOptions::of(NdpView::parse(p)->options()).nonce, nonce);
  p.resize(32);
  EXPECT_EQ(
      (NeighbourAdvertisement{.target = kTarget, .solicited = true, .target_link_layer = kMac}.emit(
          p.data())),
      32U);
  EXPECT_EQ(p, kAdvertisement);
  EXPECT_EQ((NeighbourSolicitation{kTarget, {}}.emit(p.data())), 24U);
}

TEST(Ndp, EveryMessageHasALeastSizeAndCode0) {
  NARU_CHECKS("IC6-009");
  const std::pair<int, std::size_t> least[] = {
      {133, 8}, {134, 16}, {135, 24}, {136, 24}, {137, 40}};
  for (const auto& [type, size] : least) {
    Buffer message(64);
    message[0] = static_cast<std::uint8_t>(type);
    for (std::size_t n = 0; n <= message.size(); ++n) {
      EXPECT_EQ(NdpView::parse(cut(message, n)).has_value(), n >= size) << type << ", " << n;
    }
    message[1] = 1;
    EXPECT_FALSE(NdpView::parse(message));
  }
  EXPECT_FALSE(NdpView::parse(Buffer(64, 128)));
}

TEST(Ndp, OptionsHaveALengthAndLieInTheMessage) {
  NARU_CHECKS("IC6-009", "IC6-041");
  const auto malformed = [](const char* options) { return NdpOptions::of(hex(options)).malformed; };
  EXPECT_FALSE(malformed(""));
  EXPECT_FALSE(malformed("fe01 000000000000"));
  EXPECT_TRUE(malformed("0100 020000000007")) << "length 0";
  EXPECT_TRUE(malformed("0102 020000000007")) << "past the end";
  EXPECT_TRUE(malformed("01"));
  EXPECT_TRUE(malformed("fe01 000000000000 01"));
}

TEST(Ndp, AWalkOverOptionsIsBounded) {
  NARU_CHECKS("IC6-041");
  Buffer options;
  for (int i = 0; i < 8'000; ++i) {
    const Buffer one = hex("fe01 000000000000");
    options.insert(options.end(), one.begin(), one.end());
  }
  NdpOptionWalker walker(options);
  unsigned count = 0;
  for (NdpOption option; walker.next(option);) ++count;
  EXPECT_EQ(count, NdpOptionWalker::kMaxOptions);
  EXPECT_TRUE(walker.malformed());
}

TEST(Ndp, ALinkLayerAddressIsOneOfEthernet) {
  const auto options = NdpOptions::of(hex("0102 020000000007 0000000000000000"));
  EXPECT_FALSE(options.malformed);
  EXPECT_FALSE(options.source_link_layer);
}

}  // namespace
}  // namespace naru::wire
