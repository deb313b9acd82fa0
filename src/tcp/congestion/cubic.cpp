#include "tcp/congestion/cubic.hpp"

#include <algorithm>
#include <cmath>

namespace naru::tcp {
namespace {

// RFC 9438 4.1.1, 4.6 and 4.3.
constexpr double kC = 0.4;  // segments per cubic second
constexpr double kBeta = 0.7;
constexpr double kAlpha = 3 * (1 - kBeta) / (1 + kBeta);

// The window of a connection grows by at most one half in a round trip (4.2).
constexpr double kMaxGrowth = 1.5;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

std::uint32_t Cubic::threshold(const Window& window, std::uint32_t flight_size) {
  const auto reduced = static_cast<std::uint32_t>(kBeta * flight_size);
  return std::max(reduced, 2 * window.smss);
}

// Fast convergence: a flow that did not get back to where it was gives way to
// those that took its place.
void Cubic::on_congestion(const Window& window) {
  const bool shrinking = window.cwnd < curve_.w_max;
  curve_.w_max =
      shrinking ? static_cast<std::uint32_t>(window.cwnd * (1 + kBeta) / 2) : window.cwnd;
  curve_.cwnd_prior = window.cwnd;
  end_epoch();
}

void Cubic::on_timeout(const Window& window) {
  curve_.w_max = 0;
  curve_.cwnd_prior = window.cwnd;
  end_epoch();
}

void Cubic::pause(Time now) {
  if (paused_ == kTimeNever) paused_ = now;
}

void Cubic::resume(Time now) {
  if (paused_ == kTimeNever) return;
  if (curve_.epoch != kTimeNever) curve_.epoch += std::max(now - paused_, Duration::zero());
  paused_ = kTimeNever;
}

void Cubic::begin_epoch(const Window& window, Time now) {
  curve_.w_max = std::max(curve_.w_max, window.cwnd);
  const double deficit = static_cast<double>(curve_.w_max - window.cwnd) / window.smss;
  curve_.k_us = static_cast<std::uint32_t>(1e6 * std::cbrt(deficit / kC));
  curve_.w_est = window.cwnd;
  curve_.fraction = 0;
  curve_.epoch = now;
}

// Equation 1, in bytes.
double Cubic::w_cubic(const Window& window, Duration t) const {
  const double from_k = seconds(t) - 1e-6 * curve_.k_us;
  return kC * from_k * from_k * from_k * window.smss + curve_.w_max;
}

void Cubic::avoid_congestion(Window& window, const AckSample& ack, std::uint32_t acked) {
  if (curve_.epoch == kTimeNever) begin_epoch(window, ack.now);
  const double cwnd = window.cwnd;
  const double share = std::min<double>(acked, cwnd) / cwnd;  // of a window, that was acknowledged
  const Duration t = std::max(ack.now - curve_.epoch, Duration::zero());

  // Equation 4: once back at the window of before the loss (or where there was
  // none, 4.10), Reno gains one segment in a round trip.
  const double alpha = curve_.w_est >= curve_.cwnd_prior ? 1.0 : kAlpha;
  curve_.w_est = std::min<double>(curve_.w_est + alpha * share * window.smss, kMaxWindow);

  double growth = 0;
  if (w_cubic(window, t) < curve_.w_est) {  // the Reno-friendly region (4.3)
    growth = curve_.w_est - cwnd;
  } else {  // concave and convex regions (4.4, 4.5)
    const double target = w_cubic(window, t + ack.srtt);
    growth = (std::clamp(target, cwnd, kMaxGrowth * cwnd) - cwnd) * share + curve_.fraction;
  }
  // No faster than slow start, also when someone else has set cwnd meanwhile.
  growth = std::clamp<double>(growth, 0, acked);
  const double whole = std::floor(growth);
  curve_.fraction = static_cast<float>(growth - whole);
  window.grow(static_cast<std::uint32_t>(whole));
}

void Cubic::on_ack(Window& window, const AckSample& ack, std::uint32_t acked) {
  std::uint32_t growth = acked;
  if (window.ssthresh == kNoThreshold) growth = hystart_.on_ack(window, ack, acked);
  if (!ack.cwnd_limited) return pause(ack.now);
  resume(ack.now);
  if (window.in_slow_start()) growth = window.slow_start(growth);
  if (growth != 0 && !window.in_slow_start()) avoid_congestion(window, ack, growth);
}

}  // namespace naru::tcp
