// PacketSocketLink: an existing network interface, through an AF_PACKET socket.
//
//   stack ══ PacketSocketLink ══ interface eth0 ══ its network
//                                    └── the kernel's own TCP/IP sees the frames too
//
// Large segments and checksums are left to the interface, as on a tap. The kernel
// goes on to use the interface: give the stack an IP address that the kernel does
// not have, or the kernel answers its connections with resets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <naru/link/link.hpp>
#include <naru/link/open_error.hpp>

namespace naru::link {

class Port;

struct PacketSocketOptions {
  // The stack's own address; it makes the interface promiscuous. Without, the
  // stack uses the interface's.
  std::optional<MacAddr> mac;
  // Receive frames for other addresses too.
  bool promiscuous = false;
  // Leave out the queueing discipline of the interface.
  bool bypass_qdisc = true;
};

class PacketSocketLink final : public Link {
 public:
  static OpenResult<std::unique_ptr<PacketSocketLink>> open(
      const std::string& interface, const PacketSocketOptions& options = {});
  ~PacketSocketLink() override;

  const std::string& name() const { return name_; }

  Caps caps() const override;
  MacAddr mac() const override { return mac_; }
  void attach(PacketPool* pool) override;
  std::size_t transmit_room() override;
  // Frames that the interface refuses (it is down) are lost and counted as
  // tx_refused; those that its full queue refuses stay the caller's.
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;
  Time next_deadline() const override;
  int descriptor() const override;
  Stats stats() const override;

 private:
  PacketSocketLink(std::unique_ptr<Port> port, std::string name, const MacAddr& mac,
                   std::uint32_t mtu);

  std::unique_ptr<Port> port_;
  std::string name_;
  MacAddr mac_;
  std::uint32_t mtu_;
};

}  // namespace naru::link
