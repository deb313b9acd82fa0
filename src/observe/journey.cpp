#include "observe/journey.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace naru::observe {
namespace {

using trace::Event;
using trace::Kind;

constexpr std::size_t kTimeWidth = 10;
constexpr std::size_t kRoomWidth = 11;
constexpr std::size_t kHostWidth = 47;  // of the left host's column, with its room
constexpr unsigned kShown = 2;          // of each kind of step, before a transfer is folded

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

// Index of Routine::Kind for a step that moves data.
std::optional<std::size_t> data_kind(const Event& e) {
  if (e.length == 0) return std::nullopt;
  switch (e.kind) {
    case Kind::segment_out:
      return 0;
    case Kind::segment_in:
      return 1;
    case Kind::written:
      return 2;
    case Kind::read:
      return 3;
    default:
      return std::nullopt;
  }
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
    : options_(std::move(options)),
      sink_(std::move(sink)),
      words_(options_.hosts.size()),
      routine_(options_.hosts.size()) {}

void Journey::add(std::size_t host, const Event& event) {
  // The words follow every segment, also those that are not shown.
  const Step step = words_[host].describe(event);
  if (is_bookkeeping(event) || fold(host, event)) return;
  line(host, event.at, step.room, step.text, event.kind == Kind::frame_out);
}

void Journey::note(std::size_t host, Time at, std::string_view room, std::string_view text) {
  unfold(host);
  line(host, at, room, text, false);
}

void Journey::finish() {
  for (std::size_t host = 0; host < routine_.size(); ++host) unfold(host);
}

// --- folding -----------------------------------------------------------------

// True when the event is part of what is folded and gets no line.
bool Journey::fold(std::size_t host, const Event& e) {
  Routine& r = routine_[host];
  if (!is_routine(e)) {
    unfold(host);
    r = Routine();
    return false;
  }
  if (const auto kind = data_kind(e)) {
    const bool is_segment = *kind == Routine::out || *kind == Routine::in;
    if (is_segment && r.direction && *r.direction != *kind) {  // the other side's turn
      unfold(host);
      r = Routine();
    }
    if (is_segment) r.direction = static_cast<Routine::Kind>(*kind);
    if (!r.folding && ++r.shown[*kind] > kShown) {
      r.folding = true;
      r.from = e.at;
    }
  }
  if (r.folding) count(r, e);
  return r.folding;
}

void Journey::count(Routine& r, const Event& e) {
  r.to = e.at;
  ++r.steps;
  if (e.kind == Kind::retransmit) ++r.again;
  if (const auto kind = data_kind(e)) {
    r.bytes[*kind] += e.length;
    if (*kind < r.segments.size()) ++r.segments[*kind];
  } else if (e.kind == Kind::segment_out || e.kind == Kind::segment_in) {
    ++r.acks[e.kind == Kind::segment_out ? Routine::out : Routine::in];
  }
}

void Journey::unfold(std::size_t host) {
  const Routine r = std::exchange(routine_[host], Routine());
  if (!r.folding) return;
  std::string text = "⋮ ";
  const auto say = [&](std::string_view what) {
    text.append(text.size() > 4 ? ", " : "").append(what);
  };
  const auto say_bytes = [&](Routine::Kind kind, std::string_view verb) {
    if (r.bytes[kind] > 0) say(fmt::format("{} {}", counted(r.bytes[kind], "byte"), verb));
  };
  say_bytes(Routine::written, "written");
  say_bytes(Routine::out, "out");
  say_bytes(Routine::in, "in");
  say_bytes(Routine::read, "read");
  const std::uint64_t segments = r.segments[0] + r.segments[1];
  if (segments > 0) say(counted(segments, "segment"));
  const std::uint64_t acks = r.acks[0] + r.acks[1];
  if (acks > 0) say(counted(acks, "ACK"));
  if (r.again > 0) say(fmt::format("{} sent again", grouped(r.again)));
  line(host, r.from, "⋮", text.substr(4), false);
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
