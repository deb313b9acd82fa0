// Any frames, one after the other, into a host that forwards, or that is a NAT: nothing may be
// read or written outside, every buffer comes back, and what is sent is well formed. The input
// is a list of frames: a byte of flags, two bytes of length, the bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <naru/base/arena.hpp>

#include "base/check.hpp"
#include "ip/ip.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv6_extension.hpp"

namespace naru::ip {
namespace {

constexpr MacAddr kMac{{2, 0, 0, 0, 0, 1}};

// Untouched pages cost nothing.
using Memory = std::array<std::uint8_t, std::size_t{256} << 20U>;
alignas(64) Memory router_memory;
alignas(64) Memory nat_memory;

constexpr std::uint8_t kOutside = 2;
constexpr IpAddr kServer = IpAddr::v4(10, 1, 0, 5);

class Router {
 public:
  Router(Memory& memory, bool is_nat)
      : arena_(*Arena::format(memory.data(), memory.size())), is_nat_(is_nat) {
    NARU_CHECK(options_.set(Option::ip_forwarding, 1).has_value());
    if (is_nat) NARU_CHECK(options_.set(Option::nat_max_sessions, 64).has_value());
    NARU_CHECK(options_.set(Option::nat_sessions_per_host, 16).has_value());
    NARU_CHECK(options_.set(Option::max_neighbours, 64).has_value());
    NARU_CHECK(options_.set(Option::max_destinations, 64).has_value());
    NARU_CHECK(pool_.init(arena_, 8'192, 128));
    ip_ = arena_.make<Ip>();
    NARU_CHECK(ip_->init(arena_, options_, counters_, trace_, random_, pool_));
    for (std::uint8_t i = 1; i <= 2; ++i) {
      NARU_CHECK(ip_->add_interface("eth", kMac, i == 1 ? 1500 : 600, now_) == i);
      NARU_CHECK(ip_->add_address(i, {IpAddr::v4(10, i, 0, 1), 24}, now_).has_value());
    }
    // fd00::1, at a link that carries it.
    std::array<std::uint8_t, 16> address{0xfd};
    address[15] = 1;
    NARU_CHECK(ip_->add_address(1, {IpAddr::v6(address), 64}, now_).has_value());
    if (is_nat) {
      NARU_CHECK(ip_->set_nat(kOutside).has_value());
      NARU_CHECK(ip_->add_port_forward(Protocol::tcp, 80, {kServer, 80}, now_).has_value());
      NARU_CHECK(ip_->add_port_forward(Protocol::udp, 53, {kServer, 53}, now_).has_value());
    }
    send_all();
  }

  // Bits 0 and 1 of the flags: the interface and whether time passes; 2: our MAC is put in front;
  // 3: the checksum of the IPv4 header, or of ICMPv6, is made right.
  void receive(std::uint8_t flags, Bytes frame) {
    if ((flags & 2U) != 0) now_ += 700ms;
    ip_->on_timer(now_);
    send_all();
    Packet* packet = pool_.take(static_cast<std::uint32_t>(frame.size()));
    NARU_CHECK(packet != nullptr);
    std::copy(frame.begin(), frame.end(), packet->data);
    packet->length = static_cast<std::uint32_t>(frame.size());
    packet->interface = static_cast<std::uint8_t>(1 + (flags & 1U));
    if ((flags & 4U) != 0 && packet->length >= 14) wire::store_mac(packet->data, kMac);
    if ((flags & 8U) != 0) repair(packet->mutable_bytes());
    take(ip_->input(packet, now_));
    send_all();
  }

  void settle() {
    for (int i = 0; i < 400; ++i) {
      now_ += 1s;
      ip_->on_timer(now_);
      send_all();
    }
    for (ErrorReport report; ip_->pop_error(report);) {
    }
    NARU_CHECK(pool_.in_use() == 0);
    // Connections may be idle for long; the clock is to last for many runs.
    while (ip_->nat_table().session_count() != 0 ||
           ip_->nat_table().mapping_count() > (is_nat_ ? 2U : 0U)) {
      now_ += ip_->nat_table().session_count() == 0 ? Duration(120s) : Duration(2h);
      ip_->on_timer(now_);
      send_all();
    }
    NARU_CHECK(ip_->nat_table().mapping_count() == (is_nat_ ? 2 : 0));
  }

 private:
  static void repair(MutableBytes frame) {
    if (frame.size() < 34) return;
    std::uint8_t* ip = frame.data() + 14;
    if (ip[0] >> 4U == 6) return repair6(frame.subspan(14));
    const std::size_t header = std::min<std::size_t>((ip[0] & 15U) * 4U, frame.size() - 14);
    wire::store_checksum(ip + 10, 0);
    wire::store_checksum(ip + 10, wire::finish(wire::sum_bytes(ip, header)));
  }

  static void repair6(MutableBytes packet) {
    const auto view = wire::Ipv6View::parse(packet);
    if (!view) return;
    const auto chain = wire::Ipv6Chain::of(*view, false, false);
    const MutableBytes message = packet.subspan(chain.upper_at);
    if (chain.upper != 58 || message.size() < wire::Icmpv6::kHeaderSize) return;
    wire::fill_icmpv6_checksum(message.first(view->total_length() - chain.upper_at), view->src(),
                               view->dst());
  }

  void take(const Input& in) {
    if (in.action != Input::Action::deliver) return;
    NARU_CHECK(in.packet->data + in.packet->length <= in.packet->buffer() + in.packet->capacity);
    ip_->send_error(IcmpError::port_unreachable, *in.packet, now_);
    pool_.give_back(in.packet);
  }

  void send_all() {
    while (Packet* packet = ip_->pop_output()) {
      if (packet->interface == kLoopback) {
        take(ip_->input_loopback(packet, now_));
        continue;
      }
      TxFrame frame;
      Ip::describe(*packet, frame);
      NARU_CHECK(frame.length() == packet->length);
      const auto header = wire::EthernetHeader::parse(packet->bytes());
      NARU_CHECK(header.has_value());
      if (header->ether_type == wire::kEtherTypeIpv4) {
        const auto view = wire::Ipv4View::parse(packet->bytes().subspan(14));
        NARU_CHECK(view && view->header_checksum_ok() && view->ttl() != 0);
        NARU_CHECK(view->total_length() <= ip_->interface_mtu(packet->interface));
        NARU_CHECK(view->total_length() + 14U == packet->length);
        const bool is_inner = Prefix{IpAddr::v4(10, 1, 0, 0), 24}.contains(view->src()) &&
                              view->src() != IpAddr::v4(10, 1, 0, 1);
        NARU_CHECK(!is_nat_ || packet->interface != kOutside || !is_inner);
      }
      if (header->ether_type == wire::kEtherTypeIpv6) check_sent6(*packet);
      pool_.give_back(packet);
    }
  }

  void check_sent6(const Packet& packet) const {
    const auto view = wire::Ipv6View::parse(packet.bytes().subspan(14));
    NARU_CHECK(view && view->hop_limit() != 0);
    NARU_CHECK(view->total_length() <= ip_->interface_mtu(packet.interface));
    NARU_CHECK(view->total_length() + 14U == packet.length);
    NARU_CHECK(view->src() == view->src().without_zone());
    NARU_CHECK(view->dst() == view->dst().without_zone());
    const bool is_own = ip_->is_local(view->src().with_zone(packet.interface));
    const auto chain = wire::Ipv6Chain::of(*view, false, false);
    // What others say passes as it came.
    if (chain.upper != static_cast<std::uint8_t>(Protocol::icmpv6) || !is_own) return;
    const auto icmp = wire::Icmpv6View::parse(view->bytes().subspan(chain.upper_at));
    NARU_CHECK(icmp && icmp->checksum_ok(view->src(), view->dst()));
  }

  Arena& arena_;
  bool is_nat_;
  Options options_;
  Counters counters_;
  trace::Ring trace_;
  Random random_ = Random::seeded(1);
  PacketPool pool_;
  Ip* ip_ = nullptr;
  Time now_ = time_from_ns(1'000'000'000);
};

}  // namespace
}  // namespace naru::ip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using naru::ip::Router;
  static auto* const plain = new Router(naru::ip::router_memory, false);
  static auto* const nat = new Router(naru::ip::nat_memory, true);
  // Bit 4 of the first flags: into which of them.
  Router* const router = size != 0 && (data[0] & 16U) != 0 ? nat : plain;
  naru::Bytes rest(data, size);
  while (rest.size() >= 3) {
    const std::uint8_t flags = rest[0];
    const std::size_t length =
        std::min<std::size_t>(naru::load_be16(rest.data() + 1) % 2'048, rest.size() - 3);
    router->receive(flags, rest.subspan(3, length));
    rest = rest.subspan(3 + length);
  }
  router->settle();
  return 0;
}
