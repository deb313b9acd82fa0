#include <algorithm>
#include <cstring>
#include <type_traits>

#include <naru/buf/error_queue.hpp>

namespace naru {
namespace {

static_assert(std::is_trivially_copyable_v<SocketError>);

std::uint32_t charge(const Packet& packet) { return sizeof(Packet) + packet.capacity; }

SocketError error_in(const Packet& packet) {
  SocketError error;
  std::memcpy(&error, packet.data, sizeof error);
  return error;
}

}  // namespace

bool ErrorQueue::push(PacketPool& pool, const SocketError& error, Bytes payload,
                      std::uint32_t limit) {
  const auto length = static_cast<std::uint32_t>(payload.size());
  Packet* packet = memory_ < limit ? pool.take(sizeof error + length) : nullptr;
  if (packet == nullptr) return false;
  SocketError kept = error;
  kept.length = length;
  std::memcpy(packet->data, &kept, sizeof kept);
  if (length != 0) std::memcpy(packet->data + sizeof kept, payload.data(), length);
  packet->length = sizeof kept + length;
  memory_ += charge(*packet);
  queue_.push_back(packet);
  return true;
}

std::optional<SocketError> ErrorQueue::pop(PacketPool& pool, MutableBytes out) {
  Packet* packet = queue_.pop_front();
  if (packet == nullptr) return std::nullopt;
  const SocketError error = error_in(*packet);
  const std::size_t there = packet->length - sizeof error;
  const std::size_t n = std::min({out.size(), std::size_t{error.length}, there});
  if (n != 0) std::memcpy(out.data(), packet->data + sizeof error, n);
  memory_ -= charge(*packet);
  pool.give_back(packet);
  return error;
}

Error ErrorQueue::next() const {
  if (queue_.empty()) return Error::none;
  const SocketError error = error_in(*queue_.front());
  return error.origin != SocketError::Origin::local ? error.error : Error::none;
}

void ErrorQueue::clear(PacketPool& pool) {
  while (Packet* packet = queue_.pop_front()) pool.give_back(packet);
  memory_ = 0;
}

}  // namespace naru
