// Threads that were made beforehand. Each accepts for itself: the queue of listen(2) is
// the queue of the pool.

#include <thread>
#include <vector>

#include "echo.hpp"

int main(int argc, char** argv) {
  const echo::Settings settings = echo::settings(argc, argv);
  const int listener = echo::listen_at(settings);
  std::vector<std::jthread> pool;
  for (int i = 0; i < settings.workers; ++i) {
    pool.emplace_back([&] {
      for (;;) echo::converse(echo::accept_from(listener), settings.spins);
    });
  }
}
