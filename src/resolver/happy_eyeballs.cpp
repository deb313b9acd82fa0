#include "resolver/happy_eyeballs.hpp"

#include <algorithm>

namespace naru::resolver {

HappyEyeballs::HappyEyeballs(const ConnectOptions& options) : options_(options) {
  options_.attempt_delay = std::clamp(options.attempt_delay, ConnectOptions::kMinAttemptDelay,
                                      ConnectOptions::kMaxAttemptDelay);
}

void HappyEyeballs::on_addresses(std::vector<IpAddr> sorted, bool is_all, Time now) {
  addresses_ = std::move(sorted);
  is_all_ = is_all;
  // RFC 8305 3: who has no IPv6 address, or has one, is not waited for.
  if (is_all || std::ranges::any_of(addresses_, &IpAddr::is_v6)) {
    held_until_ = now;
  } else if (!held_until_) {
    held_until_ = now + options_.resolution_delay;
  }
}

// RFC 8305 4: the first family is that of the best address; after its first attempts the
// families take turns for as long as both have somebody.
std::optional<IpAddr> HappyEyeballs::choose() const {
  if (tried_.size() >= options_.max_attempts) return std::nullopt;
  const auto is_new = [this](const IpAddr& a) {
    return std::ranges::find(tried_, a) == tried_.end();
  };
  const auto best = std::ranges::find_if(addresses_, is_new);
  if (best == addresses_.end()) return std::nullopt;
  if (tried_.empty()) return *best;
  const bool is_first_family = tried_.size() < options_.first_family_count;
  const bool wants_v6 = tried_.back().is_v6() == is_first_family;
  const auto in_turn = std::ranges::find_if(
      addresses_, [&](const IpAddr& a) { return a.is_v6() == wants_v6 && is_new(a); });
  return in_turn != addresses_.end() ? *in_turn : *best;
}

std::optional<IpAddr> HappyEyeballs::next(Time now) {
  if (now < next_deadline()) return std::nullopt;
  const auto address = choose();
  tried_.push_back(*address);
  next_at_ = now + options_.attempt_delay;
  return address;
}

void HappyEyeballs::on_failed(const IpAddr& address, Time now) {
  ++failed_;
  if (address == tried_.back()) next_at_ = now;
}

Time HappyEyeballs::next_deadline() const {
  return choose() ? std::max(*held_until_, next_at_) : kTimeNever;
}

bool HappyEyeballs::is_exhausted() const {
  return is_all_ && !choose() && failed_ == tried_.size();
}

}  // namespace naru::resolver
