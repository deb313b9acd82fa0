// TapLink: a wire to the kernel's own TCP/IP, through a tap device.
//
//   stack ══ TapLink ══ /dev/net/tun ══ interface naru0 of the kernel
//
// Segments of up to 64 KiB cross in one system call, in both directions, and
// checksums are left out where the kernel or the stack vouches for them. The
// interface's address and state are set outside (`ip addr`, `ip link set up`).
#pragma once

#include <memory>
#include <string>

#include <naru/link/device.hpp>
#include <naru/link/open_error.hpp>

namespace naru::link {

struct TapOptions {
  // The stack's own address, not that of the kernel's interface.
  MacAddr mac{{0x02, 0x6e, 0x61, 0x72, 0x75, 0x01}};
  // One of several queues: each is a TapLink with the same name.
  bool multi_queue = false;
};

class TapLink final : public DeviceLink {
 public:
  // Attaches to the tap device of this name, which is made where there is none
  // (and then lasts as long as the link). Without a name the kernel makes one up.
  static OpenResult<std::unique_ptr<TapLink>> open(const std::string& name,
                                                   const TapOptions& options = {});

 private:
  using DeviceLink::DeviceLink;
};

}  // namespace naru::link
