// TapLink: a wire to the kernel's own TCP/IP, through a tap device.
//
//   stack ══ TapLink ══ /dev/net/tun ══ interface naru0 of the kernel
//
// Segments of up to 64 KiB cross in one system call, in both directions, and
// checksums are left out where the kernel or the stack vouches for them. The
// interface's address and state are set outside (`ip addr`, `ip link set up`).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <naru/link/link.hpp>
#include <naru/link/open_error.hpp>

namespace naru::link {

class Port;

struct TapOptions {
  // The stack's own address, not that of the kernel's interface.
  MacAddr mac{{0x02, 0x6e, 0x61, 0x72, 0x75, 0x01}};
  // One of several queues: each is a TapLink with the same name.
  bool multi_queue = false;
};

class TapLink final : public Link {
 public:
  // Attaches to the tap device of this name, which is made where there is none
  // (and then lasts as long as the link). Without a name the kernel makes one up.
  static OpenResult<std::unique_ptr<TapLink>> open(const std::string& name,
                                                   const TapOptions& options = {});
  ~TapLink() override;

  // The interface's name in the kernel.
  const std::string& name() const { return name_; }

  Caps caps() const override;
  MacAddr mac() const override { return mac_; }
  void attach(PacketPool* pool) override;
  std::size_t transmit_room() override;
  // Frames that the kernel does not want (its interface is down) are lost and
  // counted as tx_refused; those that it wants later stay the caller's.
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;
  Time next_deadline() const override;
  int descriptor() const override;
  Stats stats() const override;

 private:
  TapLink(std::unique_ptr<Port> port, std::string name, const MacAddr& mac, std::uint32_t mtu);

  std::unique_ptr<Port> port_;
  std::string name_;
  MacAddr mac_;
  std::uint32_t mtu_;
};

}  // namespace naru::link
