// getaddrinfo(3) and getnameinfo(3), as far as no name server is needed: flags, services and
// errors, as POSIX has them and as the C library answers.
#include <memory>
#include <netdb.h>
#include <ostream>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

struct Question {
  const char* node;
  const char* service;
  int flags = 0;
  int family = AF_UNSPEC;
  int type = SOCK_STREAM;
  int protocol = 0;
};

std::ostream& operator<<(std::ostream& out, const Question& q) {
  const auto text = [](const char* s) { return s == nullptr ? "(none)" : s; };
  return out << text(q.node) << ' ' << text(q.service) << " flags " << q.flags << " family "
             << q.family << " type " << q.type << " protocol " << q.protocol;
}

std::string to_text(const addrinfo& a) {
  char host[INET6_ADDRSTRLEN] = "";
  const bool is_v6 = a.ai_family == AF_INET6;
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(a.ai_addr);
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(a.ai_addr);
  inet_ntop(a.ai_family, is_v6 ? static_cast<const void*>(&v6->sin6_addr) : &v4->sin_addr, host,
            sizeof host);
  return std::string(host) + ' ' + std::to_string(ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
}

// "127.0.0.1 80, ::1 80", or the error.
std::string answer(const Question& q) {
  const addrinfo hints{.ai_flags = q.flags,
                       .ai_family = q.family,
                       .ai_socktype = q.type,
                       .ai_protocol = q.protocol,
                       .ai_addrlen = 0,
                       .ai_addr = nullptr,
                       .ai_canonname = nullptr,
                       .ai_next = nullptr};
  addrinfo* list = nullptr;
  const int error = getaddrinfo(q.node, q.service, &hints, &list);
  if (error != 0) return "error " + std::to_string(error);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  std::string text;
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    text += (text.empty() ? "" : ", ") + to_text(*a);
    if (a->ai_canonname != nullptr) text += std::string(" = ") + a->ai_canonname;
    if (q.type != 0 && a->ai_socktype != q.type) text += " of another type";
  }
  return text;
}

std::string error(int number) { return "error " + std::to_string(number); }

struct Row {
  Question question;
  std::string expected;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(answer(row.question), row.expected) << row.question;
}

TEST(Names, NumbersAreAddresses) {
  NARU_CHECKS("DNS-029", "DNS-028");
  check({{{"192.0.2.1", "80"}, "192.0.2.1 80"},
         {{"192.0.2.1", "80", AI_NUMERICHOST}, "192.0.2.1 80"},
         {{"2001:db8::1", "80", AI_NUMERICHOST, AF_INET6}, "2001:db8::1 80"},
         {{"192.0.2.1", nullptr, AI_CANONNAME}, "192.0.2.1 0 = 192.0.2.1"},
         {{"192.0.2.1", "80", 0, AF_INET6}, error(EAI_ADDRFAMILY)},
         {{"2001:db8::1", "80", 0, AF_INET}, error(EAI_ADDRFAMILY)}});
}

TEST(Names, NothingElseIsANumber) {
  NARU_CHECKS("DNS-029");
  check({{{"localhost", "80", AI_NUMERICHOST}, error(EAI_NONAME)},
         {{"www.invalid", "80", AI_NUMERICHOST}, error(EAI_NONAME)},
         {{"", "80", AI_NUMERICHOST}, error(EAI_NONAME)},
         {{"256.0.0.1", "80", AI_NUMERICHOST}, error(EAI_NONAME)},
         {{"1.2.3.4.5", "80", AI_NUMERICHOST}, error(EAI_NONAME)},
         {{"2001:db8:::1", "80", AI_NUMERICHOST}, error(EAI_NONAME)}});
}

TEST(Names, WithoutANodeItIsThisHost) {
  NARU_CHECKS("DNS-029");
  check({{{nullptr, "80", 0, AF_INET}, "127.0.0.1 80"},
         {{nullptr, "80", 0, AF_INET6}, "::1 80"},
         {{nullptr, "80", AI_PASSIVE, AF_INET}, "0.0.0.0 80"},
         {{nullptr, "80", AI_PASSIVE, AF_INET6}, ":: 80"},
         // With a node the flag means nothing.
         {{"192.0.2.1", "80", AI_PASSIVE}, "192.0.2.1 80"},
         {{nullptr, nullptr}, error(EAI_NONAME)},
         {{nullptr, "80", AI_CANONNAME, AF_INET}, error(EAI_BADFLAGS)}});
}

TEST(Names, MappedAddressesForWhoWantsThem) {
  NARU_CHECKS("DNS-029");
  check({{{"192.0.2.1", "80", AI_V4MAPPED, AF_INET6}, "::ffff:192.0.2.1 80"},
         {{"192.0.2.1", "80", AI_V4MAPPED | AI_ALL, AF_INET6}, "::ffff:192.0.2.1 80"},
         {{"192.0.2.1", "80", AI_V4MAPPED | AI_NUMERICHOST, AF_INET6}, "::ffff:192.0.2.1 80"},
         // The flag is for AF_INET6 alone.
         {{"192.0.2.1", "80", AI_V4MAPPED, AF_INET}, "192.0.2.1 80"},
         {{"192.0.2.1", "80", AI_V4MAPPED}, "192.0.2.1 80"},
         {{"192.0.2.1", "80", AI_ALL, AF_INET6}, error(EAI_ADDRFAMILY)}});
}

TEST(Names, Services) {
  NARU_CHECKS("DNS-029");
  check({{{"192.0.2.1", "http"}, "192.0.2.1 80"},
         {{"192.0.2.1", "domain", 0, AF_INET, SOCK_DGRAM}, "192.0.2.1 53"},
         {{"192.0.2.1", "http", AI_NUMERICSERV}, error(EAI_NONAME)},
         {{"192.0.2.1", "80", AI_NUMERICSERV}, "192.0.2.1 80"},
         {{"192.0.2.1", "no-such-service"}, error(EAI_SERVICE)},
         // A service of TCP alone, for a datagram.
         {{"192.0.2.1", "finger", 0, AF_INET, SOCK_DGRAM}, error(EAI_SERVICE)},
         {{"192.0.2.1", "80", 0, AF_INET, SOCK_STREAM, IPPROTO_TCP}, "192.0.2.1 80"}});
  // Of every type, where none is said: stream, datagram, raw.
  EXPECT_EQ(answer({"192.0.2.1", "80", 0, AF_INET, 0}), "192.0.2.1 80, 192.0.2.1 80, 192.0.2.1 80");
}

TEST(Names, Errors) {
  NARU_CHECKS("DNS-029");
  check({{{"192.0.2.1", "80", 0, AF_UNIX}, error(EAI_FAMILY)},
         {{"192.0.2.1", "80", 0x40000000}, error(EAI_BADFLAGS)},
         {{"192.0.2.1", "80", 0, AF_INET, 77}, error(EAI_SOCKTYPE)},
         {{"192.0.2.1", "80", 0, AF_INET, SOCK_STREAM, IPPROTO_UDP}, error(EAI_SOCKTYPE)}});
}

TEST(Names, LocalhostIsHere) {
  NARU_CHECKS("DNS-028", "DNS-029");
  EXPECT_EQ(answer({"localhost", "80", 0, AF_INET}), "127.0.0.1 80");
  EXPECT_EQ(answer({"localhost", "80", AI_CANONNAME, AF_INET}), "127.0.0.1 80 = localhost");
}

// --- the other way round ------------------------------------------------------------------------

// "host service", or the error.
std::string name_of(const char* address, std::uint16_t port, int flags, socklen_t host_size = 100,
                    socklen_t service_size = 100) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  inet_pton(AF_INET, address, &in.sin_addr);
  char host[100] = "";
  char service[100] = "";
  const int error =
      getnameinfo(reinterpret_cast<sockaddr*>(&in), sizeof in, host_size == 0 ? nullptr : host,
                  host_size, service_size == 0 ? nullptr : service, service_size, flags);
  return error != 0 ? sockets::error(error) : std::string(host) + ' ' + service;
}

TEST(Names, OfAddresses) {
  NARU_CHECKS("DNS-029");
  EXPECT_EQ(name_of("192.0.2.1", 80, NI_NUMERICHOST), "192.0.2.1 http");
  EXPECT_EQ(name_of("192.0.2.1", 80, NI_NUMERICHOST | NI_NUMERICSERV), "192.0.2.1 80");
  EXPECT_EQ(name_of("192.0.2.1", 53, NI_NUMERICHOST | NI_DGRAM), "192.0.2.1 domain");
  EXPECT_EQ(name_of("192.0.2.1", 80, NI_NUMERICHOST, 100, 0), "192.0.2.1 ");
  EXPECT_EQ(name_of("192.0.2.1", 80, NI_NUMERICHOST, 4), error(EAI_OVERFLOW));
  EXPECT_EQ(name_of("127.0.0.1", 80, NI_NAMEREQD | NI_NUMERICHOST), error(EAI_NONAME));
}

}  // namespace
}  // namespace naru::sockets
