// A whole stack under frames, time and socket calls. The input is a program of
// such steps; the segments among them are aimed at the connections that the stack
// shows on its wire, with right checksums, so that they are taken.
//
// After every step the stack's invariants hold and what it sent is right; what is
// received is what was sent, each byte at its place; and at the end nothing is left.
#include <deque>

#include "card.hpp"
#include "conversation.hpp"
#include "host.hpp"
#include "input.hpp"
#include "sockets.hpp"

namespace naru::fuzz {
namespace {

constexpr int kMaxSteps = 400;      // of one input
constexpr int kMaxTurns = 1000;     // of poll() without an end
constexpr int kMaxDeadlines = 300;  // in one step of time

constexpr MacAddr kMac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddr kPeerMac{{2, 0, 0, 0, 0, 2}};
constexpr IpAddr kHost = IpAddr::v4(10, 0, 0, 1);
constexpr IpAddr kPeer = IpAddr::v4(10, 0, 0, 2);
constexpr IpAddr kGateway = IpAddr::v4(10, 0, 0, 254);
constexpr IpAddr kFar = IpAddr::v4(192, 0, 2, 1);

class World {
 public:
  explicit World(Bytes input);
  void run();

 private:
  void step();
  void inject(Frame frame);
  void settle();
  void look_at_sent();
  void on_tcp(const wire::Ipv4View& ip, const wire::TcpView& tcp);
  void on_received(Slot& slot, Bytes bytes);
  void pass(Duration duration);
  void advance_to(Time time, int deadlines);
  void end();

  void raw_frame();
  void segment();
  void datagram();
  void icmp();
  void arp();
  void fragment();
  void environment();
  void option();

  Input in_;
  Time now_{100s};
  Card card_{kMac};
  Host host_;
  Sockets sockets_;
  std::deque<Conversation> conversations_;
  std::deque<Frame> seen_;  // the last that the stack sent
  bool answers_arp_ = true;
  bool holds_ = false;   // frames gather in the ring before the stack looks
  bool forged_ = false;  // something else than conversations was sent as TCP
};

World::World(Bytes input)
    : in_(input),
      host_(0, in_.u8(), now_),
      sockets_(*host_, {kPeer, kFar, kHost, IpAddr::loopback_v4(), IpAddr::v4(10, 0, 0, 3),
                        IpAddr::broadcast_v4(), IpAddr::v4(224, 0, 0, 1)}) {
  const auto interface = host_->add_interface("eth0", card_);
  NARU_CHECK(interface);
  NARU_CHECK(host_->add_address(*interface, {kHost, 24}));
  NARU_CHECK(host_->add_route({IpAddr::any_v4(), 0}, kGateway, *interface));
  sockets_.on_received = [this](Slot& slot, Bytes bytes) { on_received(slot, bytes); };
  for (std::uint16_t i = 0; i < 3; ++i) {
    const Endpoint peer{i == 2 ? kFar : kPeer, static_cast<std::uint16_t>(40'000 + i)};
    conversations_.emplace_back(peer, Endpoint{kHost, 80}, 0xffff'f000 * i);
  }
  // A server is there from the start.
  const SocketId listener = *host_->open_tcp();
  NARU_CHECK(host_->bind(listener, {IpAddr::any_v4(), 80}));
  NARU_CHECK(host_->listen(listener, 4));
  sockets_.slots()[0].id = listener;
}

void World::run() {
  for (int steps = 0; !in_.done() && steps < kMaxSteps; ++steps) {
    step();
    if (!holds_) settle();
  }
  end();
}

void World::step() {
  switch (in_.u8() % 16) {
    case 0:
      return raw_frame();
    case 1:
    case 2:
    case 3:
    case 4:
      return segment();
    case 5:
      return datagram();
    case 6:
      return icmp();
    case 7:
      return arp();
    case 8:
      return fragment();
    case 9:
    case 10: {
      static constexpr Duration kTimes[] = {1ms, 10ms, 40ms, 200ms, 1s, 3s, 15s, 60s, 300s, 3600s};
      return pass(in_.one_of(kTimes));
    }
    case 11:
      return environment();
    case 12:
      return option();
    default:
      host_->set_now(now_);
      return sockets_.call(in_);
  }
}

// --- driving -----------------------------------------------------------------------

void World::inject(Frame frame) { card_.waiting.push_back(std::move(frame)); }

void World::settle() {
  do {
    for (int turns = 0; host_->poll(now_); ++turns) NARU_CHECK(turns < kMaxTurns);
    look_at_sent();
    host_->check_invariants();
  } while (!card_.waiting.empty());
}

void World::look_at_sent() {
  while (!card_.sent.empty()) {
    Frame frame = std::move(card_.sent.front());
    card_.sent.pop_front();
    const auto ethernet = *wire::EthernetView::parse(frame);
    if (ethernet.type() == wire::kEtherTypeArp) {
      const auto request = *wire::ArpView::parse(ethernet.payload());
      if (answers_arp_ && request.op() == wire::Arp::kRequest && request.tpa() != request.spa()) {
        Frame reply(wire::Ethernet::kHeaderSize + wire::Arp::kSize);
        wire::Ethernet{kMac, kPeerMac, wire::kEtherTypeArp}.emit(reply.data());
        wire::Arp{wire::Arp::kReply, kPeerMac, request.tpa(), kMac, request.spa()}.emit(
            reply.data() + wire::Ethernet::kHeaderSize);
        inject(std::move(reply));
      }
      continue;
    }
    if (const auto tcp = tcp_of(frame)) on_tcp(*ipv4_of(frame), *tcp);
    seen_.push_back(std::move(frame));
    if (seen_.size() > 8) seen_.pop_front();
  }
}

void World::on_tcp(const wire::Ipv4View& ip, const wire::TcpView& tcp) {
  const Endpoint peer{ip.dst(), tcp.dst_port()};
  const Endpoint host{ip.src(), tcp.src_port()};
  const auto known = std::ranges::find_if(
      conversations_, [&](const Conversation& c) { return c.is_about(peer, host); });
  if (known != conversations_.end()) {
    known->on_sent(tcp);
  } else if (conversations_.size() < 8 && tcp.has(wire::kSyn)) {
    conversations_.emplace_back(peer, host, 0x7fff'ff00).on_sent(tcp);
  }
}

// The bytes of a stream are those that were sent at its place.
void World::on_received(Slot& slot, Bytes bytes) {
  const auto remote = host_->remote(slot.id);
  const auto local = host_->local(slot.id);
  if (forged_ || !remote || !local) return;
  for (const Conversation& c : conversations_) {
    if (c.is_about(*remote, *local)) NARU_CHECK(c.explains(bytes, slot.received));
  }
}

void World::pass(Duration duration) { advance_to(now_ + duration, kMaxDeadlines); }

void World::advance_to(Time time, int deadlines) {
  settle();
  for (int i = 0; i < deadlines && host_->next_deadline() <= time; ++i) {
    const Time next = host_->next_deadline();
    // A blocked link wants another try; everything else moves on.
    now_ = std::max(now_ + 1ns, next);
    settle();
  }
  now_ = std::max(now_, time);
  settle();
}

void World::end() {
  holds_ = false;
  card_.up = true;
  card_.room = std::numeric_limits<std::size_t>::max();
  answers_arp_ = true;
  settle();
  host_->set_now(now_);
  sockets_.abort_all();
  settle();
  // What was closed before lives until its timers give up.
  advance_to(now_ + 24h, 20'000);
  check_nothing_in_use(*host_);
}

// --- what comes from the wire ----------------------------------------------------------

void World::raw_frame() {
  const std::uint8_t how = in_.u8();
  const Bytes bytes = in_.take(in_.u8());
  Frame frame(bytes.begin(), bytes.end());
  if ((how & 1U) != 0 && frame.size() >= 6) std::ranges::copy(kMac.bytes, frame.begin());
  if ((how & 2U) != 0) {
    fix_checksums(frame);
    forged_ = true;
  }
  inject(std::move(frame));
}

void World::segment() {
  Conversation& c = conversations_[in_.u8() % conversations_.size()];
  inject(c.make_segment(in_, kMac));
}

void World::datagram() {
  static constexpr std::uint16_t kPorts[] = {80, 53, 40'000, 33'333, 0};
  Frame udp(8 + in_.u8());
  store_be16(udp.data(), in_.one_of(kPorts));
  store_be16(udp.data() + 2, in_.one_of(kPorts));
  store_be16(udp.data() + 4, static_cast<std::uint16_t>(udp.size()));
  const bool to_all = in_.u8() % 4 == 0;
  Frame frame = make_packet(
      to_all ? MacAddr::broadcast() : kMac,
      {.src = kPeer, .dst = to_all ? IpAddr::v4(10, 0, 0, 255) : kHost, .protocol = Protocol::udp},
      udp);
  fix_checksums(frame);
  inject(std::move(frame));
}

// Echo, or an error about a frame that the stack has sent.
void World::icmp() {
  static constexpr std::uint8_t kTypes[] = {8, 3, 3, 3, 11, 12, 5, 4, 0, 13};
  const std::uint8_t type = in_.one_of(kTypes);
  const std::uint8_t code = in_.u8() % 16;
  Frame message{type, code, 0, 0, 0, 0, 0, 0};
  store_be32(message.data() + 4, type == 3 ? in_.u16() : in_.u32());
  if (!seen_.empty()) {
    const Frame& about = seen_[in_.u8() % seen_.size()];
    const auto quote = Bytes(about).subspan(wire::Ethernet::kHeaderSize);
    const std::size_t size = std::min<std::size_t>(quote.size(), 20 + in_.u8() % 64);
    message.insert(message.end(), quote.begin(), quote.begin() + static_cast<long>(size));
  }
  const IpAddr from = in_.u8() % 2 == 0 ? kPeer : kGateway;
  Frame frame = make_packet(kMac, {.src = from, .dst = kHost, .protocol = Protocol::icmp}, message);
  fix_checksums(frame);
  inject(std::move(frame));
}

void World::arp() {
  static constexpr IpAddr kAddresses[] = {
      kPeer, kHost, kGateway, IpAddr::v4(10, 0, 0, 9), IpAddr::any_v4(), IpAddr::broadcast_v4()};
  wire::Arp arp;
  arp.op = in_.u8() % 4;
  arp.sha = {{2, 0, 0, 0, 0, in_.u8()}};
  arp.spa = in_.one_of(kAddresses);
  arp.tha = kMac;
  arp.tpa = in_.one_of(kAddresses);
  Frame frame(wire::Ethernet::kHeaderSize + wire::Arp::kSize);
  wire::Ethernet{in_.u8() % 2 == 0 ? MacAddr::broadcast() : kMac, arp.sha, wire::kEtherTypeArp}
      .emit(frame.data());
  arp.emit(frame.data() + wire::Ethernet::kHeaderSize);
  inject(std::move(frame));
}

// A piece of a datagram; the pieces of one may overlap, come twice or never.
void World::fragment() {
  wire::Ipv4 ip{.src = kPeer, .dst = kHost, .protocol = Protocol::udp};
  ip.id = in_.u8() % 4;
  ip.fragment_offset = static_cast<std::uint16_t>(in_.u8() * 8U * (in_.u8() % 40));
  ip.more_fragments = in_.u8() % 3 != 0;
  const auto payload = content(ip.fragment_offset, in_.u8() * 8U + in_.u8() % 3);
  Frame frame = make_packet(kMac, ip, payload);
  inject(std::move(frame));
}

// --- what else may change ----------------------------------------------------------------

void World::environment() {
  const std::uint8_t what = in_.u8();
  const std::uint8_t value = in_.u8();
  switch (what % 8) {
    case 0:
      card_.room = value;
      return;
    case 1:
      card_.room = std::numeric_limits<std::size_t>::max();
      return;
    case 2:
      card_.up = value % 2 == 0;
      return;
    case 3:
      card_.split = value == 0 ? 0 : 16U + value;
      return;
    case 4:
      card_.vouches = value % 2 == 0 ? ChecksumState::unchecked : ChecksumState::good;
      return;
    case 5:
      answers_arp_ = value % 2 == 0;
      return;
    case 6:
      holds_ = value % 2 == 0;
      return;
    default: {
      const Prefix second{IpAddr::v4(10, 0, 0, 9), 24};
      if (value % 2 == 0) {
        (void)host_->add_address(1, second);
      } else {
        (void)host_->remove_address(1, second.addr);
      }
      return;
    }
  }
}

// Options that may change while a stack runs, to their bounds.
void World::option() {
  const auto first = static_cast<unsigned>(Option::ip_default_ttl);
  const auto which = first + in_.u8() % (static_cast<unsigned>(kOptionCount) - first);
  const OptionSpec& spec = option_specs()[which];
  const std::int64_t values[] = {spec.min, spec.initial, spec.initial,
                                 std::min(spec.max, spec.min + 1),
                                 spec.unit == Unit::milliseconds ? spec.initial : spec.max};
  (void)host_->set_option(spec.option, in_.one_of(values));
}

}  // namespace
}  // namespace naru::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  naru::fuzz::World({data, size}).run();
  return 0;
}
