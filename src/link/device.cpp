#include <utility>

#include <naru/link/device.hpp>

#include "link/tap_port.hpp"

namespace naru::link {

DeviceLink::DeviceLink(std::unique_ptr<Port> port, About about)
    : port_(std::move(port)), about_(std::move(about)) {}

DeviceLink::~DeviceLink() = default;

std::unique_ptr<DeviceLink> DeviceLink::attach(int descriptor, const About& about) {
  auto port = std::make_unique<Port>(Descriptor(descriptor), about.kind);
  return std::unique_ptr<DeviceLink>(new DeviceLink(std::move(port), about));
}

void DeviceLink::move_descriptor(const std::function<int(int)>& move) {
  port_->move_descriptor(move);
}

Caps DeviceLink::caps() const {
  return {.mtu = about_.mtu, .transmits_checksum = true, .carries_large = true};
}
void DeviceLink::attach(PacketPool* pool) { port_->attach(pool); }
std::size_t DeviceLink::transmit_room() { return port_->transmit_room(); }
std::size_t DeviceLink::transmit(std::span<const TxFrame> burst, Time now) {
  return port_->transmit(burst, now);
}
std::size_t DeviceLink::receive(std::span<Packet*> burst, Time) { return port_->receive(burst); }
Time DeviceLink::next_deadline() const { return port_->next_deadline(); }
bool DeviceLink::is_up() const { return !port_->is_gone(); }
int DeviceLink::descriptor() const { return is_up() ? port_->descriptor() : -1; }
Link::Stats DeviceLink::stats() const { return port_->stats(); }

}  // namespace naru::link
