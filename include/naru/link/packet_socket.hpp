// PacketSocketLink: an existing network interface, through an AF_PACKET socket.
//
//   stack ══ PacketSocketLink ══ interface eth0 ══ its network
//                                    └── the kernel's own TCP/IP sees the frames too
//
// Large segments and checksums are left to the interface, as on a tap. The kernel
// goes on to use the interface: give the stack an IP address that the kernel does
// not have, or the kernel answers its connections with resets.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <naru/link/device.hpp>
#include <naru/link/open_error.hpp>

namespace naru::link {

struct PacketSocketOptions {
  // The stack's own address; it makes the interface promiscuous. Without, the
  // stack uses the interface's.
  std::optional<MacAddr> mac;
  // Receive frames for other addresses too.
  bool promiscuous = false;
  // Leave out the queueing discipline of the interface.
  bool bypass_qdisc = true;
};

class PacketSocketLink final : public DeviceLink {
 public:
  static OpenResult<std::unique_ptr<PacketSocketLink>> open(
      const std::string& interface, const PacketSocketOptions& options = {});

 private:
  using DeviceLink::DeviceLink;
};

}  // namespace naru::link
