#include <cstring>

#include <naru/buf/packet.hpp>

#include "base/check.hpp"

namespace naru {

bool PacketPool::init(Arena& arena, std::uint32_t small, std::uint32_t large) {
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    Class& c = classes_[i];
    c.capacity = kCapacities[i];
    c.count = i == 0 ? small : large;
    c.base = static_cast<std::uint8_t*>(arena.take((sizeof(Packet) + c.capacity) * c.count));
    if (c.base == nullptr) return false;
  }
  return true;
}

Packet* PacketPool::take_other(std::uint32_t size) {
  if (size <= kSmallFrame) return take_from(0);
  for (std::size_t i = 1; i < classes_.size(); ++i) {
    if (size > kCapacities[i] - kHeadroom) continue;
    if (Packet* p = take_from(i)) return p;
  }
  return nullptr;
}

Packet* PacketPool::take_from(std::size_t size_class) {
  Class& c = classes_[size_class];
  Packet* p = c.free;
  if (p != nullptr) {
    c.free = p->next;
  } else {
    if (c.fresh == c.count) return nullptr;
    p = ::new (at(c, c.fresh++)) Packet();
    p->capacity = c.capacity;
    p->size_class = static_cast<std::uint8_t>(size_class);
  }
  ++c.in_use;
  reset(*p);
  return p;
}

std::uint32_t PacketPool::in_use() const {
  std::uint32_t sum = 0;
  for (const Class& c : classes_) sum += c.in_use;
  return sum;
}

void PacketPool::give_back(Packet* packet) {
  while (packet != nullptr) {
    Packet* more = packet->more;
    Class& c = classes_[packet->size_class];
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

// --- after a death ---------------------------------------------------------------------

bool PacketPool::is_whole(const Packet* packet) const {
  for (const Class& c : classes_) {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(packet) - reinterpret_cast<std::uintptr_t>(c.base);
    const std::size_t stride = sizeof(Packet) + c.capacity;
    if (offset / stride >= c.fresh) continue;
    if (offset % stride != 0 || packet->capacity != c.capacity ||
        &classes_[packet->size_class % classes_.size()] != &c || packet->more != nullptr) {
      break;
    }
    const auto headroom = reinterpret_cast<std::uintptr_t>(packet->data) -
                          reinterpret_cast<std::uintptr_t>(packet->buffer());
    return headroom <= c.capacity && packet->length <= c.capacity - headroom;
  }
  return false;
}

bool PacketPool::measure(const Packet* head, const Packet* tail, Extent& extent) const {
  std::uint32_t most = 0;
  for (const Class& c : classes_) most += c.count;
  const Packet* last = tail;
  for (const Packet* p = head; p != nullptr; p = p->next) {
    if (!is_whole(p) || extent.packets == most) return false;
    ++extent.packets;
    extent.bytes += p->length;
    extent.memory += sizeof(Packet) + p->capacity;
    last = p;
  }
  return last == tail;
}

void PacketPool::forget() {
  for (const Class& c : classes_) {
    for (std::uint32_t i = 0; i < c.fresh; ++i) at(c, i)->kept = false;
  }
}

bool PacketPool::keep(Packet* head) {
  for (Packet* p = head; p != nullptr; p = p->next) {
    if (p->kept) return false;
    p->kept = true;
  }
  return true;
}

void PacketPool::rebuild() {
  for (std::size_t size_class = 0; size_class < classes_.size(); ++size_class) {
    Class& c = classes_[size_class];
    c.free = nullptr;
    c.in_use = 0;
    for (std::uint32_t i = c.fresh; i-- > 0;) {
      Packet* p = at(c, i);
      if (p->kept) {
        ++c.in_use;
        continue;
      }
      p->capacity = c.capacity;
      p->size_class = static_cast<std::uint8_t>(size_class);
      p->data = nullptr;
      p->next = c.free;
      c.free = p;
    }
  }
}

}  // namespace naru
