// A thread for each client, made when it comes and gone with it.

#include <thread>

#include "echo.hpp"

int main(int argc, char** argv) {
  const echo::Settings settings = echo::settings(argc, argv);
  const int listener = echo::listen_at(settings);
  for (;;) {
    std::thread(echo::converse, echo::accept_from(listener), settings.spins).detach();
  }
}
