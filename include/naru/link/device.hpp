// DeviceLink: a wire through a descriptor of the kernel's, a tap device's (tap.hpp) or a
// packet socket's (packet_socket.hpp).
//
// Several processes may drive one device in turn: each has a DeviceLink of its own on a
// descriptor of the same open file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <naru/link/link.hpp>

namespace naru::link {

class Port;

enum class DeviceKind : std::uint8_t { tap, packet_socket };

class DeviceLink : public Link {
 public:
  // What the descriptor does not say by itself.
  struct About {
    DeviceKind kind = DeviceKind::tap;
    std::string name;  // of the kernel's interface
    MacAddr mac;       // the stack's
    std::uint32_t mtu = 0;
  };

  // On a descriptor that another process has opened as TapLink or PacketSocketLink, and
  // which is the link's from now on.
  static std::unique_ptr<DeviceLink> attach(int descriptor, const About& about);
  ~DeviceLink() override;

  const About& about() const { return about_; }
  // The interface's name in the kernel.
  const std::string& name() const { return about_.name; }
  // Gives its descriptor another number: `move` closes the old one.
  void move_descriptor(const std::function<int(int)>& move);

  Caps caps() const override;
  MacAddr mac() const override { return about_.mac; }
  // False once the device was removed.
  bool is_up() const override;
  void attach(PacketPool* pool) override;
  std::size_t transmit_room() override;
  // Frames that the kernel does not want (its interface is down) are lost and
  // counted as tx_refused; those that it wants later stay the caller's.
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;
  Time next_deadline() const override;
  int descriptor() const override;
  Stats stats() const override;

 protected:
  DeviceLink(std::unique_ptr<Port> port, About about);

 private:
  std::unique_ptr<Port> port_;
  About about_;
};

}  // namespace naru::link
