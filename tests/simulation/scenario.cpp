#include "simulation/scenario.hpp"

#include <cmath>

namespace naru::test {
namespace {

constexpr std::uint32_t kTestData = 2 * kMaxTransfer;

// Dice for a scenario.
class Choice {
 public:
  explicit Choice(std::uint64_t seed) : random_(Random::seeded(seed)) {}

  bool one_in(std::uint32_t n) { return random_.below(n) == 0; }
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + random_.below(most - least + 1);
  }
  Duration up_to(Duration most) {
    return Duration(static_cast<std::int64_t>(random_.unit() * static_cast<double>(most.count())));
  }
  // Small numbers are as likely as large ones.
  std::uint32_t scale_free(std::uint32_t most) {
    return static_cast<std::uint32_t>(std::exp2(random_.unit() * std::log2(double{1} + most)));
  }
  template <class T, std::size_t N>
  T of(const T (&values)[N]) {
    return values[random_.below(N)];
  }

 private:
  Random random_;
};

void set(Options& options, Option option, std::int64_t value) {
  (void)options.set(option, value).value();
}

// Small tables, and patience: with one frame in five lost either way, what gives up
// after a few attempts gives up now and then, as it should.
void make_options(Options& options, Choice& choice) {
  using enum Option;
  const std::pair<Option, std::int64_t> values[] = {
      {max_connections, 64},   {max_time_wait, 64},       {max_listeners, 4},
      {max_udp_sockets, 4},    {max_small_packets, 8192}, {max_large_packets, 16},
      {max_send_blocks, 8192}, {max_flows, 64},           {max_neighbours, 16},
      {max_routes, 8},         {max_destinations, 16},    {arp_attempts, 20},
      {tcp_syn_retries, 20},   {tcp_synack_retries, 20},  {tcp_orphan_retries, 20},
      {tcp_retries2, 20},
  };
  for (const auto& [option, value] : values) set(options, option, value);
  set(options, tcp_sack, !choice.one_in(4));
  set(options, tcp_timestamps, !choice.one_in(4));
  set(options, tcp_window_scaling, !choice.one_in(8));
  set(options, tcp_congestion_control, choice.one_in(3) ? kCongestionNewReno : kCongestionCubic);
  if (choice.one_in(4)) set(options, tcp_quiet_flows, 0);
}

void set_trouble(Trouble trouble, link::FaultOptions& faults) {
  switch (trouble) {
    case Trouble::loss_1:
      faults.loss = 0.01;
      break;
    case Trouble::loss_5:
      faults.loss = 0.05;
      break;
    case Trouble::loss_20:
      faults.loss = 0.20;
      break;
    case Trouble::reorder:
      faults.reorder = 0.20;
      faults.reorder_delay = 20ms;
      break;
    case Trouble::duplicate:
      faults.duplicate = 0.20;
      break;
    case Trouble::corrupt:
      faults.corrupt = 0.05;
      break;
    case Trouble::bad_cable:
      break;
    case Trouble::scarce:
      faults.loss = 0.02;
      faults.max_frames = 64;
      break;
    case Trouble::everything:
      faults.loss = 0.02;
      faults.reorder = 0.05;
      faults.duplicate = 0.05;
      faults.corrupt = 0.02;
      faults.jitter = 5ms;
      break;
  }
}

EndPlan make_end(Choice& choice) {
  EndPlan end;
  end.size = choice.one_in(4) ? choice.between(0, kMaxTransfer) : choice.scale_free(kMaxTransfer);
  if (choice.one_in(8)) end.size = 0;
  end.offset = choice.between(0, kTestData - kMaxTransfer);
  end.write_chunk = choice.scale_free(100'000);
  end.read_chunk = choice.scale_free(100'000);
  // Small pieces of much data would be a test of patience.
  if (end.size > 10'000) end.write_chunk = std::max(end.write_chunk, 100U);
  if (choice.one_in(4)) end.read_pause = choice.up_to(50ms);
  if (choice.one_in(4)) end.send_buffer = choice.between(2'304, 20'000);
  if (choice.one_in(4)) end.receive_buffer = choice.between(1'152, 20'000);
  end.no_delay = choice.one_in(2);
  return end;
}

ConnectionPlan make_connection(Choice& choice) {
  ConnectionPlan plan;
  plan.client = static_cast<int>(choice.between(0, 1));
  plan.start = choice.up_to(3s);
  for (EndPlan& end : plan.ends) end = make_end(choice);
  for (int i = 0; i < 2; ++i) {
    const EndPlan& writer = plan.ends[static_cast<std::size_t>(i)];
    EndPlan& reader = plan.ends[static_cast<std::size_t>(1 - i)];
    if (writer.size > 10'000) reader.read_chunk = std::max(reader.read_chunk, writer.size / 500);
  }
  if (choice.one_in(2)) plan.ends[choice.between(0, 1)].finishes_last = true;
  return plan;
}

}  // namespace

std::string_view word_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::loss_1:
      return "Loss1";
    case Trouble::loss_5:
      return "Loss5";
    case Trouble::loss_20:
      return "Loss20";
    case Trouble::reorder:
      return "Reorder";
    case Trouble::duplicate:
      return "Duplicate";
    case Trouble::corrupt:
      return "Corrupt";
    case Trouble::bad_cable:
      return "BadCable";
    case Trouble::scarce:
      return "Scarce";
    case Trouble::everything:
      return "Everything";
  }
  return "";
}

Scenario::Scenario(Trouble trouble, std::uint64_t scenario_seed) : seed(scenario_seed) {
  Choice choice(seed * kTroubles.size() + static_cast<std::uint64_t>(trouble));
  constexpr std::uint32_t kMtus[] = {576, 1280, 1500, 1500, 1500, 9000};
  wire.mtu = choice.of(kMtus);
  ipv6 = seed % 2 == 1 && wire.mtu >= 1280;
  wire.fcs = trouble == Trouble::bad_cable || choice.one_in(2);
  if (trouble == Trouble::bad_cable) cable_damage = 0.05;

  const Duration delay = choice.one_in(4) ? Duration::zero() : choice.up_to(50ms);
  const std::uint64_t rate =
      choice.one_in(2) ? 0 : choice.between(1, 100) * std::uint64_t{1'000'000};
  for (std::size_t i = 0; i < 2; ++i) {
    faults[i].seed = seed * 2 + i;
    faults[i].delay = delay;
    faults[i].rate = rate;
    set_trouble(trouble, faults[i]);
    hosts[i].random = Random::seeded(seed * 2 + i);
    make_options(hosts[i].options, choice);
    // Where the cookie's ACK may be lost or overtaken, it is as if the SYN had been.
    if (trouble == Trouble::duplicate && choice.one_in(4)) {
      set(hosts[i].options, Option::tcp_syn_cookies, 2);
    }
  }
  if (trouble == Trouble::scarce) {
    wire.ring_size = 16;
    for (StackConfig& host : hosts) {
      set(host.options, Option::max_small_packets, 64);
      set(host.options, Option::max_large_packets, 16);
      set(host.options, Option::max_send_blocks, 32);
      set(host.options, Option::max_flows, 16);
    }
  }
  const std::uint32_t count = choice.between(1, 4);
  for (std::uint32_t i = 0; i < count; ++i) connections.push_back(make_connection(choice));
}

Bytes test_data() {
  static const std::vector<std::uint8_t> data = [] {
    std::vector<std::uint8_t> bytes(kTestData);
    Random random = Random::seeded(1);
    random.fill(bytes);
    return bytes;
  }();
  return data;
}

}  // namespace naru::test
