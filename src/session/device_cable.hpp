// The cable of a session whose eth0 is a device of the kernel's.
//
//   device opened ── keeper ── NAME.session.device ── SCM_RIGHTS ─► each other process
//
// Each process needs a descriptor of the same open file. Children have it from their
// parent; who comes by exec gets it from the keeper, through a socket in the session's
// folder: whoever may open the session's file may have its device, and nobody else.
#pragma once

#include <utility>

#include "session/bell.hpp"
#include "session/cable.hpp"
#include "session/folder.hpp"

namespace naru::session {

// Nobody calls when frames come: the descriptor becomes readable. So whoever is armed waits
// for it, and who that is stands in the session's header.
class DeviceCable final : public Cable {
 public:
  DeviceCable(std::unique_ptr<link::DeviceLink> link, Header& header, const Ringer& ringer)
      : link_(std::move(link)), header_(header), ringer_(ringer) {}

  link::Link& link() override { return *link_; }
  void move_descriptors(const std::function<int(int)>& move) override {
    link_->move_descriptor(move);
  }
  // Of those who sleep only the first is: two would both be woken by each frame. The
  // keeper steps aside for everybody.
  Armed arm(link::LanAlarm alarm) override;
  bool is_armed() const override;
  void disarm() override;
  void disarm(link::LanAlarm alarm) override;

 private:
  std::unique_ptr<link::DeviceLink> link_;
  Header& header_;
  const Ringer& ringer_;
};

// In the keeper: gives the descriptor to the session's other processes.
class DeviceDesk {
 public:
  // At this path; what was left there is removed.
  static link::OpenResult<DeviceDesk> open(const std::string& path);
  DeviceDesk(DeviceDesk&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DeviceDesk& operator=(DeviceDesk&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~DeviceDesk();

  // Readable when somebody asks.
  int fd() const { return fd_; }
  void serve(int device) const;

 private:
  explicit DeviceDesk(int fd) : fd_(fd) {}

  int fd_;
};

// In the other processes, outside: a descriptor of the device.
Said<int> ask_for_device(const std::string& path);

}  // namespace naru::session
