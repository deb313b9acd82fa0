#include "cli/progress.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace naru::cli {
namespace {

std::string amount(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string bar(double fraction, std::size_t width) {
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(width));
  std::string cells(std::min(filled, width), '=');
  if (cells.size() < width) cells += '>';
  cells.resize(width, ' ');
  return "[" + cells + "]";
}

std::size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(std::uint64_t done, std::optional<std::uint64_t> total,
                          std::chrono::duration<double> elapsed, std::size_t width) {
  const double seconds = std::max(elapsed.count(), 1e-9);
  const double rate = static_cast<double>(done) / seconds;
  std::string numbers =
      fmt::format("  {:>8}  {}/s", amount(static_cast<double>(done)), amount(rate));
  if (!total) return numbers.substr(0, width);
  const double fraction =
      *total == 0 ? 1 : std::min(1.0, static_cast<double>(done) / static_cast<double>(*total));
  if (rate > 0 && fraction < 1) {
    const auto left = static_cast<std::uint64_t>(static_cast<double>(*total - done) / rate);
    numbers += fmt::format("  {}:{:02} left", left / 60, left % 60);
  }
  const std::string percent = fmt::format("{:3.0f} % ", fraction * 100);
  constexpr std::size_t kSmallestBar = 10;
  const std::size_t used = percent.size() + numbers.size() + 2;
  const std::string cells =
      width >= used + kSmallestBar ? bar(fraction, std::min<std::size_t>(width - used, 40)) : "";
  return (percent + cells + numbers).substr(0, width);
}

Progress::Progress(std::uint64_t done, std::optional<std::uint64_t> total)
    : shown_(::isatty(STDERR_FILENO) == 1), before_(done), total_(total), done_(done) {}

Progress::~Progress() {
  if (!shown_) return;
  draw(Clock::now());
  fmt::print(stderr, "\n");
}

void Progress::add(std::uint64_t bytes) {
  done_ += bytes;
  if (!shown_) return;
  const auto now = Clock::now();
  if (now >= next_) draw(now);
}

void Progress::draw(Clock::time_point now) {
  next_ = now + std::chrono::milliseconds(100);
  const std::optional<std::uint64_t> total =
      total_ ? std::optional(*total_ - before_) : std::nullopt;
  // To the left margin, and clear what an earlier, longer line left behind.
  fmt::print(stderr, "\r{}\x1b[K",
             progress_line(done_ - before_, total, now - start_, terminal_width() - 1));
  std::fflush(stderr);
}

}  // namespace naru::cli
