// Messages of DHCPv6 and the options inside of options (RFC 9915 8, 21).
#include "wire/dhcp6.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"

namespace naru::wire {
namespace {

using Buffer = std::vector<std::uint8_t>;

IpAddr ip(std::string_view text) { return *IpAddr::parse(text); }

Buffer advertise() {
  Dhcp6Writer writer(Dhcp6Type::advertise, 0xabcdef);
  writer.add(Dhcp6Option::client_id, Buffer{0, 3, 0, 1, 2, 0, 0, 0, 0, 1});
  writer.add(Dhcp6Option::server_id, Buffer{0, 3, 0, 1, 2, 0, 0, 0, 0, 2});
  writer.open_ia(7, 100, 200);
  writer.open_address(ip("2001:db8::5"), 300, 400);
  writer.add_status(Dhcp6Status::not_on_link);
  writer.close();
  writer.add_status(Dhcp6Status::no_binding);
  writer.close();
  writer.add8(Dhcp6Option::preference, 9);
  writer.add32(Dhcp6Option::sol_max_rt, 7200);
  return writer.finish();
}

TEST(Dhcp6, IsReadAsItWasWritten) {
  const Buffer bytes = advertise();
  const auto message = Dhcp6View::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->type(), Dhcp6Type::advertise);
  EXPECT_EQ(message->xid(), 0xabcdefU);
  const Dhcp6Options& options = message->options();
  EXPECT_EQ(options.find(Dhcp6Option::server_id)->back(), 2);
  EXPECT_EQ(options.number8(Dhcp6Option::preference), 9);
  EXPECT_EQ(options.number32(Dhcp6Option::sol_max_rt), 7200U);
  EXPECT_EQ(options.status(), Dhcp6Status::success) << "that is of the IA";
  EXPECT_FALSE(options.has(Dhcp6Option::rapid_commit));
  const auto ia = Dhcp6Ia::parse(*options.find(Dhcp6Option::ia_na));
  ASSERT_TRUE(ia);
  EXPECT_EQ(ia->id, 7U);
  EXPECT_EQ(ia->t1, 100U);
  EXPECT_EQ(ia->t2, 200U);
  EXPECT_EQ(ia->options.status(), Dhcp6Status::no_binding);
  const auto address = Dhcp6Address::parse(*ia->options.find(Dhcp6Option::ia_address));
  ASSERT_TRUE(address);
  EXPECT_EQ(address->address, ip("2001:db8::5"));
  EXPECT_EQ(address->preferred, 300U);
  EXPECT_EQ(address->valid, 400U);
  EXPECT_EQ(address->options.status(), Dhcp6Status::not_on_link);
}

TEST(Dhcp6, EndsWithAnOption) {
  NARU_CHECKS("DHC-031");
  const Buffer whole = advertise();
  std::size_t sound = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    if (Dhcp6View::parse(cut)) ++sound;
  }
  EXPECT_EQ(sound, 5U) << "the header, and the header with one to four of the options";
}

TEST(Dhcp6, PassesOverUnknownOptionsByTheirLength) {
  NARU_CHECKS("DHC-031");
  Dhcp6Writer writer(Dhcp6Type::reply, 1);
  // Its data look like options.
  writer.add(static_cast<Dhcp6Option>(60'000), Buffer{0, 7, 0, 1, 255, 0, 14, 0, 0});
  writer.add(static_cast<Dhcp6Option>(0), Buffer(1000));
  writer.add8(Dhcp6Option::preference, 3);
  const Buffer bytes = writer.finish();
  const auto message = Dhcp6View::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->options().number8(Dhcp6Option::preference), 3);
  EXPECT_FALSE(message->options().has(Dhcp6Option::rapid_commit));
  int count = 0;
  message->options().for_each([&count](Dhcp6Option, Bytes) { ++count; });
  EXPECT_EQ(count, 3);
}

// What is inside has a length of its own, which may be too short or lead out of it.
TEST(Dhcp6, ReadsNoInnerOptionBeyondTheOuter) {
  NARU_CHECKS("DHC-031");
  for (std::size_t size = 0; size < Dhcp6Ia::kFixedSize; ++size) {
    EXPECT_FALSE(Dhcp6Ia::parse(Buffer(size))) << size;
  }
  for (std::size_t size = 0; size < Dhcp6Address::kFixedSize; ++size) {
    EXPECT_FALSE(Dhcp6Address::parse(Buffer(size))) << size;
  }
  EXPECT_TRUE(Dhcp6Ia::parse(Buffer(Dhcp6Ia::kFixedSize)));
  EXPECT_TRUE(Dhcp6Address::parse(Buffer(Dhcp6Address::kFixedSize)));
  for (const std::size_t fixed : {Dhcp6Ia::kFixedSize, Dhcp6Address::kFixedSize}) {
    const auto is_read = [fixed](const Buffer& inside) {
      Buffer data(fixed);
      data.insert(data.end(), inside.begin(), inside.end());
      return fixed == Dhcp6Ia::kFixedSize ? Dhcp6Ia::parse(data).has_value()
                                          : Dhcp6Address::parse(data).has_value();
    };
    EXPECT_TRUE(is_read({0, 13, 0, 2, 0, 0}));
    EXPECT_FALSE(is_read({0, 13, 0, 3, 0, 0}));
    EXPECT_FALSE(is_read({0, 13, 255, 255, 0, 0}));
    EXPECT_FALSE(is_read({0, 13, 0, 1, 0, 0}));
    EXPECT_FALSE(is_read({0, 13, 0}));
  }
}

// As deep as a datagram allows: who reads an IA looks for addresses there and for nothing else.
TEST(Dhcp6, NestsNoDeeperThanItsReader) {
  NARU_CHECKS("DHC-031");
  Dhcp6Writer writer(Dhcp6Type::reply, 1);
  constexpr int kLevels = 4000;
  for (int i = 0; i < kLevels; ++i) writer.open_ia(1, 0, 0);
  for (int i = 0; i < kLevels; ++i) writer.close();
  const Buffer bytes = writer.finish();
  const auto message = Dhcp6View::parse(bytes);
  ASSERT_TRUE(message);
  const auto ia = Dhcp6Ia::parse(*message->options().find(Dhcp6Option::ia_na));
  ASSERT_TRUE(ia);
  EXPECT_FALSE(ia->options.has(Dhcp6Option::ia_address));
}

TEST(Dhcp6, TakesOptionsOfAFixedFormInNoOther) {
  NARU_CHECKS("DHC-031");
  for (const std::size_t size : {0U, 2U, 3U, 5U, 8U, 17U}) {
    Dhcp6Writer writer(Dhcp6Type::reply, 1);
    writer.add(Dhcp6Option::preference, Buffer(size));
    writer.add(Dhcp6Option::sol_max_rt, Buffer(size));
    writer.add(Dhcp6Option::name_servers, Buffer(size));
    const Buffer bytes = writer.finish();
    const auto message = Dhcp6View::parse(bytes);
    EXPECT_FALSE(message->options().number8(Dhcp6Option::preference)) << size;
    EXPECT_FALSE(message->options().number32(Dhcp6Option::sol_max_rt)) << size;
    EXPECT_TRUE(message->options().addresses(Dhcp6Option::name_servers, 8).empty()) << size;
  }
  Dhcp6Writer writer(Dhcp6Type::reply, 1);
  writer.add(Dhcp6Option::status_code, Buffer{0});
  const Buffer bytes = writer.finish();
  EXPECT_EQ(Dhcp6View::parse(bytes)->options().status(), Dhcp6Status::unspec_fail);
}

TEST(Dhcp6, IsBetweenClientAndServer) {
  for (unsigned type = 0; type < 256; ++type) {
    const Buffer bytes{static_cast<std::uint8_t>(type), 0, 0, 1};
    EXPECT_EQ(Dhcp6View::parse(bytes).has_value(), type >= 1 && type <= 11) << type;
  }
}

}  // namespace
}  // namespace naru::wire
