// A station at a port of a device: raw frames out and in, over a memory wire of its own.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <naru/base/arena.hpp>
#include <naru/link/memory.hpp>

#include "base/check.hpp"
#include "wire/ethernet.hpp"

namespace naru::device::test {

using Frame = std::vector<std::uint8_t>;

constexpr MacAddr mac(std::uint32_t number) {
  return {{0x02, 0, 0, static_cast<std::uint8_t>(number >> 16U),
           static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)}};
}

// A frame of 60 bytes, so that nothing is padded, that no protocol knows.
inline Frame frame(const MacAddr& to, const MacAddr& from, std::uint8_t mark = 0) {
  Frame f(60, mark);
  wire::Ethernet{to, from, 0x88b5}.emit(f.data());
  return f;
}

// The same frame with a tag in front of what it has.
inline Frame tagged(Frame f, std::uint16_t tag, std::uint16_t type = wire::kEtherTypeVlan) {
  const std::array<std::uint8_t, 4> bytes{
      static_cast<std::uint8_t>(type >> 8U), static_cast<std::uint8_t>(type & 0xffU),
      static_cast<std::uint8_t>(tag >> 8U), static_cast<std::uint8_t>(tag & 0xffU)};
  f.insert(f.begin() + 12, bytes.begin(), bytes.end());
  return f;
}

class Station {
 public:
  explicit Station(const link::MemoryWireOptions& options = {})
      : wire_(options), mapping_(std::move(*ArenaMapping::map_private(std::size_t{64} << 20U))) {
    NARU_CHECK(pool_.init(mapping_.arena(), 1'024, 16));
    wire_.a().attach(&pool_);
  }

  ~Station() { wire_.a().attach(nullptr); }
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  // The end that goes into the device.
  link::Link& plug() { return wire_.b(); }
  link::MemoryWire& wire() { return wire_; }

  void send(const Frame& bytes) {
    TxFrame f;
    f.header_length = 14;
    std::copy_n(bytes.begin(), 14, f.header.begin());
    f.payload_length = static_cast<std::uint32_t>(bytes.size() - 14);
    f.span_count = 1;
    f.spans[0] = Bytes(bytes).subspan(14);
    send(f);
  }
  void send(const TxFrame& f) { NARU_CHECK(wire_.a().transmit({&f, 1}, Time{}) == 1); }

  // All that has come; f(const Packet&) sees each packet first.
  template <class F>
  std::vector<Frame> receive(F&& f) {
    std::vector<Frame> frames;
    std::array<Packet*, link::kBurst> burst;
    while (const std::size_t n = wire_.a().receive(burst, Time{})) {
      for (std::size_t i = 0; i < n; ++i) {
        f(*burst[i]);
        frames.emplace_back(burst[i]->data, burst[i]->data + burst[i]->length);
        pool_.give_back(burst[i]);
      }
    }
    return frames;
  }
  std::vector<Frame> receive() {
    return receive([](const Packet&) {});
  }

 private:
  link::MemoryWire wire_;
  ArenaMapping mapping_;
  PacketPool pool_;
};

}  // namespace naru::device::test
