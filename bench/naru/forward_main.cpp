// A router or a NAT between two memory wires, driven by bare frames:
//
//   sender ══ wire ══ eth0 router eth1 ══ wire ══ receiver
//
// A unit is one packet from the sender's buffer to the receiver's: both wires' copies are in
// it. The packets go round all routes, or sessions, in an order without pattern.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include <naru/link/memory.hpp>
#include <naru/stack/stack.hpp>

#include "base/check.hpp"
#include "measure.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/ndp.hpp"
#include "wire/udp.hpp"

namespace naru::bench {
namespace {

constexpr std::size_t kBurst = link::kBurst;
constexpr std::uint32_t kHeadersV4 = 14 + 20 + 8;
constexpr std::uint32_t kHeadersV6 = 14 + 40 + 8;
constexpr std::uint16_t kPort = 53;
constexpr IpAddr kRouterInside = IpAddr::v4(10, 0, 0, 1);
constexpr IpAddr kRouterOutside = IpAddr::v4(192, 0, 2, 1);
constexpr IpAddr kGateway = IpAddr::v4(192, 0, 2, 254);

// fd00:1::/64 inside, fd00:2::/64 outside, and a route to each fd01:n::/32.
constexpr IpAddr v6(std::uint8_t first, std::uint32_t network, std::uint8_t host) {
  return IpAddr::v6({0xfd, first, static_cast<std::uint8_t>(network >> 16U),
                     static_cast<std::uint8_t>(network >> 8U), static_cast<std::uint8_t>(network),
                     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host});
}
constexpr std::uint32_t kInsideNet = 1;
constexpr std::uint32_t kOutsideNet = 2;
constexpr IpAddr kGatewayV6 = v6(0, kOutsideNet, 254);
// Inside hosts that share the sessions of the NAT.
constexpr std::uint32_t kInsideHosts = 1'000;

struct Choice {
  bool nat = false;
  bool ipv6 = false;
  std::uint32_t entries = 1;  // routes or sessions
  std::uint32_t size = 64;    // of a frame with its FCS; one of IPv6 and UDP has 66 at least
};

// One end of a wire, with what a host has there.
class End {
 public:
  explicit End(link::Link& link)
      : link_(link), mapping_(ArenaMapping::map_private(std::size_t{64} << 20U).value()) {
    NARU_CHECK(pool_.init(mapping_.arena(), 4'096, 16));
    link_.attach(&pool_);
  }
  ~End() { link_.attach(nullptr); }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  void send(std::span<const TxFrame> burst) {
    NARU_CHECK(link_.transmit(burst, Time()) == burst.size());
  }
  // Packets received; questions for an address are answered as if it were here.
  std::uint64_t receive() {
    std::array<Packet*, kBurst> burst;
    std::uint64_t packets = 0;
    while (const std::size_t n = link_.receive(burst, Time())) {
      for (std::size_t i = 0; i < n; ++i) {
        if (load_be16(burst[i]->data + 12) == wire::kEtherTypeArp) {
          answer(*burst[i]);
        } else if (!answer6(*burst[i])) {
          ++packets;
        }
        pool_.give_back(burst[i]);
      }
    }
    return packets;
  }

 private:
  void answer(const Packet& question) {
    const auto arp = wire::ArpView::parse(question.bytes().subspan(14));
    if (!arp || arp->op() != wire::Arp::kRequest || arp->spa() == arp->tpa()) return;
    TxFrame reply;
    reply.header_length = 14 + wire::Arp::kSize;
    wire::Ethernet{arp->sha(), link_.mac(), wire::kEtherTypeArp}.emit(reply.header.data());
    wire::Arp{.op = wire::Arp::kReply,
              .sha = link_.mac(),
              .spa = arp->tpa(),
              .tha = arp->sha(),
              .tpa = arp->spa()}
        .emit(reply.header.data() + 14);
    send({&reply, 1});
  }

  // False: it is none of the messages of a link's own, such as those of neighbour discovery.
  bool answer6(const Packet& question) {
    const auto ip = wire::Ipv6View::parse(question.bytes().subspan(14));
    if (!ip || ip->next_header() == Protocol::udp) return false;
    const bool is_icmp = ip->next_header() == Protocol::icmpv6;
    const auto ndp = is_icmp ? wire::NdpView::parse(ip->payload()) : std::nullopt;
    const bool is_asked = ndp && ndp->type() == wire::Icmpv6Type::neighbour_solicitation;
    if (!is_asked || ip->src().is_any()) return true;
    const wire::NeighbourAdvertisement answer{
        .target = ndp->target(), .solicited = true, .target_link_layer = link_.mac()};
    TxFrame reply;
    std::uint8_t* const message = reply.header.data() + 14 + wire::Ipv6::kHeaderSize;
    const std::size_t size = answer.emit(message);
    wire::fill_icmpv6_checksum({message, size}, ndp->target(), ip->src());
    wire::Ethernet{wire::load_mac(question.data + 6), link_.mac(), wire::kEtherTypeIpv6}.emit(
        reply.header.data());
    wire::Ipv6{.src = ndp->target(),
               .dst = ip->src(),
               .next_header = Protocol::icmpv6,
               .hop_limit = wire::kNdpHopLimit,
               .payload_length = static_cast<std::uint16_t>(size)}
        .emit(reply.header.data() + 14);
    reply.header_length = static_cast<std::uint16_t>(14 + wire::Ipv6::kHeaderSize + size);
    send({&reply, 1});
    return true;
  }

  link::Link& link_;
  ArenaMapping mapping_;
  PacketPool pool_;
};

StackConfig config_of(const Choice& choice) {
  StackConfig config;
  const auto set = [&](Option option, std::int64_t value) {
    NARU_CHECK(config.options.set(option, value));
  };
  set(Option::ip_forwarding, 1);
  set(Option::max_routes, choice.entries + 16);
  set(Option::max_destinations, std::max<std::int64_t>(65'536, 4 * std::int64_t{choice.entries}));
  if (choice.nat) set(Option::nat_max_sessions, choice.entries + 16);
  set(Option::nat_sessions_per_host, choice.entries + 16);
  return config;
}

class Road {
 public:
  explicit Road(const Choice& choice);

  void forward(std::uint64_t packets);

 private:
  void configure();
  void configure_v6(std::uint8_t inside, std::uint8_t outside);
  void make_headers();
  void make_headers_v6();
  TxFrame frame(std::uint32_t entry) const;
  std::uint32_t next_entry();

  Choice choice_;
  link::MemoryWire inside_wire_;
  link::MemoryWire outside_wire_;
  End sender_;
  End receiver_;
  StackConfig config_;
  ArenaMapping mapping_;
  std::unique_ptr<Stack> router_;
  std::uint32_t header_length_;
  std::vector<std::array<std::uint8_t, kHeadersV6>> headers_;
  std::vector<std::uint8_t> payload_;
  std::array<TxFrame, kBurst> burst_;
  std::uint32_t order_ = 0;
};

Road::Road(const Choice& choice)
    : choice_(choice),
      sender_(inside_wire_.a()),
      receiver_(outside_wire_.b()),
      config_(config_of(choice)),
      mapping_(ArenaMapping::map_private(arena_size(config_)).value()),
      router_(Stack::create(mapping_.arena(), config_, Time(1s)).value()),
      header_length_(choice.ipv6 ? kHeadersV6 : kHeadersV4),
      payload_(std::max(choice.size, header_length_ + 4) - 4 - header_length_, 0x5a) {
  configure();
  if (choice.ipv6) {
    make_headers_v6();
  } else {
    make_headers();
  }
  // Every entry once: neighbours are asked for, sessions are opened.
  for (std::uint64_t sent = 0; sent < choice.entries; sent += kBurst) forward(kBurst);
}

void Road::configure() {
  const std::uint8_t inside = router_->add_interface("eth0", inside_wire_.b()).value();
  const std::uint8_t outside = router_->add_interface("eth1", outside_wire_.a()).value();
  if (choice_.ipv6) return configure_v6(inside, outside);
  router_->add_address(inside, {kRouterInside, 8}).value();
  router_->add_address(outside, {kRouterOutside, 24}).value();
  if (choice_.nat) {
    router_->add_route({IpAddr::any_v4(), 0}, kGateway, outside).value();
    router_->set_nat(outside).value();
    return;
  }
  // A route of its own for each destination, as long as most of the Internet's.
  for (std::uint32_t i = 0; i < choice_.entries; ++i) {
    router_->add_route({IpAddr::v4(0x14000000U + (i << 8U)), 24}, kGateway, outside).value();
  }
}

void Road::configure_v6(std::uint8_t inside, std::uint8_t outside) {
  router_->add_address(inside, {v6(0, kInsideNet, 1), 64}).value();
  router_->add_address(outside, {v6(0, kOutsideNet, 1), 64}).value();
  for (std::uint32_t i = 0; i < choice_.entries; ++i) {
    router_->add_route({v6(1, i, 0), 48}, kGatewayV6, outside).value();
  }
}

void Road::make_headers_v6() {
  const auto length = static_cast<std::uint16_t>(8 + payload_.size());
  const std::uint64_t payload_sum = wire::sum_bytes(payload_);
  const IpAddr from = v6(0, kInsideNet, 5);
  for (std::uint32_t i = 0; i < choice_.entries; ++i) {
    const IpAddr to = v6(1, i, 1);
    auto& header = headers_.emplace_back();
    wire::Ethernet{inside_wire_.b().mac(), inside_wire_.a().mac(), wire::kEtherTypeIpv6}.emit(
        header.data());
    wire::Ipv6{.src = from, .dst = to, .next_header = Protocol::udp, .payload_length = length}.emit(
        header.data() + 14);
    wire::Udp{.src_port = 2'000, .dst_port = kPort, .length = length}.emit(header.data() + 54, from,
                                                                           to, payload_sum);
  }
}

// Of a router the destinations differ, of a NAT the inside endpoints and, from the second
// 20 000 on, who they talk to.
void Road::make_headers() {
  constexpr std::uint32_t kMappings = 20'000;
  const auto length = static_cast<std::uint16_t>(8 + payload_.size());
  std::uint64_t payload_sum = wire::sum_bytes(payload_);
  for (std::uint32_t i = 0; i < choice_.entries; ++i) {
    const std::uint32_t mapping = i % kMappings;
    const IpAddr from = IpAddr::v4(0x0a000100U + (choice_.nat ? mapping % kInsideHosts : 0));
    const IpAddr to =
        choice_.nat ? IpAddr::v4(0xc6336400U + i / kMappings) : IpAddr::v4(0x14000001U + (i << 8U));
    const auto port =
        static_cast<std::uint16_t>(choice_.nat ? 2'000 + mapping / kInsideHosts : 2'000);
    auto& header = headers_.emplace_back();
    wire::Ethernet{inside_wire_.b().mac(), inside_wire_.a().mac(), wire::kEtherTypeIpv4}.emit(
        header.data());
    wire::Ipv4{.src = from,
               .dst = to,
               .protocol = Protocol::udp,
               .total_length = static_cast<std::uint16_t>(20 + length)}
        .emit(header.data() + 14);
    wire::Udp{.src_port = port, .dst_port = kPort, .length = length}.emit(header.data() + 34, from,
                                                                          to, payload_sum);
  }
}

// A step that has no divisor in common with the number of entries comes to all of them.
std::uint32_t Road::next_entry() {
  constexpr std::uint32_t kStep = 61'027;  // a prime
  order_ = static_cast<std::uint32_t>((order_ + std::uint64_t{kStep}) % choice_.entries);
  return order_;
}

TxFrame Road::frame(std::uint32_t entry) const {
  TxFrame f;
  f.header_length = static_cast<std::uint16_t>(header_length_);
  std::copy(headers_[entry].begin(), headers_[entry].end(), f.header.begin());
  f.payload_length = static_cast<std::uint32_t>(payload_.size());
  f.span_count = payload_.empty() ? 0 : 1;
  f.spans[0] = payload_;
  return f;
}

void Road::forward(std::uint64_t packets) {
  std::uint64_t arrived = 0;
  for (std::uint64_t sent = 0; sent < packets; sent += kBurst) {
    for (TxFrame& f : burst_) f = frame(next_entry());
    sender_.send(burst_);
    while (router_->poll(Time(2s)) || router_->has_output()) {
    }
    arrived += receiver_.receive();
    sender_.receive();
  }
  // The first ones wait for the gateway's address, beyond its queue they are lost.
  static bool is_warm = false;
  if (is_warm && arrived < packets) {
    std::fprintf(stderr, "%llu of %llu packets arrived\n", static_cast<unsigned long long>(arrived),
                 static_cast<unsigned long long>(packets));
    std::exit(EXIT_FAILURE);
  }
  is_warm = packets > kBurst;
}

int run(int argc, char** argv) {
  Choice choice;
  MeasureOptions options;
  CLI::App app{"bench: packets through a naru router or NAT, in one process"};
  auto* nat = app.add_flag("--nat", choice.nat);
  app.add_flag("--ipv6", choice.ipv6)->excludes(nat);
  app.add_option("--entries", choice.entries, "routes or sessions")
      ->check(CLI::Range(1U, 1'000'000U));
  app.add_option("--size", choice.size, "of a frame with its FCS")->check(CLI::Range(64U, 1'518U));
  app.add_option("--seconds", options.seconds, "CPU time to measure for");
  app.add_option("--count", options.count_units, "run so many units once, for callgrind");
  CLI11_PARSE(app, argc, argv);

  Road road(choice);
  constexpr std::uint64_t kBatch = 64 * 1'024;
  const Sample sample = measure(options, kBatch, [&](std::uint64_t n) { road.forward(n); });
  print({.name = choice.nat ? "nat" : "forward",
         .contestant = "naru",
         .value = 1e3 / sample.ns_per_unit(),
         .unit = "M/s",
         .unit_of_work = "packet",
         .work = static_cast<double>(sample.units),
         .sample = sample});
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace naru::bench

int main(int argc, char** argv) { return naru::bench::run(argc, argv); }
