#include "dsl/peer.hpp"

#include <algorithm>

namespace naru::test {
namespace {

// a is at or before b in sequence space.
bool at_or_before(std::uint32_t a, std::uint32_t b) { return b - a < 0x8000'0000U; }

constexpr std::uint32_t kDefaultIss = 1'000'000;

}  // namespace

Peer::Peer(Wire& wire, const IpAddr& addr, std::uint16_t port, std::uint16_t host_port)
    : wire_(wire) {
  side_.path = Wire::path_from(addr);
  side_.iss = kDefaultIss;
  restart(port, host_port);
  wire_.peers_.push_back(this);
}

Peer::~Peer() { std::erase(wire_.peers_, this); }

void Peer::restart(std::uint16_t port, std::uint16_t host_port) {
  side_.sport = port;
  side_.dport = host_port;
  side_.irs = side_.rcv_nxt = 0;
  side_.snd_nxt = side_.iss;
}

void Peer::set_iss(std::uint32_t iss) { side_.iss = side_.snd_nxt = iss; }

Buffer Peer::render(const Segment& segment) {
  Buffer frame = segment.render(side_);
  if (segment.first(side_) == side_.snd_nxt) side_.snd_nxt += segment.sequence_length();
  return frame;
}

void Peer::inject_all(std::initializer_list<Segment> segments) {
  std::vector<Buffer> frames;
  for (const Segment& segment : segments) frames.push_back(render(segment));
  wire_.inject_all(std::move(frames));
}

void Peer::inject_error(IcmpMessage error, const Seen& about, std::size_t quote) {
  error.about(about.frame, quote);
  if (!error.ip().src) error.src(side_.path.src);
  wire_.inject(error);
}

bool Peer::is_for(const Frame& frame) const {
  if (!frame.is_ipv4(6)) return false;
  const wire::Ipv4View ip = frame.ipv4();
  const auto tcp = wire::TcpView::parse(ip.payload());
  return tcp && ip.dst() == side_.path.src && tcp->dst_port() == side_.sport;
}

// A SYN says where the host's numbers start and which port it uses.
void Peer::receive(Frame frame) {
  const auto tcp = wire::TcpView::parse(frame.ipv4().payload());
  if ((tcp->flags() & wire::kSyn) != 0) {
    if (tcp->seq() != side_.irs) side_.irs = side_.rcv_nxt = tcp->seq();
    side_.dport = tcp->src_port();
  }
  queue_.push_back(std::move(frame));
}

Segment::Side Peer::host() const {
  Segment::Side host;
  host.iss = side_.irs;
  host.irs = side_.iss;
  return host;
}

Frame Peer::take(const std::string& expected, const Where& where) {
  if (queue_.empty()) {
    fail(where, "nothing was sent; expected " + expected + wire_.history());
  }
  Frame frame = std::move(queue_.front());
  queue_.pop_front();
  return frame;
}

// Counts the segment as received where it continues what was received before.
Seen Peer::see(const Frame& frame) {
  const Seen seen = Seen::of(frame, host());
  const std::uint32_t first = side_.irs + seen.seq;
  const std::uint32_t end = side_.irs + seen.end();
  const bool joins = at_or_before(first, side_.rcv_nxt) && at_or_before(side_.rcv_nxt, end);
  if (joins && !seen.has(wire::kRst)) side_.rcv_nxt = end;
  return seen;
}

Seen Peer::expect(const Segment& expected, Where where) {
  const Frame frame = take(expected.to_string(), where);
  const std::string differences = expected.differences(frame, host());
  if (!differences.empty()) {
    const Seen seen = Seen::of(frame, host());
    wire_.mismatch(frame, expected.to_string(),
                   differences + " (relative: seq " + std::to_string(seen.seq) + ", ack " +
                       std::to_string(seen.ack) + ")",
                   where);
  }
  return see(frame);
}

Seen Peer::expect_between(Duration min, Duration max, const Segment& expected, Where where) {
  const Time start = wire_.now();
  wire_.run_until_sent(start + max, queue_);
  Seen seen = expect(expected, where);
  wire_.check_time(seen.frame, start, min, where);
  return seen;
}

void Peer::expect_silence(Where where) {
  if (queue_.empty()) return;
  fail(where, "expected silence, but the stack sent\n  " + queue_.front().to_string(wire_.start_) +
                  wire_.history());
}

void Peer::expect_silence(Duration duration, Where where) {
  wire_.advance(duration);
  expect_silence(where);
}

Seen Peer::next(Where where) { return see(take("a segment", where)); }

std::vector<Seen> Peer::drain() {
  std::vector<Seen> out;
  while (!queue_.empty()) out.push_back(next());
  return out;
}

}  // namespace naru::test
