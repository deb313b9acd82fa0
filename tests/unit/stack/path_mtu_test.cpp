// Datagrams and the path's MTU: who cuts what is too long (ip(7), ipv6(7)), and whose word is
// taken for it.
#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "dsl/bytes.hpp"
#include "dsl/checks.hpp"
#include "two_hosts.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv4.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/ndp.hpp"

namespace naru::test {
namespace {

constexpr std::uint16_t kPort = 9'999;
constexpr std::uint16_t kPathMtu = 1'400;

// IP_PMTUDISC_...
constexpr std::int64_t kNever = 0;
constexpr std::int64_t kWant = 1;
constexpr std::int64_t kAlways = 2;
constexpr std::int64_t kProbe = 3;
constexpr std::int64_t kInterface = 4;
constexpr std::int64_t kOmit = 5;

struct Family {
  const char* name;
  IpAddr ours;
  IpAddr peer;
  std::size_t headers;  // of a datagram
};
const Family kFamilies[] = {
    {"v4", IpAddr::parse("10.0.0.1").value(), IpAddr::parse("10.0.0.2").value(), 28},
    {"v6", IpAddr::parse("2001:db8::1").value(), IpAddr::parse("2001:db8::2").value(), 48},
};

// One host, and at the other end of its wire the test, which sees its packets.
class PathMtu : public ::testing::TestWithParam<Family> {
 protected:
  struct Piece {
    std::size_t size = 0;  // of the IP packet
    bool dont_fragment = false;
    bool operator==(const Piece&) const = default;
  };

  PathMtu() : a(small_host(1), wire.a(), *Prefix::parse("10.0.0.1/24")) {
    EXPECT_TRUE(pool_.init(mapping_.arena(), 512, 16));
    wire.b().attach(&pool_);
    EXPECT_TRUE(a->add_address(1, *Prefix::parse("2001:db8::1/64")));
    a->poll(now);
    now += 5s;
    a->poll(now);
    introduce();
    socket = a->open_udp().value();
    EXPECT_TRUE(a->connect(socket, {peer(), kPort}));
    take();
  }
  ~PathMtu() override { wire.b().attach(nullptr); }

  IpAddr peer() const { return GetParam().peer; }
  bool is_v4() const { return peer().is_v4(); }
  Endpoint local() { return a->local(socket).value(); }
  void set(SocketOption option, std::int64_t value) {
    ASSERT_TRUE(a->set_option(socket, option, value));
    ASSERT_EQ(option == SocketOption::path_mtu ? value : a->option(socket, option).value(), value);
  }
  std::int64_t path_mtu() { return a->option(socket, SocketOption::path_mtu).value(); }

  // IP packets that the host sent.
  std::vector<Buffer> take() {
    std::vector<Buffer> all;
    while (a->poll(now) || a->has_output()) {
    }
    std::array<Packet*, link::kBurst> burst;
    while (const std::size_t n = wire.b().receive(burst, now)) {
      for (Packet* packet : std::span(burst).first(n)) {
        const std::uint16_t type = load_be16(packet->data + 12);
        const Bytes ip = packet->bytes().subspan(14);
        if (type == (is_v4() ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6)) {
          all.emplace_back(ip.begin(), ip.end());
        }
        pool_.give_back(packet);
      }
    }
    return all;
  }
  // What a datagram that makes a packet of `size` bytes leaves as.
  std::vector<Piece> send(std::size_t size) {
    const auto sent = a->send(socket, stream(0, size - GetParam().headers));
    EXPECT_TRUE(sent.has_value());
    std::vector<Piece> pieces;
    for (const Buffer& packet : take()) {
      const bool df = !is_v4() || wire::Ipv4View::parse(packet)->dont_fragment();
      pieces.push_back({packet.size(), df});
    }
    return pieces;
  }
  Error refused(std::size_t size) {
    const auto sent = a->send(socket, stream(0, size - GetParam().headers));
    EXPECT_TRUE(take().empty());
    return sent ? Error::none : sent.error();
  }
  // A router on the way says that `packet` is too long.
  void too_big(const Buffer& packet, std::uint32_t mtu) {
    Buffer frame(14 + (is_v4() ? 20 : 40) + 8);
    const std::size_t quoted = std::min<std::size_t>(packet.size(), 1'000);
    frame.insert(frame.end(), packet.begin(), packet.begin() + static_cast<long>(quoted));
    std::uint8_t* ip = frame.data() + 14;
    const auto length = static_cast<std::uint16_t>(8 + quoted);
    if (is_v4()) {
      wire::Ipv4{.src = IpAddr::parse("198.51.100.1").value(),
                 .dst = GetParam().ours,
                 .protocol = Protocol::icmp,
                 .total_length = static_cast<std::uint16_t>(20 + length)}
          .emit(ip);
      wire::Icmpv4::unreachable(wire::Icmpv4Unreachable::fragmentation_needed,
                                static_cast<std::uint16_t>(mtu))
          .emit(ip + 20, wire::sum_bytes(Bytes(packet).first(quoted)));
    } else {
      const IpAddr router = IpAddr::parse("2001:db8:9::1").value();
      wire::Ipv6{.src = router,
                 .dst = GetParam().ours,
                 .next_header = Protocol::icmpv6,
                 .payload_length = length}
          .emit(ip);
      wire::Icmpv6::too_big(mtu).emit(ip + 40);
      wire::fill_icmpv6_checksum({ip + 40, length}, router, GetParam().ours);
    }
    put(frame, is_v4() ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6);
  }
  // From now on the path carries no more than kPathMtu.
  void shrink_path() {
    const auto sent = a->send(socket, stream(0, 1'500 - GetParam().headers));
    ASSERT_TRUE(sent);
    too_big(take().at(0), kPathMtu);
    (void)a->take_error(socket);
    ASSERT_EQ(path_mtu(), kPathMtu);
  }

  Time now{1s};
  link::MemoryWire wire;
  VirtualHost a;
  SocketId socket;

 private:
  // A frame for the host but for its Ethernet header.
  void put(Buffer& frame, std::uint16_t type) {
    TxFrame out;
    out.header_length = 14;
    wire::Ethernet{wire.a().mac(), wire.b().mac(), type}.emit(out.header.data());
    out.span_count = 1;
    out.spans[0] = Bytes(frame).subspan(14);
    out.payload_length = static_cast<std::uint32_t>(frame.size() - 14);
    ASSERT_EQ(wire.b().transmit({&out, 1}, now), 1U);
    take();
  }
  // The peer asks for the host, which then knows where it is.
  void introduce() {
    if (is_v4()) {
      Buffer frame(14 + wire::Arp::kSize);
      wire::Arp{.op = wire::Arp::kRequest,
                .sha = wire.b().mac(),
                .spa = peer(),
                .tha = {},
                .tpa = GetParam().ours}
          .emit(frame.data() + 14);
      return put(frame, wire::kEtherTypeArp);
    }
    Buffer frame(14 + 40 + wire::NeighbourSolicitation::kMaxSize);
    std::uint8_t* p = frame.data() + 14 + 40;
    const std::size_t size =
        wire::NeighbourSolicitation{.target = GetParam().ours, .source_link_layer = wire.b().mac()}
            .emit(p);
    wire::fill_icmpv6_checksum({p, size}, peer(), GetParam().ours);
    wire::Ipv6{.src = peer(),
               .dst = GetParam().ours,
               .next_header = Protocol::icmpv6,
               .hop_limit = wire::kNdpHopLimit,
               .payload_length = static_cast<std::uint16_t>(size)}
        .emit(frame.data() + 14);
    frame.resize(14 + 40 + size);
    put(frame, wire::kEtherTypeIpv6);
  }

  ArenaMapping mapping_ = ArenaMapping::map_private(std::size_t{8} << 20U).value();
  PacketPool pool_;
};
INSTANTIATE_TEST_SUITE_P(Both, PathMtu, ::testing::ValuesIn(kFamilies),
                         [](const auto& info) { return info.param.name; });

// --- whose word is taken -------------------------------------------------------------------

TEST_P(PathMtu, TellsTheSocketThatSentIt) {
  NARU_CHECKS("MTU-010");
  EXPECT_EQ(path_mtu(), 1'500);
  set(SocketOption::mtu_discover, kAlways);
  set(SocketOption::receive_error, 1);
  ASSERT_TRUE(a->send(socket, stream(0, 1'500 - GetParam().headers)));
  too_big(take().at(0), kPathMtu);
  EXPECT_EQ(path_mtu(), kPathMtu);
  Buffer payload(2'000);
  const auto error = a->recv_error(socket, payload);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error, Error::message_size);
  EXPECT_EQ(error->origin, is_v4() ? SocketError::Origin::icmp : SocketError::Origin::icmp6);
  EXPECT_EQ(error->info, kPathMtu);
  EXPECT_EQ(error->remote, (Endpoint{peer(), kPort}));
  EXPECT_EQ(refused(kPathMtu + 1), Error::message_size);
  EXPECT_EQ(send(kPathMtu), (std::vector<Piece>{{kPathMtu, true}}));
}

TEST_P(PathMtu, IsNotLoweredForPacketsThatNobodySent) {
  NARU_CHECKS("MTU-010", "IC6-008");
  ASSERT_TRUE(a->send(socket, stream(0, 1'500 - GetParam().headers)));
  const Buffer packet = take().at(0);
  const std::size_t ports = is_v4() ? 20 : 40;
  for (const std::size_t at : {ports + 1, ports + 3, ports - 1}) {  // ours, theirs, their address
    Buffer forged = packet;
    forged[at] ^= 1;
    too_big(forged, kPathMtu);
    EXPECT_EQ(path_mtu(), 1'500) << at;
  }
  too_big(packet, 9'000);
  EXPECT_EQ(path_mtu(), 1'500);
  too_big(packet, kPathMtu);
  EXPECT_EQ(path_mtu(), kPathMtu) << "the right one";
}

// --- who cuts ------------------------------------------------------------------------------

TEST_P(PathMtu, WantCutsHere) {
  NARU_CHECKS("MTU-011");
  EXPECT_EQ(a->option(socket, SocketOption::mtu_discover), kWant) << "unless told otherwise";
  shrink_path();
  EXPECT_EQ(send(kPathMtu), (std::vector<Piece>{{kPathMtu, true}}));
  const auto pieces = send(1'500);
  ASSERT_EQ(pieces.size(), 2U);
  for (const Piece& p : pieces) EXPECT_LE(p.size, kPathMtu);
}

TEST_P(PathMtu, NeverLeavesItToRoutersToo) {
  NARU_CHECKS("MTU-011");
  shrink_path();
  set(SocketOption::mtu_discover, kNever);
  EXPECT_EQ(send(kPathMtu), (std::vector<Piece>{{kPathMtu, !is_v4()}}));
  EXPECT_EQ(send(1'500).size(), 2U);
}

TEST_P(PathMtu, AlwaysRefuses) {
  NARU_CHECKS("MTU-011");
  shrink_path();
  set(SocketOption::mtu_discover, kAlways);
  EXPECT_EQ(send(kPathMtu), (std::vector<Piece>{{kPathMtu, true}}));
  EXPECT_EQ(refused(kPathMtu + 1), Error::message_size);
}

TEST_P(PathMtu, AProbeGoesBeyondThePath) {
  NARU_CHECKS("MTU-011");
  shrink_path();
  set(SocketOption::mtu_discover, kProbe);
  EXPECT_EQ(send(1'500), (std::vector<Piece>{{1'500, true}}));
  EXPECT_EQ(refused(1'501), Error::message_size) << "the interface's bound";
}

TEST_P(PathMtu, TheInterfaceModesAskNobodyElse) {
  NARU_CHECKS("MTU-011");
  shrink_path();
  for (const std::int64_t mode : {kInterface, kOmit}) {
    set(SocketOption::mtu_discover, mode);
    EXPECT_EQ(send(1'500), (std::vector<Piece>{{1'500, !is_v4()}}));
    EXPECT_EQ(send(2'000).size(), 2U);
  }
}

TEST_P(PathMtu, DontfragRefusesInEveryMode) {
  NARU_CHECKS("MTU-011");
  set(SocketOption::dont_fragment, 1);
  EXPECT_EQ(send(1'500), (std::vector<Piece>{{1'500, true}}));
  EXPECT_EQ(refused(1'501), Error::message_size);
  shrink_path();
  EXPECT_EQ(refused(kPathMtu + 1), Error::message_size);
  set(SocketOption::dont_fragment, 0);
  EXPECT_EQ(send(1'500).size(), 2U);
}

// RFC 3542 11.1: for IPv6, and not below what every path carries.
TEST_P(PathMtu, ASocketMayWantShorterPackets) {
  NARU_CHECKS("MTU-011");
  for (const std::int64_t bad : {std::int64_t{1}, std::int64_t{1'279}, std::int64_t{65'536}}) {
    EXPECT_EQ(a->set_option(socket, SocketOption::path_mtu, bad).error(), Error::invalid);
  }
  set(SocketOption::path_mtu, 1'280);
  EXPECT_EQ(path_mtu(), 1'500) << "of the path";
  const auto pieces = send(1'500);
  if (is_v4()) {
    EXPECT_EQ(pieces.size(), 1U);
    return;
  }
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].size, 1'280U);
  set(SocketOption::mtu_discover, kAlways);
  EXPECT_EQ(refused(1'281), Error::message_size);
  set(SocketOption::path_mtu, 0);
  EXPECT_EQ(send(1'500).size(), 1U);
}

TEST_P(PathMtu, ValuesThatMeanNothingAreRefused) {
  NARU_CHECKS("MTU-011");
  for (const std::int64_t bad : {-1, 6}) {
    EXPECT_EQ(a->set_option(socket, SocketOption::mtu_discover, bad).error(), Error::invalid);
  }
  const SocketId alone = a->open_udp().value();
  EXPECT_EQ(a->option(alone, SocketOption::path_mtu).error(), Error::not_connected);
}

// --- the checksum ----------------------------------------------------------------------------

// RFC 8200 8.1: zero would say that there is none. (No routing header is ever sent, so that
// the destination of the header is the final one.)
TEST_P(PathMtu, AChecksumIsNeverZero) {
  NARU_CHECKS("IP6-028");
  const auto checksum_with = [&](std::uint16_t word) {
    Buffer data(2);
    store_be16(data.data(), word);
    EXPECT_TRUE(a->send(socket, data));
    const Buffer packet = take().at(0);
    return load_be16(packet.data() + (is_v4() ? 20 : 40) + 6);
  };
  const std::uint16_t of_zero = checksum_with(0);  // adding so much makes a sum of all ones
  EXPECT_EQ(checksum_with(of_zero), 0xffff);
  EXPECT_EQ(checksum_with(static_cast<std::uint16_t>(of_zero - 1)), 1);
}

}  // namespace
}  // namespace naru::test
