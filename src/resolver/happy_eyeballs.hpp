// HappyEyeballs: which of a host's addresses is tried next, and when (RFC 8305).
#pragma once

#include <optional>
#include <vector>

#include <naru/resolver/connect.hpp>

namespace naru::resolver {

class HappyEyeballs {
 public:
  explicit HappyEyeballs(const ConnectOptions& options);

  // All that have been found until now, in the order of RFC 6724; `is_all`: no more will
  // come. Those that are new take their turn among those that have not been tried.
  void on_addresses(std::vector<IpAddr> sorted, bool is_all, Time now);
  // Who is to be tried now, once; call it until there is none.
  std::optional<IpAddr> next(Time now);
  // An attempt has failed. The next follows at once, unless a later one is under way.
  void on_failed(const IpAddr& address, Time now);

  // When next() will have somebody; never where that is up to others.
  Time next_deadline() const;
  // Everybody has been tried, and has failed.
  bool is_exhausted() const;
  std::size_t attempts() const { return tried_.size(); }

 private:
  std::optional<IpAddr> choose() const;

  ConnectOptions options_;
  std::vector<IpAddr> addresses_;
  bool is_all_ = false;
  std::vector<IpAddr> tried_;  // in turn
  std::size_t failed_ = 0;
  std::optional<Time> held_until_;  // the resolution delay
  Time next_at_{};
};

}  // namespace naru::resolver
