// Retransmission: when a message is sent again (RFC 9915 15).
//
//   RT = IRT + RAND*IRT, then 2*RT + RAND*RT, up to MRT + RAND*MRT; RAND from -0.1 to 0.1
#pragma once

#include <algorithm>

#include <naru/random/random.hpp>
#include <naru/time/time.hpp>

namespace naru::dhcp {

struct Patience {
  Duration initial;        // IRT
  Duration longest{0};     // MRT; 0: there is no bound
  unsigned most_sent = 0;  // MRC; 0: there is no bound
};

class Retransmission {
 public:
  // The message is being sent for the first time. `is_late`: RAND is positive, as for the
  // first Solicit, so that nobody ends the collection of Advertises early (18.2.1).
  void start(const Patience& patience, Time now, Random& random, bool is_late = false) {
    patience_ = patience;
    began_ = now;
    sent_ = 1;
    wait_ = patience.initial + part_of(patience.initial, random, is_late);
    next_ = now + wait_;
  }
  // It is being sent again; false: often enough.
  bool again(Time now, Random& random) {
    if (sent_ == patience_.most_sent) return false;
    ++sent_;
    wait_ = 2 * wait_ + part_of(wait_, random, false);
    if (patience_.longest != Duration(0) && wait_ > patience_.longest) {
      wait_ = patience_.longest + part_of(patience_.longest, random, false);
    }
    next_ = now + wait_;
    return true;
  }
  // A server's wish (SOL_MAX_RT, INF_MAX_RT): from the next time on.
  void set_longest(Duration longest) { patience_.longest = longest; }

  Time next() const { return next_; }
  Time began() const { return began_; }
  unsigned sent() const { return sent_; }

 private:
  static Duration part_of(Duration time, Random& random, bool is_late) {
    constexpr std::uint32_t kTenth = 100;  // in thousandths
    const std::int64_t thousandths =
        is_late ? 1 + std::int64_t{random.below(kTenth)}
                : std::int64_t{random.below(2 * kTenth + 1)} - std::int64_t{kTenth};
    return time / 1000 * thousandths;
  }

  Patience patience_{};
  Time began_{};
  Time next_{};
  Duration wait_{};
  unsigned sent_ = 0;
};

}  // namespace naru::dhcp
