#include <naru/device/hub.hpp>

#include "device/state.hpp"

namespace naru::device {

Result<std::unique_ptr<Hub>> Hub::create(const DeviceOptions& options) {
  auto state = make_state(options);
  if (!state) return std::unexpected(state.error());
  return std::unique_ptr<Hub>(new Hub(std::move(*state)));
}

void Hub::take(Packet& frame, std::uint8_t from) {
  State& s = state();
  s.emit(trace::Kind::frame_repeated, frame, from, s.count - 1U);
  for (std::uint8_t port = 0; port < s.count; ++port) {
    if (port != from) s.send(frame, State::tag_of(frame), port);
  }
}

}  // namespace naru::device
