// A process on naru, without preloading: its library in a session of its own.
#pragma once

#include <arpa/inet.h>
#include <cstring>
#include <filesystem>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "posix/library.hpp"
#include "posix/signals.hpp"

namespace naru::posix::test {

inline constexpr Duration kLong = 20s;  // what must happen happens sooner

class PosixTest : public ::testing::Test {
 protected:
  PosixTest() {
    Signals::init(::sigaction);
    char folder[] = "/tmp/naru-posix-test-XXXXXX";
    folder_ = ::mkdtemp(folder);
    library = *Library::open(*session::Session::create(folder_, "test"));
  }
  ~PosixTest() override {
    library.reset();
    std::filesystem::remove_all(folder_);
  }

  Sockets& sockets() { return library->sockets; }
  Descriptors& fds() { return library->fds; }
  std::uint32_t open_sockets() { return fds().session().tables().sockets.in_use(); }

  int tcp(int flags = 0) {
    return static_cast<int>(sockets().socket(AF_INET, SOCK_STREAM | flags, 0));
  }
  static sockaddr_in at(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
  }
  long bind(int fd, std::uint16_t port) {
    const sockaddr_in a = at(port);
    return sockets().bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a);
  }
  long connect(int fd, std::uint16_t port) {
    const sockaddr_in a = at(port);
    return sockets().connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a);
  }
  int listener(std::uint16_t port) {
    const int fd = tcp();
    EXPECT_EQ(bind(fd, port), 0);
    EXPECT_EQ(sockets().listen(fd, 16), 0);
    return fd;
  }
  // Two ends of a connection.
  struct Pair {
    int client;
    int server;
  };
  Pair connected(std::uint16_t port = 80) {
    const int l = listener(port);
    const int client = tcp();
    EXPECT_EQ(connect(client, port), 0);
    const auto server = static_cast<int>(sockets().accept(l, nullptr, nullptr, 0));
    EXPECT_GE(server, 0);
    EXPECT_EQ(fds().close(l), 0);
    return {client, server};
  }
  long send(int fd, std::string_view text, int flags = 0) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return sockets().send(fd, {&part, 1}, flags | MSG_NOSIGNAL);
  }
  // What recv gives; an error as "-errno".
  std::string recv(int fd, int flags = 0) {
    char text[256];
    const iovec part{text, sizeof text};
    const long n = sockets().receive(fd, {&part, 1}, flags);
    return n < 0 ? std::to_string(n) : std::string(text, static_cast<std::size_t>(n));
  }
  static std::string error(int number) { return std::to_string(-number); }

  std::string folder_;
  std::unique_ptr<Library> library;
};

}  // namespace naru::posix::test
