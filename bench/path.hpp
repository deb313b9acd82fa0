// One direction of a long, bad line in virtual time: a rate, a delay, a queue in front
// and a seeded share of frames lost. The goodput rows put two of them between the hosts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "frame_pieces.hpp"

namespace naru::bench {

struct PathConfig {
  double bits_per_second = 1e9;
  std::int64_t delay_ns = 10'000'000;   // one way
  double loss = 0;                      // share of frames
  std::size_t queue_bytes = 4'000'000;  // waiting to be sent; more is dropped
  std::uint64_t seed = 1;
};

class Path {
 public:
  explicit Path(const PathConfig& config) : config_(config), random_(config.seed) {}

  // The sender's end: copies the frame onto the line, or loses it.
  void send(std::int64_t now_ns, Pieces frame) {
    const auto bits = static_cast<double>(total_size(frame)) * 8;
    const std::int64_t start = std::max(now_ns, free_at_);
    const double waiting = static_cast<double>(start - now_ns) * config_.bits_per_second / 8e9;
    if (waiting > static_cast<double>(config_.queue_bytes)) return;
    free_at_ = start + static_cast<std::int64_t>(bits * 1e9 / config_.bits_per_second);
    if (chance_(random_) < config_.loss) return;
    Flight f{free_at_ + config_.delay_ns, {}};
    for (const Piece& p : frame) f.bytes.insert(f.bytes.end(), p.data, p.data + p.size);
    flights_.push_back(std::move(f));
  }

  // When the next frame arrives.
  std::optional<std::int64_t> next_arrival() const {
    if (flights_.empty()) return std::nullopt;
    return flights_.front().arrives_ns;
  }

  // The receiver's end: the next frame that has arrived by now.
  std::optional<std::vector<std::uint8_t>> receive(std::int64_t now_ns) {
    if (flights_.empty() || flights_.front().arrives_ns > now_ns) return std::nullopt;
    std::vector<std::uint8_t> bytes = std::move(flights_.front().bytes);
    flights_.pop_front();
    return bytes;
  }

 private:
  struct Flight {
    std::int64_t arrives_ns;
    std::vector<std::uint8_t> bytes;
  };

  PathConfig config_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> chance_{0, 1};
  std::deque<Flight> flights_;
  std::int64_t free_at_ = 0;
};

}  // namespace naru::bench
