#include <cstring>

#include <naru/buf/packet.hpp>

#include "base/check.hpp"

namespace naru {

bool PacketPool::init(Arena& arena, std::uint32_t small, std::uint32_t large) {
  const auto init_class = [&arena](Class& c, std::uint32_t capacity, std::uint32_t count) {
    c.capacity = capacity;
    c.count = count;
    c.base = static_cast<std::uint8_t*>(arena.take((sizeof(Packet) + capacity) * count));
    return c.base != nullptr;
  };
  return init_class(classes_[0], kSmallCapacity, small) &&
         init_class(classes_[1], kLargeCapacity, large);
}

Packet* PacketPool::take_fresh(Class& c, std::uint32_t size) {
  if (c.fresh == c.count || size > kLargeFrame) return nullptr;
  void* at = c.base + (sizeof(Packet) + c.capacity) * c.fresh++;
  auto* p = ::new (at) Packet();
  p->capacity = c.capacity;
  p->large = &c == &classes_[1];
  ++c.in_use;
  reset(*p);
  return p;
}

void PacketPool::give_back(Packet* packet) {
  while (packet != nullptr) {
    Packet* more = packet->more;
    Class& c = classes_[packet->large ? 1 : 0];
    NARU_CHECK(packet->data != nullptr);  // not free already
    packet->data = nullptr;
    packet->next = c.free;
    c.free = packet;
    --c.in_use;
    packet = more;
  }
}

Packet* PacketPool::linearize(Packet* packet) {
  if (packet->more == nullptr) return packet;
  const std::uint32_t total = packet->chain_length();
  Packet* whole = take(total);
  if (whole != nullptr) {
    whole->interface = packet->interface;
    whole->checksum = packet->checksum;
    whole->link_broadcast = packet->link_broadcast;
    whole->gso_size = packet->gso_size;
    for (const Packet* p = packet; p != nullptr; p = p->more) {
      std::memcpy(whole->data + whole->length, p->data, p->length);
      whole->length += p->length;
    }
  }
  give_back(packet);
  return whole;
}

}  // namespace naru
