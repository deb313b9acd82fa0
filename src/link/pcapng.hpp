// The pcapng file format (draft-ietf-opsawg-pcapng): blocks, appended to a buffer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

namespace naru::link {

class PcapngWriter {
 public:
  enum class Direction : std::uint8_t { inbound = 1, outbound = 2 };

  // Begins a section: the head of a file.
  explicit PcapngWriter(std::string_view comment);

  // Describes an Ethernet interface; gives the number that packets name it by.
  std::uint32_t add_interface(std::string_view name, const MacAddr& mac);

  // A packet of `size` bytes in two steps: its bytes are written to what
  // begin_packet() returns (which has room for `room` bytes, >= size), before
  // anything else is called.
  std::uint8_t* begin_packet(std::uint32_t interface, std::uint64_t nanoseconds, std::uint32_t size,
                             std::size_t room);
  void end_packet(Direction direction, std::string_view comment);

  // Blocks that have not been taken yet.
  Bytes pending() const { return buffer_; }
  void clear() { buffer_.clear(); }

 private:
  void begin_block(std::uint32_t type);
  void end_block();
  void put16(std::uint16_t value);
  void put32(std::uint32_t value);
  void put_option(std::uint16_t code, Bytes value);
  void put_option(std::uint16_t code, std::string_view value);

  std::vector<std::uint8_t> buffer_;
  std::size_t block_ = 0;          // where the open block begins
  std::uint32_t packet_size_ = 0;  // of the open packet
  std::uint32_t interfaces_ = 0;
};

}  // namespace naru::link
