// What the tests of the links share: a pool to receive into, TCP frames with
// random contents, and the plain way to cut and to checksum them.
#pragma once

#include <cstdint>
#include <vector>

#include <naru/base/arena.hpp>
#include <naru/buf/packet.hpp>
#include <naru/link/link.hpp>
#include <naru/random/random.hpp>

namespace naru::link::test {

using Frame = std::vector<std::uint8_t>;

inline constexpr MacAddr kMacA{{2, 0, 0, 0, 0, 1}};
inline constexpr MacAddr kMacB{{2, 0, 0, 0, 0, 2}};

// An arena with nothing but a packet pool, as a stack would have.
class TestPool {
 public:
  explicit TestPool(std::uint32_t small = 512, std::uint32_t large = 32);
  PacketPool& operator*() { return pool_; }
  PacketPool* operator->() { return &pool_; }
  PacketPool* get() { return &pool_; }

 private:
  ArenaMapping mapping_;
  PacketPool pool_;
};

Frame random_bytes(Random& random, std::size_t size);

// What a frame is made from.
struct TcpSpec {
  bool ipv6 = false;
  std::uint8_t ip_options = 0;   // bytes, IPv4 only
  std::uint8_t tcp_options = 0;  // bytes
  std::uint8_t flags = 0x10;
  std::uint32_t seq = 1;
  std::uint32_t ack = 77;
  std::uint16_t id = 1;
  std::uint16_t gso_size = 0;
  Frame payload{};
};
TcpSpec random_spec(Random& random);

// A TxFrame over spec.payload, which it points into, in spans of random sizes.
TxFrame make_tcp(const TcpSpec& spec, Random& random);
// A UDP datagram over IPv4, in one span.
TxFrame make_udp(const Frame& payload, std::uint32_t source = 0x0a000001);

// The frames that a stack without offload sends for `spec`: every header is made
// from scratch and every checksum is the textbook loop over bytes.
std::vector<Frame> reference_frames(const TcpSpec& spec, bool whole = false);

// The Internet checksum of RFC 1071, one 16-bit word at a time, as a number.
std::uint16_t plain_checksum(Bytes bytes, std::uint32_t start = 0);
// True where the IPv4 header and the TCP or UDP checksum are right.
bool checksums_verify(Bytes frame);

// The bytes and the end of a received packet, which goes back to the pool.
Frame drain(TestPool& pool, Packet* packet);
std::vector<Frame> receive_all(Link& link, TestPool& pool, Time now = {});

}  // namespace naru::link::test
