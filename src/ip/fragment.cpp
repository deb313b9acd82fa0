#include "ip/fragment.hpp"

#include <algorithm>
#include <cstring>

#include "ip/identification.hpp"
#include "wire/checksum.hpp"
#include "wire/ipv4_options.hpp"

namespace naru::ip {
namespace {

using wire::Ethernet;
using wire::Ipv4;
using wire::Ipv6;

constexpr std::uint64_t kIdentificationSalt = 4;  // beside other uses of the hash

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

void Fragmenter::start(Context& context, Packet* whole) {
  whole_ = whole;
  mtu_ = whole->seq;
  is_v6_ = whole->data[Ethernet::kHeaderSize] >> 4U == 6;
  if (is_v6_) {
    start6(context);
  } else {
    start4();
  }
}

void Fragmenter::start4() {
  const std::uint8_t* ip = whole_->data + Ethernet::kHeaderSize;
  fragment_word_ = load_be16(ip + 6) & static_cast<std::uint16_t>(~kDontFragment);
  header_size_ = static_cast<std::uint32_t>(Ethernet::kHeaderSize + (ip[0] & 0x0fU) * 4);
  std::memcpy(header_.data(), whole_->data, header_size_);
  whole_->pull(header_size_);
}

// One counter for all, seen by each destination through a permutation of its own.
void Fragmenter::start6(const Context& context) {
  constexpr std::uint32_t kHeaders = Ethernet::kHeaderSize + Ipv6::kHeaderSize;
  std::memcpy(header_.data(), whole_->data, kHeaders);
  std::uint8_t* ip = header_.data() + Ethernet::kHeaderSize;
  const std::uint64_t salt = context.hash(wire::load_ipv6(ip + 24), kIdentificationSalt);
  fragment_ = {.next_header = ip[Ipv6::kNextHeaderOffset],
               .id = identification6(context.key, packets6_++, salt)};
  ip[Ipv6::kNextHeaderOffset] = wire::ipv6_header::kFragment;
  header_size_ = kHeaders + wire::Ipv6Fragment::kSize;
  whole_->pull(kHeaders);
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
  std::memcpy(to, header_.data(), header_size_);
  std::memcpy(to + header_size_, whole_->data, size);
  if (is_v6_) {
    write6(to, size);
  } else {
    write4(to, size);
  }
}

void Fragmenter::write6(std::uint8_t* to, std::uint32_t size) {
  std::uint8_t* ip = to + Ethernet::kHeaderSize;
  store_be16(ip + Ipv6::kPayloadLengthOffset,
             static_cast<std::uint16_t>(wire::Ipv6Fragment::kSize + size));
  fragment_.more = size != whole_->length;
  fragment_.emit(ip + Ipv6::kHeaderSize);
  fragment_.offset = static_cast<std::uint16_t>(fragment_.offset + size);
}

void Fragmenter::write4(std::uint8_t* to, std::uint32_t size) {
  const bool is_last = size == whole_->length;
  std::uint8_t* ip = to + Ethernet::kHeaderSize;
  const std::uint32_t ip_header = header_size_ - Ethernet::kHeaderSize;
  store_be16(ip + 2, static_cast<std::uint16_t>(ip_header + size));
  store_be16(ip + 6, is_last ? fragment_word_ : fragment_word_ | kMoreFragments);
  wire::store_checksum(ip + Ipv4::kChecksumOffset, 0);
  wire::store_checksum(ip + Ipv4::kChecksumOffset, wire::finish(wire::sum_bytes(ip, ip_header)));

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
