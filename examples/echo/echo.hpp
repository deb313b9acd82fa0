// What the echo servers have in common: the command line, the listening socket and the
// conversation. Plain POSIX: nothing in this folder but coroutines.cpp knows of naru.
#pragma once

#include <string>

namespace echo {

// SERVER [HOST] [-p PORT] [-w WORKERS] [-s]
struct Settings {
  std::string host = "0.0.0.0";
  std::string port = "1060";
  int workers = 4;     // threads or processes, for the servers that make them beforehand
  bool spins = false;  // asks for data again and again instead of sleeping
};

Settings settings(int argc, char** argv);

int listen_at(const Settings& settings);
// The next client; -1 where the listener does not wait and there is none. Small answers to
// it are sent at once (TCP_NODELAY).
int accept_from(int listener);
// Gives everything back until the client has said all; then closes. What goes wrong is
// one client's misfortune and ends its conversation.
void converse(int client, bool spins);

// Says what failed, and errno, and ends the process.
[[noreturn]] void fail(const char* what);

}  // namespace echo
