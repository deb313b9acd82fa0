// Hub: repeats every frame, as it is, to all ports but the one that it came from.
#pragma once

#include <naru/device/device.hpp>

namespace naru::device {

class Hub final : public Device {
 public:
  static Result<std::unique_ptr<Hub>> create(const DeviceOptions& options = {});

  // The link outlives the hub. Error::no_memory beyond kMaxPorts.
  Result<std::uint8_t> add_port(std::string_view name, link::Link& link) {
    return plug(name, link);
  }

 private:
  using Device::Device;
  void take(Packet& frame, std::uint8_t port) override;
};

}  // namespace naru::device
