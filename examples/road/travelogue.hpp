// Travelogue: the way of a request over many stations, one line a step.
//
//       ms  BHSN123W....
//    0.000  B...........  browser  tcp     segment SYN, seq 0, MSS 1460
//    0.010  .H..........  hub      hub     repeats a frame of 74 bytes ...
//
// Each station has a column, in the order of the road, with its letter where it acts. What
// stands between the ends is told in full the first time in a chapter that it does something,
// and counted afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <naru/trace/event.hpp>

#include "observe/words.hpp"

namespace naru::road {

class Travelogue {
 public:
  struct StationName {
    char letter = '?';
    std::string name;
    std::string about;
  };
  using Sink = std::function<void(std::string_view line)>;

  Travelogue(std::vector<StationName> stations, Sink sink);

  // Says what the last chapter left out, and begins another.
  void chapter(std::string_view title);
  // The next step of a station; the first one is the start of the time axis.
  void add(std::size_t station, const trace::Event& event);
  // A step that no stack knows of, such as "resolve".
  void note(std::size_t station, Time at, std::string_view room, std::string_view text);
  // Says what the last chapter left out.
  void finish();

 private:
  // What a device does again for every packet of a kind.
  using Habit = std::tuple<std::size_t, trace::Kind, std::uint8_t, std::uint32_t, std::string>;

  bool is_seen(std::size_t station, const trace::Event& event);
  bool is_known_neighbour(std::size_t station, const trace::Event& event);
  void line(std::size_t station, Time at, std::string_view room, std::string_view text);

  std::vector<StationName> stations_;
  Sink sink_;
  std::vector<observe::Words> words_;
  std::vector<std::uint64_t> left_out_;  // by station, in this chapter
  std::map<Habit, std::uint64_t> habits_;
  std::set<std::tuple<std::size_t, trace::Kind, IpAddr>> neighbours_;
  std::optional<Time> start_;
};

}  // namespace naru::road
