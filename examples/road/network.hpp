// Network: hosts, hubs and switches, the cables between them, and programs on the hosts, all
// in virtual time: it jumps from one deadline to the next, so every run is the same.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <naru/base/arena.hpp>
#include <naru/device/hub.hpp>
#include <naru/device/switch.hpp>
#include <naru/link/fault.hpp>
#include <naru/link/memory.hpp>
#include <naru/stack/stack.hpp>

namespace naru::road {

// An Ethernet cable on which a frame takes its time.
struct Cable {
  Cable(std::uint8_t number, Duration delay);

  link::MemoryWire wire;
  link::FaultLink near;
  link::FaultLink far;
};

// Drives a program: a name server, a resolver, or one end of a connection.
struct Program {
  std::function<void(Time)> poll;
  std::function<Time()> next_deadline;
};

class Network {
 public:
  // Where trace events go: the number of the station, and what it did.
  using OnEvent = std::function<void(std::size_t station, const trace::Event& event)>;

  explicit Network(OnEvent on_event) : on_event_(std::move(on_event)) {}

  // Stations have numbers in the order in which they are added.
  Stack& add_host(const Options& options = {});
  device::Hub& add_hub();
  device::Switch& add_switch();
  void add_program(Program program) { programs_.push_back(std::move(program)); }
  Cable& add_cable(Duration delay);

  // Until `done`; false when that takes longer than `limit`.
  bool run(const std::function<bool()>& done, Duration limit);
  Time now() const { return now_; }

 private:
  struct Station {
    std::unique_ptr<ArenaMapping> memory;
    std::unique_ptr<Stack> stack;
    std::unique_ptr<device::Device> device = nullptr;
  };

  void add(std::unique_ptr<device::Device> device);
  void settle();
  bool turn(std::size_t number);
  Time next_deadline() const;

  OnEvent on_event_;
  std::deque<Cable> cables_;  // they outlive the stations
  std::vector<Station> stations_;
  std::vector<Program> programs_;
  Time now_{1s};
};

// What cannot fail here, and would make all that follows pointless.
template <class Answer>
auto must(Answer answer, std::string_view what) {
  if (!answer) throw std::runtime_error(std::string(what));
  if constexpr (!std::is_void_v<typename Answer::value_type>) return std::move(*answer);
}

}  // namespace naru::road
