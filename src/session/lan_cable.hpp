// The cable of a session on a lan: one seat there, which all its processes use in turn.
#pragma once

#include "session/cable.hpp"

namespace naru::session {

// Who is armed stands in the lan's file, where neighbours look whom to call.
class LanCable final : public Cable {
 public:
  explicit LanCable(std::unique_ptr<link::LanLink> link) : link_(std::move(link)) {}

  link::Link& link() override { return *link_; }
  link::LanLink* lan() override { return link_.get(); }
  void move_descriptors(const std::function<int(int)>& move) override {
    link_->move_descriptors(move);
  }
  Armed arm(link::LanAlarm alarm) override { return {.is_quiet = link_->arm(alarm)}; }
  bool is_armed() const override { return link_->is_armed(); }
  void disarm() override { link_->disarm(); }
  void disarm(link::LanAlarm alarm) override { link_->disarm(alarm); }

 private:
  std::unique_ptr<link::LanLink> link_;
};

}  // namespace naru::session
