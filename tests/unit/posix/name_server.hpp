// A process on naru and a name server of its session, in a thread.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "fixture.hpp"
#include "unit/resolver/message.hpp"

namespace naru::posix::test {

class NameServerTest : public PosixTest {
 protected:
  using Buffer = resolver::test::Buffer;
  static constexpr std::uint16_t kNamePort = 53;

  // `answer`: what a query is answered with.
  explicit NameServerTest(std::function<Buffer(Bytes query)> answer) : answer_(std::move(answer)) {
    use_servers({IpAddr::loopback_v4()});
    server_ = static_cast<int>(sockets().socket(AF_INET, SOCK_DGRAM, 0));
    EXPECT_EQ(bind(server_, kNamePort), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServerTest() override {
    // A datagram of nothing is the end.
    const sockaddr_in to = at(kNamePort);
    const auto fd = static_cast<int>(sockets().socket(AF_INET, SOCK_DGRAM, 0));
    EXPECT_EQ(sockets().connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(send(fd, ""), 0);
    thread_.join();
    fds().close(fd);
    fds().close(server_);
  }

  // Those of the session, as a lease brings them; 127.0.0.1 is this one.
  void use_servers(std::initializer_list<IpAddr> addresses) {
    const session::Inside inside(fds().session());
    session::NameServers& servers = fds().session().header().name_servers;
    servers.count = 0;
    for (const IpAddr& address : addresses) servers.addresses[servers.count++] = address;
  }
  // Questions since the last call.
  unsigned asked() { return asked_.exchange(0); }

 private:
  void serve() {
    for (;;) {
      std::array<std::uint8_t, 512> room{};
      sockaddr_in from{};
      socklen_t length = sizeof from;
      auto* address = reinterpret_cast<sockaddr*>(&from);
      const iovec part{room.data(), room.size()};
      const long size = sockets().receive(server_, {&part, 1}, 0, address, &length);
      if (size <= 0) return;
      ++asked_;
      Buffer reply = answer_(Bytes(room).first(static_cast<std::size_t>(size)));
      const iovec whole{reply.data(), reply.size()};
      sockets().send(server_, {&whole, 1}, 0, address, length);
    }
  }

  std::function<Buffer(Bytes query)> answer_;
  std::atomic<unsigned> asked_{0};
  int server_ = -1;
  std::thread thread_;
};

}  // namespace naru::posix::test
