#include "device/state.hpp"

#include <cstring>

#include "ip/ip.hpp"
#include "wire/ethernet.hpp"

namespace naru::device {
namespace {

using wire::Ethernet;

constexpr std::size_t kAddresses = 12;  // bytes before a tag

// Behind the addresses, where 802.1Q 9.3 has it.
void put_tag_on(TxFrame& frame, std::uint16_t tag) {
  std::uint8_t* at = frame.header.data() + kAddresses;
  std::memmove(at + Ethernet::kTagSize, at, frame.header_length - kAddresses);
  store_be16(at, wire::kEtherTypeVlan);
  store_be16(at + 2, tag);
  frame.header_length += Ethernet::kTagSize;
  if (frame.network_offset != 0) frame.network_offset += Ethernet::kTagSize;
  if (frame.transport_offset != 0) frame.transport_offset += Ethernet::kTagSize;
}

}  // namespace

Device::State::~State() {
  for (std::uint8_t i = 0; i < count; ++i) ports[i].link->attach(nullptr);
}

void Device::State::set_tag(Packet& frame, std::optional<std::uint16_t> tag) {
  frame.flags = tag ? kTagged : std::uint16_t{0};
  frame.seq = tag.value_or(0);
}

bool Device::State::take_tag_off(Packet& frame) {
  set_tag(frame, std::nullopt);
  if (frame.length < Ethernet::kHeaderSize) return false;
  if (load_be16(frame.data + kAddresses) != wire::kEtherTypeVlan) return true;
  if (frame.length < Ethernet::kHeaderSize + Ethernet::kTagSize) return false;
  set_tag(frame, load_be16(frame.data + kAddresses + 2));
  std::memmove(frame.data + Ethernet::kTagSize, frame.data, kAddresses);
  frame.pull(Ethernet::kTagSize);
  return true;
}

void Device::State::send(const Packet& frame, std::optional<std::uint16_t> tag,
                         std::uint8_t number) {
  Port& port = ports[number];
  if (!port.is_up) {
    ++port.stats.tx_dropped;
    return;
  }
  if (!port.waiting.empty() || !transmit(frame, tag, port)) hold(frame, tag, port);
}

// False when the link has no room.
bool Device::State::transmit(const Packet& frame, std::optional<std::uint16_t> tag, Port& port) {
  TxFrame out;
  ip::Ip::describe(frame, out);
  if (tag) put_tag_on(out, *tag);
  if (port.link->transmit({&out, 1}, now) == 0) return false;
  ++port.stats.tx_frames;
  return true;
}

// A copy that waits at the port.
void Device::State::hold(const Packet& frame, std::optional<std::uint16_t> tag, Port& port) {
  const bool has_room = port.waiting.size() < options.queue;
  Packet* copy = has_room ? packets.take(frame.length) : nullptr;
  if (copy == nullptr) {
    ++port.stats.tx_dropped;
    return;
  }
  std::memcpy(copy->data, frame.data, frame.length);
  copy->length = frame.length;
  copy->checksum = frame.checksum;
  copy->gso_size = frame.gso_size;
  set_tag(*copy, tag);
  port.waiting.push_back(copy);
}

void Device::State::release_waiting(std::uint8_t number) {
  Port& port = ports[number];
  while (!port.waiting.empty()) {
    const Packet& first = *port.waiting.front();
    if (port.is_up && !transmit(first, tag_of(first), port)) return;
    if (!port.is_up) ++port.stats.tx_dropped;
    packets.give_back(port.waiting.pop_front());
  }
}

void Device::State::emit(trace::Kind kind, const Packet& frame, std::uint8_t port,
                         std::uint32_t extra, const MacAddr& mac) {
  trace.emit({.at = now,
              .kind = kind,
              .interface = port,
              .length = frame.length,
              .extra = extra,
              .mac = mac});
}

}  // namespace naru::device
