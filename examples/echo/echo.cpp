#include "echo.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace echo {

void fail(const char* what) {
  std::fprintf(stderr, "echo: %s: %s\n", what, std::strerror(errno));
  std::exit(EXIT_FAILURE);
}

Settings settings(int argc, char** argv) {
  Settings found;
  for (int option; (option = ::getopt(argc, argv, "p:w:s")) != -1;) {
    if (option == 'p') found.port = optarg;
    if (option == 'w') found.workers = std::atoi(optarg);
    if (option == 's') found.spins = true;
    if (option == '?') std::exit(EXIT_FAILURE);
  }
  if (optind < argc) found.host = argv[optind];
  return found;
}

int listen_at(const Settings& settings) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that has gone is an error of write(2)
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(settings.host.c_str(), settings.port.c_str(), &hints, &found);
  if (error != 0) {
    std::fprintf(stderr, "echo: %s: %s\n", settings.host.c_str(), ::gai_strerror(error));
    std::exit(EXIT_FAILURE);
  }
  const int listener = ::socket(found->ai_family, found->ai_socktype, 0);
  if (listener < 0) fail("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener, found->ai_addr, found->ai_addrlen) != 0) fail("bind");
  if (::listen(listener, SOMAXCONN) != 0) fail("listen");
  ::freeaddrinfo(found);
  return listener;
}

int accept_from(int listener) {
  for (;;) {
    const int client = ::accept(listener, nullptr, nullptr);
    if (client < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (client < 0 && errno == EAGAIN) return -1;
    if (client < 0) fail("accept");
    const int on = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return client;
  }
}

namespace {

bool write_all(int client, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(client, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

void converse(int client, bool spins) {
  char data[65536];
  for (;;) {
    const ssize_t n = ::recv(client, data, sizeof data, spins ? MSG_DONTWAIT : 0);
    if (n < 0 && (errno == EINTR || (spins && errno == EAGAIN))) continue;
    if (n <= 0 || !write_all(client, data, static_cast<std::size_t>(n))) break;
  }
  ::close(client);
}

}  // namespace echo
