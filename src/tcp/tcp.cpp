#include "tcp/tcp.hpp"

#include <algorithm>

namespace naru::tcp {
namespace {

SipKey random_key(Random& random) { return {random.next_u64(), random.next_u64()}; }

std::uint32_t* make_buckets(Arena& arena) {
  auto* buckets = static_cast<std::uint32_t*>(arena.take(kPortBuckets * sizeof(std::uint32_t)));
  if (buckets != nullptr) std::fill_n(buckets, kPortBuckets, kNoIndex);
  return buckets;
}

}  // namespace

bool Tcp::init(Arena& arena, const Options& opts, Counters& counts, trace::Ring& ring, Random& rng,
               PacketPool& pool) {
  options = &opts;
  counters = &counts;
  trace = &ring;
  random = &rng;
  packets = &pool;
  isn_key = random_key(rng);
  timestamp_key = random_key(rng);
  listener_key = random_key(rng);
  ports.start(random_key(rng));
  cookies.start(random_key(rng));
  listener_buckets = make_buckets(arena);
  bind_buckets = make_buckets(arena);
  const std::uint32_t max_connections = opts.u32(Option::max_connections);
  const std::uint32_t max_time_wait = opts.u32(Option::max_time_wait);
  const std::uint32_t max_flows = std::min(opts.u32(Option::max_flows), max_connections);
  return listener_buckets != nullptr && bind_buckets != nullptr && ports_in_use.init(arena) &&
         connections.init(arena, max_connections) && flows.init(arena, max_flows) &&
         extras.init(arena, max_connections) &&
         listeners.init(arena, opts.u32(Option::max_listeners)) &&
         binds.init(arena, max_connections) && reassemblies.init(arena, max_flows) &&
         scoreboards.init(arena, max_flows) &&
         blocks.init(arena, opts.u32(Option::max_send_blocks)) &&
         table.init(arena, max_connections + max_time_wait, random_key(rng)) &&
         time_wait.init(arena, std::max(max_time_wait, 1U));
}

}  // namespace naru::tcp
