// Journey: the way of a request through one or two hosts, one line a step.
//
//        µs  browser                                     web
//       0.0  socket     connect to 10.0.0.2:80
//      10.2  tcp        segment SYN, seq 0, MSS 1460
//      10.2  link       frame of 74 bytes           ──▶
//      31.5                                              link       frame of 74 bytes in ...
//
// Words come from words.hpp; here they get their place. The middle of a long
// transfer is folded into one line.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <naru/trace/event.hpp>

#include "observe/words.hpp"

namespace naru::observe {

class Journey {
 public:
  struct Options {
    // One host: a single column. Two: the first on the left, the second on the right.
    std::vector<std::string> hosts;
    bool colour = false;
  };
  using Sink = std::function<void(std::string_view line)>;

  Journey(Options options, Sink sink);

  // A host's next event. Events come in the order of time; the first one, or note, is
  // the start of the time axis.
  void add(std::size_t host, const trace::Event& event);
  // A step that no stack knows of, such as "resolve".
  void note(std::size_t host, Time at, std::string_view room, std::string_view text);
  // Prints what is still folded.
  void finish();

 private:
  // What a host does over and over, in the middle of a transfer.
  struct Routine {
    enum Kind : std::uint8_t { out, in, written, read, kinds };

    std::array<unsigned, kinds> shown{};  // of this transfer, with data
    bool folding = false;
    Time from{};
    Time to{};
    std::array<std::uint64_t, kinds> bytes{};
    std::array<std::uint64_t, 2> segments{};
    std::array<std::uint64_t, 2> acks{};
    std::uint64_t again = 0;
    std::uint64_t steps = 0;
    std::optional<Kind> direction;  // of the last segment with data
  };

  bool fold(std::size_t host, const trace::Event& event);
  static void count(Routine& routine, const trace::Event& event);
  void unfold(std::size_t host);
  void line(std::size_t host, Time at, std::string_view room, std::string_view text, bool on_wire);
  std::string place(std::size_t host, std::string_view time, std::string_view room,
                    std::string_view text, bool on_wire) const;
  std::string paint(std::string_view text, std::string_view colour) const;
  std::string since_start(Time at);

  Options options_;
  Sink sink_;
  std::vector<Words> words_;
  std::optional<Time> start_;
  bool titled_ = false;

  std::vector<Routine> routine_;  // by host
};

// How many columns of a terminal a text takes (each code point one).
std::size_t width_of(std::string_view text);

}  // namespace naru::observe
