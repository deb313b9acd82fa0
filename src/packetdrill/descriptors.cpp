#include "packetdrill/descriptors.hpp"

#include <cerrno>

namespace naru::packetdrill {

int Descriptors::add(Descriptor descriptor) {
  int fd = kFirst;
  for (const auto& [number, used] : table_) {
    if (number != fd) break;
    ++fd;
  }
  table_.emplace(fd, std::move(descriptor));
  return fd;
}

Descriptor* Descriptors::find(int fd) {
  const auto found = table_.find(fd);
  if (found != table_.end()) return &found->second;
  errno = EBADF;
  return nullptr;
}

Descriptor* Descriptors::find_socket(int fd) {
  Descriptor* descriptor = find(fd);
  if (descriptor == nullptr || descriptor->kind == Descriptor::Kind::socket) return descriptor;
  errno = ENOTSOCK;
  return nullptr;
}

void Descriptors::note_event(const SocketEvent& event) {
  const auto found = table_.find(static_cast<int>(event.cookie));
  if (found != table_.end()) ++found->second.activity;
}

}  // namespace naru::packetdrill
