#include "link/pcapng.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace naru::link {

namespace {

// Block types.
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;

constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kMajorVersion = 1;
constexpr std::uint16_t kMinorVersion = 0;
constexpr std::uint32_t kUnknownLength = 0xffffffff;  // twice, for 64 bits
constexpr std::uint16_t kLinkTypeEthernet = 1;
constexpr std::uint32_t kNoSnapLength = 0;

// Option codes.
constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kUserApplication = 4;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kInterfaceMac = 6;
constexpr std::uint16_t kTimeResolution = 9;
constexpr std::uint16_t kPacketFlags = 2;

// Negative powers of ten of a second.
constexpr std::uint8_t kNanoseconds = 9;

constexpr std::size_t kMaxOption = 0xffff;
constexpr std::size_t kPacketHeader = 28;  // of an enhanced packet block, before the bytes

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

PcapngWriter::PcapngWriter(std::string_view comment) {
  begin_block(kSectionHeader);
  put32(kByteOrderMagic);
  put16(kMajorVersion);
  put16(kMinorVersion);
  put32(kUnknownLength);
  put32(kUnknownLength);
  put_option(kComment, comment);
  put_option(kUserApplication, "naru");
  put_option(kEndOfOptions, Bytes{});
  end_block();
}

std::uint32_t PcapngWriter::add_interface(std::string_view name, const MacAddr& mac) {
  begin_block(kInterfaceDescription);
  put16(kLinkTypeEthernet);
  put16(0);
  put32(kNoSnapLength);
  put_option(kInterfaceName, name);
  put_option(kInterfaceMac, mac.bytes);
  put_option(kTimeResolution, Bytes{&kNanoseconds, 1});
  put_option(kEndOfOptions, Bytes{});
  end_block();
  return interfaces_++;
}

std::uint8_t* PcapngWriter::begin_packet(std::uint32_t interface, std::uint64_t nanoseconds,
                                         std::uint32_t size, std::size_t room) {
  begin_block(kEnhancedPacket);
  put32(interface);
  put32(static_cast<std::uint32_t>(nanoseconds >> 32U));
  put32(static_cast<std::uint32_t>(nanoseconds));
  put32(size);  // captured
  put32(size);  // on the wire
  packet_size_ = size;
  const std::size_t at = buffer_.size();
  buffer_.resize(at + std::max<std::size_t>(room, size));
  return buffer_.data() + at;
}

void PcapngWriter::end_packet(Direction direction, std::string_view comment) {
  const std::size_t end = block_ + kPacketHeader + packet_size_;
  buffer_.resize(end);
  buffer_.resize((end + 3) / 4 * 4, 0);
  std::array<std::uint8_t, 4> flags{static_cast<std::uint8_t>(direction)};
  put_option(kPacketFlags, flags);
  put_option(kComment, comment);
  put_option(kEndOfOptions, Bytes{});
  end_block();
}

// Every block: type, length, ..., the same length again.
void PcapngWriter::begin_block(std::uint32_t type) {
  block_ = buffer_.size();
  put32(type);
  put32(0);
}

void PcapngWriter::end_block() {
  const auto length = static_cast<std::uint32_t>(buffer_.size() - block_ + 4);
  std::memcpy(buffer_.data() + block_ + 4, &length, sizeof length);
  put32(length);
}

void PcapngWriter::put16(std::uint16_t value) {
  const std::size_t at = buffer_.size();
  buffer_.resize(at + sizeof value);
  std::memcpy(buffer_.data() + at, &value, sizeof value);
}

void PcapngWriter::put32(std::uint32_t value) {
  const std::size_t at = buffer_.size();
  buffer_.resize(at + sizeof value);
  std::memcpy(buffer_.data() + at, &value, sizeof value);
}

void PcapngWriter::put_option(std::uint16_t code, Bytes value) {
  put16(code);
  put16(static_cast<std::uint16_t>(value.size()));
  buffer_.insert(buffer_.end(), value.begin(), value.end());
  buffer_.resize(buffer_.size() + (4 - value.size() % 4) % 4, 0);
}

// Text; none where it is empty.
void PcapngWriter::put_option(std::uint16_t code, std::string_view value) {
  if (!value.empty()) put_option(code, as_bytes(value.substr(0, kMaxOption)));
}

}  // namespace naru::link
