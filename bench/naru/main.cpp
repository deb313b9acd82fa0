// naru as a contestant.
#include "contestant_main.hpp"
#include "naru/world.hpp"

int main(int argc, char** argv) {
  using namespace naru::bench;
  return contestant_main(argc, argv, "naru", [](const WorldConfig& config) {
    return std::make_unique<NaruWorld>(config);
  });
}
