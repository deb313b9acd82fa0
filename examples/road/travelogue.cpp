#include "travelogue.hpp"

#include <fmt/format.h>

#include <naru/config/counters.hpp>

namespace naru::road {
namespace {

using trace::Event;
using trace::Kind;

constexpr std::size_t kTimeWidth = 9;
constexpr std::size_t kNameWidth = 10;
constexpr std::size_t kRoomWidth = 11;

// What the ends of the road would tell of each packet besides, and their neighbours.
bool is_detail(const Event& e) {
  switch (e.kind) {
    case Kind::packet_out:
    case Kind::packet_in:
    case Kind::frame_out:
    case Kind::frame_in:
    case Kind::interrupt:
    case Kind::poll:
    case Kind::received:
    case Kind::neighbour_reply:
    case Kind::group_asked:
    case Kind::group_heard:
    case Kind::group_told:
      return true;
    case Kind::state:
      return observe::is_bookkeeping(e);
    case Kind::icmp_in:
    case Kind::icmp_out: {  // neighbour discovery (RFC 4861 4) has words of its own
      const std::uint32_t type = e.extra >> 8U;
      return e.protocol == Protocol::icmpv6 && type >= 133 && type <= 137;
    }
    case Kind::dropped: {  // a hub and a flooding switch bring everybody what is not for him
      const auto reason = static_cast<Drop>(e.extra);
      return reason == Drop::frame_not_for_us || reason == Drop::ip_not_for_us;
    }
    default:
      return false;
  }
}

bool is_of_device(Kind kind) {
  switch (kind) {
    case Kind::frame_repeated:
    case Kind::frame_switched:
    case Kind::frame_flooded:
    case Kind::forwarded:
    case Kind::translated:
      return true;
    default:
      return false;
  }
}

}  // namespace

Travelogue::Travelogue(std::vector<StationName> stations, Sink sink)
    : stations_(std::move(stations)),
      sink_(std::move(sink)),
      words_(stations_.size()),
      left_out_(stations_.size()) {
  for (const StationName& s : stations_) {
    sink_(fmt::format("  {}  {:<{}}{}", s.letter, s.name, kNameWidth, s.about));
  }
}

void Travelogue::chapter(std::string_view title) {
  finish();
  std::string letters;
  for (const StationName& s : stations_) letters += s.letter;
  sink_("");
  sink_(fmt::format("--- {} ---", title));
  sink_(fmt::format("{:>{}}  {}", "ms", kTimeWidth, letters));
}

void Travelogue::add(std::size_t station, const Event& event) {
  // The words follow every segment, also those that are not shown.
  const observe::Step step = words_[station].describe(event);
  if (is_detail(event) || is_known_neighbour(station, event)) return;
  if (is_of_device(event.kind) && is_seen(station, event)) {
    ++left_out_[station];
    return;
  }
  line(station, event.at, step.room, step.text);
}

bool Travelogue::is_seen(std::size_t station, const Event& e) {
  const bool has_ports = e.kind == Kind::translated;
  std::string whom = has_ports ? e.local.to_string() : e.remote.addr.to_string();
  if (e.kind == Kind::frame_flooded) whom = e.mac.is_multicast() ? "all" : "unknown";
  const bool leads_somewhere = e.kind == Kind::frame_switched || e.kind == Kind::translated;
  const std::uint32_t where = leads_somewhere ? e.extra : 0;
  return ++habits_[{station, e.kind, e.interface, where, std::move(whom)}] > 1;
}

// Who is where is told once; that it is asked again from time to time (RFC 4861 7.3) is not.
bool Travelogue::is_known_neighbour(std::size_t station, const Event& e) {
  if (e.kind != Kind::neighbour_asked && e.kind != Kind::neighbour_answered) return false;
  return !neighbours_.emplace(station, e.kind, e.remote.addr).second;
}

void Travelogue::note(std::size_t station, Time at, std::string_view room, std::string_view text) {
  line(station, at, room, text);
}

void Travelogue::finish() {
  std::string told;
  for (std::size_t i = 0; i < stations_.size(); ++i) {
    if (left_out_[i] == 0) continue;
    told += fmt::format("{}{} {}", told.empty() ? "" : ", ", stations_[i].name, left_out_[i]);
    left_out_[i] = 0;
  }
  habits_.clear();
  if (!told.empty()) sink_("           and, in the same way as before: " + told + " times");
}

void Travelogue::line(std::size_t station, Time at, std::string_view room, std::string_view text) {
  if (!start_) start_ = at;
  const double ms = std::chrono::duration<double, std::milli>(at - *start_).count();
  std::string letters(stations_.size(), '.');
  letters[station] = stations_[station].letter;
  sink_(fmt::format("{:>{}.3f}  {}  {:<{}}{:<{}}{}", ms, kTimeWidth, letters,
                    stations_[station].name, kNameWidth, room, kRoomWidth, text));
}

}  // namespace naru::road
