#include "gateway/publication.hpp"

#include <gtest/gtest.h>

namespace naru::gateway {
namespace {

Publication must(std::string_view text) {
  const auto publication = parse_publication(text);
  EXPECT_TRUE(publication) << text;
  return publication.value_or(Publication{});
}

TEST(Publication, TwoPortsAreOfTheLoopbackAndOfTheProgram) {
  const Publication p = must("8080:80");
  EXPECT_EQ(p.protocol, Protocol::tcp);
  EXPECT_EQ(p.outside, (Endpoint{IpAddr::loopback_v4(), 8080}));
  EXPECT_EQ(p.inside.port, 80);
  EXPECT_EQ(p.name(), "127.0.0.1:8080/tcp");
}

TEST(Publication, AnAddressAndAProtocolMayBeNamed) {
  const Publication p = must("0.0.0.0:5353:53/udp");
  EXPECT_EQ(p.protocol, Protocol::udp);
  EXPECT_EQ(p.outside, (Endpoint{IpAddr::any_v4(), 5353}));
  EXPECT_EQ(p.inside.port, 53);
  EXPECT_EQ(must("1:2/tcp").protocol, Protocol::tcp);
}

TEST(Publication, NonsenseIsRefused) {
  for (const char* text :
       {"", ":", "80", "8080:", ":80", "0:80", "80:0", "65536:80", "80:65536", "-1:80", "a:80",
        "8080:80/", "8080:80/sctp", "8080:80/udp/tcp", "1.2.3:8080:80", "::1:8080:80",
        "1.2.3.4:5:8080:80", " 8080:80", "8080:80 "}) {
    EXPECT_FALSE(parse_publication(text)) << text;
  }
}

TEST(Publication, CrossesTheControlSocketAsItIs) {
  Publication p = must("0.0.0.0:5353:53/udp");
  p.inside.addr = IpAddr::v4(10, 77, 0, 5);
  EXPECT_EQ(to_line(p), "publish udp 0.0.0.0:5353 10.77.0.5:53");
  EXPECT_EQ(from_line(to_line(p)), p);
}

TEST(Publication, OtherLinesAreRefused) {
  for (const char* line : {"", "publish", "publish ", "publish tcp", "publish tcp 1.2.3.4:5",
                           "publish tcp 1.2.3.4:5 6.7.8.9", "publish icmp 1.2.3.4:5 6.7.8.9:10",
                           "publish tcp 1.2.3.4:5 6.7.8.9:10 ", "publish tcp [::1]:5 6.7.8.9:10",
                           "Publish tcp 1.2.3.4:5 6.7.8.9:10"}) {
    EXPECT_FALSE(from_line(line)) << line;
  }
}

}  // namespace
}  // namespace naru::gateway
