// One client after the other. The others wait in the queue of listen(2).

#include "echo.hpp"

int main(int argc, char** argv) {
  const echo::Settings settings = echo::settings(argc, argv);
  const int listener = echo::listen_at(settings);
  for (;;) echo::converse(echo::accept_from(listener), settings.spins);
}
