// Scenario: all that one seed decides. Two hosts, the bad network between them,
// and what the programs on them send each other.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <naru/link/fault.hpp>
#include <naru/link/memory.hpp>
#include <naru/stack/stack.hpp>

namespace naru::test {

// What is wrong with the network, above all.
enum class Trouble : std::uint8_t {
  loss_1,
  loss_5,
  loss_20,
  reorder,
  duplicate,
  corrupt,    // in a switch: the FCS is right again, the checksums have to notice
  bad_cable,  // on the cable: the FCS notices
  scarce,     // few buffers and short rings, and some loss
  everything,
};

inline constexpr std::array kTroubles{
    Trouble::loss_1,  Trouble::loss_5,    Trouble::loss_20, Trouble::reorder,    Trouble::duplicate,
    Trouble::corrupt, Trouble::bad_cable, Trouble::scarce,  Trouble::everything,
};

// "Loss20", for the names of tests.
std::string_view word_of(Trouble trouble);

// The program at one end of a connection.
struct EndPlan {
  std::uint32_t size = 0;    // bytes that it sends
  std::uint32_t offset = 0;  // of its first byte in the test data
  std::uint32_t write_chunk = 0;
  std::uint32_t read_chunk = 0;
  Duration read_pause{};       // after each chunk
  bool finishes_last = false;  // shuts down only when the other has
  std::int64_t send_buffer = 0;
  std::int64_t receive_buffer = 0;
  bool no_delay = false;
};

struct ConnectionPlan {
  int client = 0;  // which host connects
  Duration start{};
  std::array<EndPlan, 2> ends;  // of the client, of the server
};

struct Scenario {
  Scenario(Trouble trouble, std::uint64_t seed);

  link::MemoryWireOptions wire;
  bool ipv6 = false;  // every second one, where the wire carries it
  double cable_damage = 0;
  std::uint64_t seed;
  std::array<link::FaultOptions, 2> faults;  // of what each host sends
  std::array<StackConfig, 2> hosts;
  std::vector<ConnectionPlan> connections;
};

// Random bytes; what an end sends is a piece of them.
inline constexpr std::uint32_t kMaxTransfer = 2'000'000;
Bytes test_data();

}  // namespace naru::test
