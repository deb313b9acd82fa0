// Two stacks and somebody on the wire between them, who loses, repeats, delays,
// damages and forges what is in flight. The input is a program of such acts, of
// time steps and of socket calls at both ends.
//
// After every step both stacks' invariants hold and what they send is right. As
// long as nothing was forged, what is received is what was sent, each byte at its
// place; and once the wire is left alone every byte that was sent comes through,
// or an end has heard of an error. At the end nothing is left.
#include <array>
#include <optional>

#include "card.hpp"
#include "conversation.hpp"
#include "host.hpp"
#include "input.hpp"
#include "sockets.hpp"

namespace naru::fuzz {
namespace {

constexpr int kMaxSteps = 400;
constexpr int kMaxTurns = 1000;
constexpr int kMaxDeadlines = 300;
constexpr std::size_t kMaxInFlight = 256;

constexpr MacAddr mac_of(std::size_t host) {
  return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(1 + host)}};
}
constexpr IpAddr address_of(std::size_t host) {
  return IpAddr::v4(10, 0, 0, static_cast<std::uint8_t>(1 + host));
}

struct InFlight {
  Frame frame;
  bool damaged = false;  // once only: two wrongs can make a right checksum
};

// A host, its card and what is in flight from it.
struct Side {
  Side(std::size_t number, std::uint64_t seed, Time now);

  Card card;
  Host host;
  Sockets sockets;
  std::deque<InFlight> in_flight;
};

Side::Side(std::size_t number, std::uint64_t seed, Time now)
    : card(mac_of(number)),
      host(static_cast<int>(number), seed, now),
      sockets(*host, {address_of(1 - number), address_of(number), IpAddr::loopback_v4(),
                      IpAddr::v4(10, 0, 0, 77)}) {
  const auto interface = host->add_interface("eth0", card);
  NARU_CHECK(interface);
  NARU_CHECK(host->add_address(*interface, {address_of(number), 24}));
  const SocketId listener = *host->open_tcp();
  NARU_CHECK(host->bind(listener, {IpAddr::any_v4(), 80}));
  NARU_CHECK(host->listen(listener, 4));
  sockets.slots()[0].id = listener;
}

class World {
 public:
  explicit World(Bytes input);
  void run();

 private:
  void step();
  void settle();
  void collect(Side& side);
  void deliver(std::size_t from, std::size_t index);
  void deliver_all();
  void pass(Duration duration);
  void advance_to(Time time, int deadlines);
  void come_to_rest();
  void check_arrived(Side& from, Side& to);
  void end();

  void meddle(std::size_t from);
  void damage(InFlight& in_flight);
  void forge(Frame& frame);
  // The streams are what their senders wrote.
  bool is_faithful() const {
    return !forged_ && !sides_[0].sockets.has_sent_urgent() && !sides_[1].sockets.has_sent_urgent();
  }

  Input in_;
  Time now_{100s};
  std::array<Side, 2> sides_;
  bool flows_ = true;  // frames arrive by themselves, at once
  bool forged_ = false;
  std::optional<InFlight> kept_;  // an old frame, to be sent again
};

World::World(Bytes input)
    : in_(input), sides_{Side(0, in_.u8(), now_), Side(1, ~std::uint64_t{in_.u8()}, now_)} {
  for (Side& side : sides_) {
    side.sockets.on_received = [this](Slot& slot, Bytes bytes) {
      NARU_CHECK(!is_faithful() || is_content(bytes, slot.received));
    };
  }
}

void World::run() {
  for (int steps = 0; !in_.done() && steps < kMaxSteps; ++steps) {
    step();
    settle();
  }
  end();
}

void World::step() {
  const std::uint8_t what = in_.u8();
  const std::size_t which = what / 128;
  Side& side = sides_[which];
  switch (what % 16) {
    case 0:
    case 1: {
      static constexpr Duration kTimes[] = {1ms, 10ms, 40ms, 200ms, 1s, 3s, 15s, 60s, 300s};
      return pass(in_.one_of(kTimes));
    }
    case 2:
    case 3:
      return meddle(which);
    case 4:
      flows_ = in_.u8() % 2 == 0;
      return;
    case 5:
      return deliver_all();
    case 6: {
      if (!side.in_flight.empty()) deliver(which, in_.u8() % side.in_flight.size());
      return;
    }
    case 7: {
      const std::uint8_t room = in_.u8();
      side.card.room = room < 128 ? room : std::numeric_limits<std::size_t>::max();
      return;
    }
    default:
      side.host->set_now(now_);
      return side.sockets.call(in_);
  }
}

// --- the wire ------------------------------------------------------------------------

void World::settle() {
  for (int turns = 0;; ++turns) {
    NARU_CHECK(turns < kMaxTurns);
    bool more = false;
    for (Side& side : sides_) {
      more |= side.host->poll(now_);
      side.host->check_invariants();
      collect(side);
      more |= flows_ && !side.in_flight.empty();
    }
    if (flows_) deliver_all();
    for (const Side& side : sides_) more |= !side.card.waiting.empty();
    if (!more) return;
  }
}

void World::collect(Side& side) {
  while (!side.card.sent.empty()) {
    side.in_flight.push_back({std::move(side.card.sent.front())});
    side.card.sent.pop_front();
    if (side.in_flight.size() > kMaxInFlight) side.in_flight.pop_front();
  }
}

void World::deliver(std::size_t from, std::size_t index) {
  auto& frames = sides_[from].in_flight;
  const auto at = frames.begin() + static_cast<long>(index);
  sides_[1 - from].card.waiting.push_back(std::move(at->frame));
  frames.erase(at);
}

void World::deliver_all() {
  for (std::size_t from = 0; from < sides_.size(); ++from) {
    while (!sides_[from].in_flight.empty()) deliver(from, 0);
  }
}

// Something happens to a frame in flight.
void World::meddle(std::size_t from) {
  auto& frames = sides_[from].in_flight;
  const std::uint8_t how = in_.u8();
  const std::size_t at = frames.empty() ? 0 : in_.u8() % frames.size();
  if (how % 8 == 6) {  // an old one comes back
    if (kept_) frames.push_back(*kept_);
    return;
  }
  if (frames.empty()) return;
  switch (how % 8) {
    case 0:
    case 1:
      frames.erase(frames.begin() + static_cast<long>(at));
      return;
    case 2:
      frames.push_back(frames[at]);
      return;
    case 3:
      std::swap(frames[at], frames.back());
      return;
    case 4:
      return damage(frames[at]);
    case 5:
      kept_ = frames[at];
      return;
    default:
      return forge(frames[at].frame);
  }
}

// Every checksum notices one wrong byte. Nothing protects ARP and Ethernet.
void World::damage(InFlight& in_flight) {
  Frame& frame = in_flight.frame;
  const std::size_t place = in_.u16() % frame.size();
  if (in_flight.damaged || !ipv4_of(frame) || place < wire::Ethernet::kHeaderSize) return;
  frame[place] ^= static_cast<std::uint8_t>(1 + in_.u8() % 255);
  in_flight.damaged = true;
}

// A header field becomes another, and the checksums follow.
void World::forge(Frame& frame) {
  const std::size_t place = in_.u8();
  const std::uint8_t change = in_.u8();
  if (!ipv4_of(frame) || change == 0) return;
  const std::size_t at = wire::Ethernet::kHeaderSize + place % 60;
  if (at >= frame.size()) return;
  frame[at] ^= change;
  fix_checksums(frame);
  forged_ = true;
}

// --- time -------------------------------------------------------------------------------

void World::pass(Duration duration) { advance_to(now_ + duration, kMaxDeadlines); }

void World::advance_to(Time time, int deadlines) {
  settle();
  for (int i = 0; i < deadlines; ++i) {
    const Time next = std::min(sides_[0].host->next_deadline(), sides_[1].host->next_deadline());
    if (next > time) break;
    now_ = std::max(now_ + 1ns, next);
    settle();
  }
  now_ = std::max(now_, time);
  settle();
}

// The wire is left alone, and the programs read: long enough for every timer.
void World::come_to_rest() {
  flows_ = true;
  for (Side& side : sides_) side.card.room = std::numeric_limits<std::size_t>::max();
  for (int i = 0; i < 60; ++i) {
    pass(10s);
    for (Side& side : sides_) {
      side.host->set_now(now_);
      side.sockets.read_all();
    }
  }
}

void World::check_arrived(Side& from, Side& to) {
  const auto is_open = [](Side& side, const Slot& slot) {
    const auto info = side.host->tcp_info(slot.id);
    return info && info->state >= TcpState::established && side.host->remote(slot.id);
  };
  for (const Slot& sender : from.sockets.slots()) {
    if (!is_open(from, sender)) continue;
    for (const Slot& receiver : to.sockets.slots()) {
      if (!is_open(to, receiver) || to.host->remote(receiver.id) != from.host->local(sender.id) ||
          from.host->remote(sender.id) != to.host->local(receiver.id)) {
        continue;
      }
      NARU_CHECK(receiver.received == sender.sent);
    }
  }
}

void World::end() {
  come_to_rest();
  if (is_faithful()) {
    check_arrived(sides_[0], sides_[1]);
    check_arrived(sides_[1], sides_[0]);
  }
  for (Side& side : sides_) {
    side.host->set_now(now_);
    side.sockets.abort_all();
  }
  settle();
  advance_to(now_ + 24h, 20'000);
  for (Side& side : sides_) check_nothing_in_use(*side.host);
}

}  // namespace
}  // namespace naru::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  naru::fuzz::World({data, size}).run();
  return 0;
}
