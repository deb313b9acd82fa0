#include "link/tap_port.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire/ethernet.hpp"

namespace naru::link {

namespace {

constexpr std::size_t kSpillSize = PacketPool::kLargeFrame;

constexpr std::array<std::uint8_t, wire::Ethernet::kMinFrame> kPadding{};

iovec part(const std::uint8_t* bytes, std::size_t size) {
  // writev does not write to what it is given, but says so nowhere.
  return {const_cast<std::uint8_t*>(bytes), size};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

std::uint32_t capacity_of(const Packet& packet) { return packet.capacity - PacketPool::kHeadroom; }

}  // namespace

Port::Port(Descriptor descriptor, DeviceKind kind)
    : descriptor_(std::move(descriptor)),
      kind_(kind),
      spill_(std::make_unique<std::uint8_t[]>(kSpillSize)) {}

std::size_t Port::transmit(std::span<const TxFrame> burst, Time now) {
  blocked_ = blocked_ && now < retry_at_;
  std::size_t taken = 0;
  for (; taken < burst.size() && !blocked_; ++taken) {
    switch (send(burst[taken])) {
      case Sent::yes:
        stats_.tx_frames += burst[taken].wire_frames();
        break;
      case Sent::never:
        ++stats_.tx_refused;
        break;
      case Sent::later:
        blocked_ = true;
        retry_at_ = now + kRetry;
        return taken;
    }
  }
  return taken;
}

// By syscall(2), since a thread may be cancelled in writev(2) and its kind (pthreads(7)),
// and whoever drives a stack must come to the end of it.
Port::Sent Port::send(const TxFrame& frame) {
  std::array<std::uint8_t, VnetHeader::kSize + TxFrame::kMaxHeader> head;
  describe_offload(frame, head.data() + VnetHeader::kSize).store(head.data());

  std::array<iovec, 1 + TxFrame::kMaxSpans + 1> parts;
  std::size_t count = 0;
  parts[count++] = part(head.data(), VnetHeader::kSize + frame.header_length);
  for (const Bytes span : std::span(frame.spans).first(frame.span_count)) {
    parts[count++] = part(span.data(), span.size());
  }
  if (frame.length() < kPadding.size()) {
    parts[count++] = part(kPadding.data(), kPadding.size() - frame.length());
  }
  while (::syscall(SYS_writev, descriptor_.number(), parts.data(), count) < 0) {
    if (errno == EAGAIN || errno == ENOBUFS) return Sent::later;
    if (errno != EINTR) return Sent::never;
  }
  return Sent::yes;
}

std::size_t Port::receive(std::span<Packet*> burst) {
  blocked_ = false;
  std::size_t count = 0;
  // Not more reads than asked for, whatever is dropped: the caller's turn is bounded.
  for (std::size_t reads = 0; reads < burst.size(); ++reads) {
    Packet* packet = nullptr;
    if (pool_ != nullptr) {
      if (expect_large_) packet = pool_->take(PacketPool::kLargeFrame);
      if (packet == nullptr) packet = pool_->take(PacketPool::kSmallFrame);
    }
    Raw raw;
    if (!read(packet, raw)) {
      if (packet != nullptr) pool_->give_back(packet);
      break;
    }
    packet = settle(packet, raw.size);
    if (packet == nullptr) continue;
    const auto offload = check_offload(raw.header, packet->mutable_bytes());
    if (!offload) {
      ++stats_.rx_bad_offload;
      pool_->give_back(packet);
      continue;
    }
    packet->checksum = offload->checksum;
    packet->gso_size = offload->gso_size;
    if (raw.tagged) put_tag(*packet, raw);
    burst[count++] = packet;
  }
  stats_.rx_frames += count;
  return count;
}

bool Port::read(Packet* packet, Raw& raw) {
  std::array<std::uint8_t, VnetHeader::kSize> header;
  std::array<iovec, 3> parts;
  std::size_t count = 0;
  parts[count++] = {header.data(), header.size()};
  if (packet != nullptr) parts[count++] = {packet->data, capacity_of(*packet)};
  parts[count++] = {spill_.get(), kSpillSize};

  ssize_t size = -1;
  do {
    size = kind_ == DeviceKind::tap
               ? ::syscall(SYS_readv, descriptor_.number(), parts.data(), count)
               : read_socket(std::span(parts).first(count), raw);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    is_gone_ = errno == EBADFD;  // as tap devices say it
    return false;
  }
  const auto got = static_cast<std::size_t>(size);
  if (got < header.size()) return false;
  raw.header = VnetHeader::load(header.data());
  raw.size = got - header.size();
  return true;
}

ssize_t Port::read_socket(std::span<iovec> parts, Raw& raw) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(tpacket_auxdata))> control;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::syscall(SYS_recvmsg, descriptor_.number(), &message, 0);
  if (size < 0) return size;
  const cmsghdr* item = CMSG_FIRSTHDR(&message);
  if (item != nullptr && item->cmsg_level == SOL_PACKET && item->cmsg_type == PACKET_AUXDATA) {
    tpacket_auxdata aux;
    std::memcpy(&aux, CMSG_DATA(item), sizeof aux);
    raw.tagged = (aux.tp_status & TP_STATUS_VLAN_VALID) != 0;
    raw.tag = aux.tp_vlan_tci;
    raw.tag_type =
        (aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? aux.tp_vlan_tpid : wire::kEtherTypeVlan;
  }
  return size;
}

Packet* Port::settle(Packet* packet, std::size_t size) {
  const bool large = size > PacketPool::kSmallFrame;
  expect_large_ = large;
  if (packet != nullptr && (packet->size_class != 0) == large && size <= capacity_of(*packet)) {
    packet->length = static_cast<std::uint32_t>(size);
    return packet;
  }
  Packet* moved = pool_ == nullptr ? nullptr : move_to(packet, size);
  if (packet != nullptr) pool_->give_back(packet);
  if (moved == nullptr) ++stats_.rx_no_buffer;
  return moved;
}

// A copy in a buffer of the other class.
Packet* Port::move_to(Packet* packet, std::size_t size) {
  Packet* to = pool_->take(static_cast<std::uint32_t>(size));
  if (to == nullptr) return nullptr;
  std::size_t first = 0;
  if (packet != nullptr) {
    first = std::min<std::size_t>(size, capacity_of(*packet));
    std::memcpy(to->data, packet->data, first);
  }
  std::memcpy(to->data + first, spill_.get(), size - first);
  to->length = static_cast<std::uint32_t>(size);
  return to;
}

// Puts back the VLAN tag that the kernel keeps beside a frame.
void Port::put_tag(Packet& packet, const Raw& raw) {
  constexpr std::size_t kAddresses = 12;
  if (packet.length < kAddresses) return;
  std::uint8_t* p = packet.push(wire::Ethernet::kTagSize);
  std::memmove(p, p + wire::Ethernet::kTagSize, kAddresses);
  store_be16(p + kAddresses, raw.tag_type);
  store_be16(p + kAddresses + 2, raw.tag);
}

}  // namespace naru::link
