#include "ip/fragment.hpp"

#include <algorithm>
#include <cstring>

#include "wire/checksum.hpp"
#include "wire/ipv4_options.hpp"

namespace naru::ip {
namespace {

using wire::Ethernet;
using wire::Ipv4;

constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kDontFragment = 0x4000;

// The options that go into every fragment, padded with ends of list; gives their size.
std::uint32_t copied_options(Bytes options, std::uint8_t* to) {
  std::uint32_t size = 0;
  wire::Ipv4OptionWalker walker(options);
  for (wire::Ipv4Option option; walker.next(option);) {
    if (!option.is_copied()) continue;
    std::memcpy(to + size, option.bytes.data(), option.bytes.size());
    size += static_cast<std::uint32_t>(option.bytes.size());
  }
  while (size % 4 != 0) to[size++] = wire::Ipv4Option::kEndOfList;
  return size;
}

}  // namespace

void Fragmenter::start(Packet* whole) {
  whole_ = whole;
  mtu_ = whole->seq;
  const std::uint8_t* ip = whole->data + Ethernet::kHeaderSize;
  fragment_word_ = load_be16(ip + 6) & static_cast<std::uint16_t>(~kDontFragment);
  header_size_ = static_cast<std::uint32_t>(Ethernet::kHeaderSize + (ip[0] & 0x0fU) * 4);
  std::memcpy(header_.data(), whole->data, header_size_);
  whole->pull(header_size_);
}

Packet* Fragmenter::next(Context& context) {
  if (whole_ == nullptr) return nullptr;
  const std::uint32_t room = (mtu_ + Ethernet::kHeaderSize - header_size_) & ~7U;
  const bool is_last = whole_->length + header_size_ <= mtu_ + Ethernet::kHeaderSize;
  const std::uint32_t size = is_last ? whole_->length : room;
  Packet* piece = context.pool->take(header_size_ + size);
  if (piece != nullptr) {
    piece->length = header_size_ + size;
    piece->interface = whole_->interface;
    write(piece->data, size);
    whole_->pull(size);
    context.counters->add(Counter::ip_fragments_out);
  } else {
    context.counters->drop(Drop::no_buffer);
  }
  if (is_last || piece == nullptr) {
    context.pool->give_back(whole_);
    whole_ = nullptr;
  }
  return piece;
}

void Fragmenter::write(std::uint8_t* to, std::uint32_t size) {
  const bool is_last = size == whole_->length;
  std::uint8_t* ip = to + Ethernet::kHeaderSize;
  const std::uint32_t ip_header = header_size_ - Ethernet::kHeaderSize;
  std::memcpy(to, header_.data(), header_size_);
  store_be16(ip + 2, static_cast<std::uint16_t>(ip_header + size));
  store_be16(ip + 6, is_last ? fragment_word_ : fragment_word_ | kMoreFragments);
  wire::store_checksum(ip + Ipv4::kChecksumOffset, 0);
  wire::store_checksum(ip + Ipv4::kChecksumOffset, wire::finish(wire::sum_bytes(ip, ip_header)));
  std::memcpy(to + header_size_, whole_->data, size);

  fragment_word_ = static_cast<std::uint16_t>(fragment_word_ + size / 8);
  if (ip_header > Ipv4::kHeaderSize) {  // the first piece had all options
    std::uint8_t* first = header_.data() + Ethernet::kHeaderSize;
    std::array<std::uint8_t, Ipv4::kMaxOptions> options{};
    const std::uint32_t kept =
        copied_options({first + Ipv4::kHeaderSize, ip_header - Ipv4::kHeaderSize}, options.data());
    std::memcpy(first + Ipv4::kHeaderSize, options.data(), kept);
    first[0] = static_cast<std::uint8_t>(0x40U | ((Ipv4::kHeaderSize + kept) / 4));
    header_size_ = static_cast<std::uint32_t>(Ethernet::kHeaderSize + Ipv4::kHeaderSize) + kept;
  }
}

}  // namespace naru::ip
