// Many threads of a program that ask for names at once.
#include <atomic>
#include <thread>
#include <vector>

#include "dsl/checks.hpp"
#include "name_server.hpp"
#include "posix/names.hpp"

namespace naru::posix::test {
namespace {

// "n70000.example" is at 10.1.17.112.
std::string name_of(std::uint32_t number) { return "n" + std::to_string(number) + ".example"; }
IpAddr address_of(std::uint32_t number) { return IpAddr::v4(10U << 24U | number); }

resolver::test::Buffer answer(Bytes query) {
  const std::string name =
      wire::DnsMessageView::parse(query)->question()->name.folded().to_string();
  const auto number = static_cast<std::uint32_t>(std::stoul(name.substr(1)));
  const auto record = resolver::test::v4(name, address_of(number).to_string());
  return resolver::test::Response{.answers = {record}}.to(query);
}

class NameThreadsTest : public NameServerTest {
 protected:
  NameThreadsTest() : NameServerTest(answer) {}
};

TEST_F(NameThreadsTest, EachHearsOfItsOwn) {
  NARU_CHECKS("DNS-041");
  constexpr std::uint32_t kThreads = 64;
  constexpr std::uint32_t kNames = 1000;
  std::atomic<std::uint32_t> right{0};
  std::vector<std::thread> threads;
  for (std::uint32_t first = 0; first < kThreads * kNames; first += kNames) {
    threads.emplace_back([this, first, &right] {
      const Names names(*library);
      for (std::uint32_t n = first; n < first + kNames; ++n) {
        const HostAnswer host = names.find_host(name_of(n), NameFamily::v4);
        right += host.addresses == std::vector{address_of(n)} ? 1U : 0U;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kNames);
}

}  // namespace
}  // namespace naru::posix::test
