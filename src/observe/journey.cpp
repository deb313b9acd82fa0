#include "observe/journey.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace naru::observe {
namespace {

using trace::Event;
using trace::Kind;

constexpr std::size_t kTimeWidth = 10;
constexpr std::size_t kRoomWidth = 11;
constexpr std::size_t kHostWidth = 58;  // of the left host's column, with its room
constexpr unsigned kShownSegments = 2;  // with data, before a transfer is folded

constexpr std::string_view kDim = "2";

// Layers have colours, so that the eye follows a segment down and up.
std::string_view colour_of(std::string_view room) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kColours{{
      {"socket", "1;32"},
      {"tcp", "1;34"},
      {"udp", "1;34"},
      {"ip", "36"},
      {"neighbour", "35"},
      {"link", "33"},
      {"drop", "1;31"},
  }};
  for (const auto& [name, colour] : kColours) {
    if (name == room) return colour;
  }
  return "1";
}

constexpr std::uint16_t kFin = 1;
constexpr std::uint16_t kSyn = 2;
constexpr std::uint16_t kRst = 4;

bool is_segment(const Event& e) {
  return e.kind == Kind::segment_out || e.kind == Kind::segment_in;
}

// What happens over and over while data flows; anything else is worth its line.
bool is_routine(const Event& e) {
  switch (e.kind) {
    case Kind::segment_out:
    case Kind::segment_in:
      return (e.flags & (kSyn | kFin | kRst)) == 0;
    case Kind::retransmit:
    case Kind::written:
    case Kind::read:
    case Kind::received:
    case Kind::packet_out:
    case Kind::packet_in:
    case Kind::frame_out:
    case Kind::frame_in:
    case Kind::interrupt:
    case Kind::poll:
      return true;
    default:
      return false;
  }
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  const std::size_t have = width_of(text);
  if (have < width) out.append(width - have, ' ');
  return out;
}

}  // namespace

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

Journey::Journey(Options options, Sink sink)
    : options_(std::move(options)), sink_(std::move(sink)), words_(options_.hosts.size()) {}

void Journey::add(std::size_t host, const Event& event) {
  // The words follow every segment, also those that are not shown.
  const Step step = words_[host].describe(event);
  if (fold(host, event)) return;
  line(host, event.at, step.room, step.text, event.kind == Kind::frame_out);
}

void Journey::note(std::size_t host, Time at, std::string_view room, std::string_view text) {
  unfold();
  line(host, at, room, text, false);
}

void Journey::finish() { unfold(); }

// --- folding -----------------------------------------------------------------

// True when the event is part of what is folded and gets no line.
bool Journey::fold(std::size_t host, const Event& e) {
  if (!is_routine(e)) {
    unfold();
    shown_ = 0;
    return false;
  }
  if (is_segment(e) && e.length > 0) {
    // Seen at both ends where both are watched; the sender is counted.
    const bool out = e.kind == Kind::segment_out;
    const std::size_t sender = out ? host : (options_.hosts.size() == 2 ? 1 - host : host + 1);
    if (sender != sender_) {
      unfold();
      shown_ = 0;
      sender_ = sender;
    }
    if ((out || options_.hosts.size() == 1) && ++shown_ > kShownSegments && !folded_) {
      folded_ = Folded{.from = e.at, .to = e.at, .sender = sender};
    }
  }
  if (!folded_) return false;
  count_folded(host, e);
  return true;
}

void Journey::count_folded(std::size_t host, const Event& e) {
  Folded& f = *folded_;
  f.to = e.at;
  ++f.steps;
  if (e.kind == Kind::retransmit) ++f.again;
  if (!is_segment(e)) return;
  const bool counts = options_.hosts.size() == 1 || e.kind == Kind::segment_out;
  if (!counts) return;
  if (e.length == 0) {
    ++f.acks;
  } else if (options_.hosts.size() == 1 || host == f.sender) {
    ++f.segments;
    f.bytes += e.length;
  }
}

void Journey::unfold() {
  if (!folded_) return;
  const Folded f = *std::exchange(folded_, std::nullopt);
  const double ms = std::chrono::duration<double, std::milli>(f.to - f.from).count();
  std::string text = fmt::format("⋮  {} in {:.1f} ms: {}, {}", counted(f.bytes, "byte"), ms,
                                 counted(f.segments, "segment"), counted(f.acks, "pure ACK"));
  if (f.again > 0) text += fmt::format(", {} sent again", grouped(f.again));
  text += fmt::format(" ({} steps not shown)", grouped(f.steps));
  sink_(padded("", kTimeWidth + 2) + paint(text, kDim));
}

// --- layout ------------------------------------------------------------------

std::string Journey::paint(std::string_view text, std::string_view colour) const {
  if (!options_.colour || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", colour, text);
}

std::string Journey::since_start(Time at) {
  if (!start_) start_ = at;
  const double us = std::chrono::duration<double, std::micro>(at - *start_).count();
  return fmt::format("{:>{}.1f}", us, kTimeWidth);
}

void Journey::line(std::size_t host, Time at, std::string_view room, std::string_view text,
                   bool on_wire) {
  if (!titled_) {
    titled_ = true;
    std::string title = fmt::format("{:>{}}", "µs", kTimeWidth) + "  " +
                        padded(options_.hosts.front(), kHostWidth + 5);
    if (options_.hosts.size() > 1) title += options_.hosts[1];
    sink_(paint(title.substr(0, title.find_last_not_of(' ') + 1), "1"));
  }
  sink_(place(host, since_start(at), room, text, on_wire));
}

std::string Journey::place(std::size_t host, std::string_view time, std::string_view room,
                           std::string_view text, bool on_wire) const {
  std::string out = paint(time, kDim) + "  ";
  const std::string step = paint(padded(room, kRoomWidth), colour_of(room)) + std::string(text);
  const std::size_t width = kRoomWidth + width_of(text);
  if (host == 0) {
    out += step;
    if (!on_wire || options_.hosts.size() < 2) return out;
    out += std::string(width < kHostWidth ? kHostWidth - width : 1, ' ');
    return out + paint("──▶", kDim);
  }
  out += std::string(kHostWidth, ' ');
  out += on_wire ? paint("◀──", kDim) : "   ";
  return out + "  " + step;
}

}  // namespace naru::observe
