#include "tcp/congestion/controller.hpp"

#include <algorithm>

#include "tcp/seq.hpp"

namespace naru::tcp {
namespace {

// RFC 6928 2, for any number of segments of the usual size: with ten of them
// min(10 SMSS, max(2 SMSS, 14600)).
std::uint32_t initial_window(std::uint32_t smss, std::uint32_t segments) {
  constexpr std::uint32_t kUsualMss = 1'460;
  return std::min(segments * smss, std::max(2 * smss, segments * kUsualMss));
}

}  // namespace

void Controller::start(Algorithm algorithm, std::uint32_t smss, std::uint32_t initial_segments) {
  *this = Controller{};
  algorithm_ = algorithm;
  window_.smss = smss;
  window_.cwnd = initial_window(smss, initial_segments);
}

void Controller::restore(std::uint32_t cwnd, std::uint32_t ssthresh) {
  window_.ssthresh = ssthresh;
  set_cwnd(cwnd);
}

void Controller::set_smss(std::uint32_t smss) {
  if (smss < window_.smss) {
    const std::uint64_t scaled = std::uint64_t{window_.cwnd} * smss / window_.smss;
    window_.cwnd = static_cast<std::uint32_t>(scaled);
  }
  window_.smss = smss;
  set_cwnd(window_.cwnd);
  cubic_.end_epoch();
}

void Controller::set_cwnd(std::uint32_t bytes) {
  window_.cwnd = std::clamp(bytes, window_.smss, kMaxWindow);
}

// After a timeout an ACK may jump over what the receiver had kept; that left the
// network long ago and opens the window by one SMSS only (RFC 3465 2.3), until
// all that was sent before the timeout is acknowledged.
std::uint32_t Controller::counted(const AckSample& ack) {
  if (after_timeout_ == AfterTimeout::no) return ack.acked;
  if (after_timeout_ == AfterTimeout::just_now) {
    after_timeout_ = AfterTimeout::repairing;
    loss_end_ = ack.snd_nxt;
  }
  if (seq_ge(ack.snd_una, loss_end_)) after_timeout_ = AfterTimeout::no;
  return std::min(ack.acked, window_.smss);
}

void Controller::on_ack(const AckSample& ack) {
  // Nothing to learn for a window that nobody uses up.
  if (!ack.cwnd_limited && after_timeout_ == AfterTimeout::no) [[likely]] {
    on_application_limited(ack.now);
    return;
  }
  const std::uint32_t acked = counted(ack);
  switch (algorithm_) {
    case Algorithm::newreno:
      if (ack.cwnd_limited) newreno_.on_ack(window_, acked);
      return;
    case Algorithm::cubic:
      return cubic_.on_ack(window_, ack, acked);
  }
}

std::uint32_t Controller::threshold(std::uint32_t flight_size) const {
  // Segments of limited transmit fly beyond cwnd and do not count (RFC 3042 2).
  const std::uint32_t flight = std::min(flight_size, window_.cwnd);
  return algorithm_ == Algorithm::cubic ? Cubic::threshold(window_, flight)
                                        : NewReno::threshold(window_, flight);
}

void Controller::save() {
  saved_cwnd_ = window_.cwnd;
  saved_ssthresh_ = window_.ssthresh;
  cubic_.save();
}

void Controller::on_congestion(Time, std::uint32_t flight_size) {
  save();
  window_.ssthresh = threshold(flight_size);
  cubic_.on_congestion(window_);
  newreno_.on_reduction();
}

void Controller::on_recovery_exit(Time) { set_cwnd(window_.ssthresh); }

void Controller::on_timeout(Time, std::uint32_t flight_size, bool first_of_this_window) {
  if (first_of_this_window) {
    save();
    window_.ssthresh = threshold(flight_size);
    cubic_.on_timeout(window_);
  }
  window_.cwnd = window_.smss;
  cubic_.end_epoch();
  newreno_.on_reduction();
  after_timeout_ = AfterTimeout::just_now;
}

// ssthresh remembers three quarters of what the path carried (RFC 2861 3.2), so
// that slow start brings the window back near it.
void Controller::on_idle(Time, std::uint32_t initial_segments) {
  const std::uint32_t restart = initial_window(window_.smss, initial_segments);
  if (window_.cwnd <= restart) return;
  window_.ssthresh = std::max(window_.ssthresh, window_.cwnd / 4 * 3);
  window_.cwnd = restart;
  cubic_.end_epoch();
  newreno_.on_reduction();
}

void Controller::undo(Time) {
  after_timeout_ = AfterTimeout::no;
  if (window_.cwnd < saved_cwnd_) {
    window_.cwnd = saved_cwnd_;
    window_.ssthresh = saved_ssthresh_;
    cubic_.undo();
  }
  saved_cwnd_ = 0;
}

void Controller::on_application_limited(Time now) { cubic_.pause(now); }

}  // namespace naru::tcp
