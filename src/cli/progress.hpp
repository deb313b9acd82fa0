// Progress: a bar that shows how far a download is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace naru::cli {

// The state of a download as one line of at most `width` columns:
//   " 42 % [=========>            ]  439.8 MB  1.2 GB/s  0:05 left"
// Without a total there is no bar and no end to tell.
std::string progress_line(std::uint64_t done, std::optional<std::uint64_t> total,
                          std::chrono::duration<double> elapsed, std::size_t width);

// Draws on standard error, ten times a second, where that is a terminal.
class Progress {
 public:
  // `done` are there already (a resumed download); the rate counts the rest.
  Progress(std::uint64_t done, std::optional<std::uint64_t> total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Leaves the last state on its line.
  ~Progress();

  void add(std::uint64_t bytes);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);

  const bool shown_;
  const std::uint64_t before_;
  const std::optional<std::uint64_t> total_;
  std::uint64_t done_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_;
};

}  // namespace naru::cli
