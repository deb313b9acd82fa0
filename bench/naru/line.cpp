#include "naru/line.hpp"

#include <algorithm>
#include <cstring>

#include <naru/buf/tx_frame.hpp>

#include "measure.hpp"

namespace naru::bench {
namespace {

constexpr std::uint32_t kPackets = 4096;

PathConfig way_back(PathConfig config) {
  ++config.seed;
  return config;
}

ArenaMapping map(std::size_t size) {
  auto mapping = ArenaMapping::map_private(size);
  if (!mapping) fail("no memory for the line");
  return std::move(*mapping);
}

// The bytes of a frame as a link takes them.
TxFrame to_tx_frame(Bytes frame) {
  TxFrame tx;
  const std::size_t head = std::min(frame.size(), TxFrame::kMaxHeader);
  std::memcpy(tx.header.data(), frame.data(), head);
  tx.header_length = static_cast<std::uint16_t>(head);
  if (frame.size() > head) {
    tx.spans[0] = frame.subspan(head);
    tx.span_count = 1;
    tx.payload_length = static_cast<std::uint32_t>(frame.size() - head);
  }
  return tx;
}

}  // namespace

Line::Line(const PathConfig& config, const link::MemoryWireOptions& options)
    : client_wire_(options),
      server_wire_(options),
      to_server_(config),
      to_client_(way_back(config)),
      memory_(map(std::size_t{kPackets} * 4096)) {
  if (!pool_.init(memory_.arena(), kPackets, 1)) fail("no memory for the line");
  client_wire_.b().attach(&pool_);
  server_wire_.a().attach(&pool_);
}

void Line::carry(Time now) {
  collect(client_wire_.b(), to_server_, now);
  collect(server_wire_.a(), to_client_, now);
  deliver(to_server_, server_wire_.a(), now);
  deliver(to_client_, client_wire_.b(), now);
}

Time Line::next_arrival() const {
  const std::int64_t never = nanoseconds(kTimeNever);
  return time_from_ns(std::min(to_server_.next_arrival().value_or(never),
                               to_client_.next_arrival().value_or(never)));
}

void Line::collect(link::Link& from, Path& path, Time now) {
  std::array<Packet*, link::kBurst> burst{};
  while (const std::size_t n = from.receive(burst, now)) {
    for (std::size_t i = 0; i < n; ++i) {
      const Piece piece{burst[i]->data, burst[i]->length};
      path.send(nanoseconds(now), {&piece, 1});
      pool_.give_back(burst[i]);
    }
  }
}

void Line::deliver(Path& path, link::Link& to, Time now) {
  while (const auto frame = path.receive(nanoseconds(now))) {
    const TxFrame tx = to_tx_frame(*frame);
    to.transmit({&tx, 1}, now);
  }
}

}  // namespace naru::bench
