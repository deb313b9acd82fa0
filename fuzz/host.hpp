// Host: a small stack in a memory that is used again for every input.
#pragma once

#include <memory>
#include <sys/mman.h>

#include <naru/stack/stack.hpp>

#include "base/check.hpp"

namespace naru::fuzz {

// Tables so small that every bound is met.
inline StackConfig small_config(std::uint64_t seed) {
  using enum Option;
  StackConfig config;
  config.random = Random::seeded(seed);
  const std::pair<Option, std::int64_t> values[] = {
      {max_connections, 24},   {max_time_wait, 4},
      {max_listeners, 3},      {max_udp_sockets, 6},
      {max_small_packets, 96}, {max_large_packets, 8},
      {max_send_blocks, 32},   {max_flows, 16},
      {max_neighbours, 8},     {max_routes, 8},
      {max_destinations, 16},  {tcp_quiet_flows, 4},
      {tcp_syn_backlog, 4},    {ip_reassembly_memory, 65'536},
      {icmp_error_burst, 10},
  };
  for (const auto& [option, value] : values) NARU_CHECK(config.options.set(option, value));
  return config;
}

class Host {
 public:
  // `number` tells hosts apart that live at the same time.
  Host(int number, std::uint64_t seed, Time now) {
    static Memory memories[2];
    const StackConfig config = small_config(seed);
    stack_ = std::move(*Stack::create(memories[number].fresh(config), config, now));
  }

  Stack& operator*() { return *stack_; }
  Stack* operator->() { return stack_.get(); }

 private:
  class Memory {
   public:
    Arena& fresh(const StackConfig& config) {
      if (!mapping_) {
        size_ = arena_size(config);
        mapping_ = std::make_unique<ArenaMapping>(std::move(*ArenaMapping::map_private(size_)));
      }
      void* base = &mapping_->arena();
      // Zeros again.
      NARU_CHECK(::madvise(base, size_, MADV_DONTNEED) == 0);
      return *Arena::format(base, size_);
    }

   private:
    std::size_t size_ = 0;
    std::unique_ptr<ArenaMapping> mapping_;
  };

  std::unique_ptr<Stack> stack_;
};

// Nothing is held by a host whose sockets are closed and whose wires are quiet.
inline void check_nothing_in_use(const Stack& stack) {
  const Stack::Usage usage = stack.usage();
  NARU_CHECK(usage.connections == 0);
  NARU_CHECK(usage.time_wait == 0);
  NARU_CHECK(usage.listeners == 0);
  NARU_CHECK(usage.udp_sockets == 0);
  NARU_CHECK(usage.flows == 0);
  NARU_CHECK(usage.packets == 0);
  NARU_CHECK(usage.send_blocks == 0);
  NARU_CHECK(usage.timers == 0);
}

}  // namespace naru::fuzz
