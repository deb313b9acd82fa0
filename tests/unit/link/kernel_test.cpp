// Tap and packet socket against the kernel's own TCP/IP, in a network namespace
// that lasts as long as the test's process. Skipped where that may not be made.
#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <naru/link/packet_socket.hpp>
#include <naru/link/tap.hpp>

#include "frames.hpp"
#include "link/raw_frame.hpp"
#include "link/tap_port.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::kMacA;
using test::kMacB;
using test::TcpSpec;
using test::TestPool;

constexpr int kPatience = 5000;  // milliseconds, for what the kernel must do

bool run(const std::string& command) {
  return std::system((command + " 2>/dev/null >/dev/null").c_str()) == 0;
}

// A namespace of our own, as root or as a user.
bool enter_namespace() {
  if (!run("ip -V")) return false;
  return ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

sockaddr_in address(std::uint32_t host, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(host);
  result.sin_port = htons(port);
  return result;
}

constexpr std::uint32_t kStackAddress = 0x0a000001;   // 10.0.0.1
constexpr std::uint32_t kKernelAddress = 0x0a000002;  // 10.0.0.2

enum class Kind { tap, packet_socket };

// The stack's side is 10.0.0.1 at kMacA, the kernel's 10.0.0.2 at kMacB. Who may make no
// namespace or device (as in an unprivileged container) cannot ask the kernel: the tests
// are skipped and say which of them was refused.
class Kernel : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (!enter_namespace()) GTEST_SKIP() << "no network namespace of our own here";
    if (GetParam() == Kind::tap) {
      open_tap();
    } else {
      open_veth();
    }
    if (link_ == nullptr) return;
    link_->attach(pool_.get());
    ASSERT_TRUE(run("ip link set " + kernel_side_ + " address " + kMacB.to_string() + " up"));
    ASSERT_TRUE(run("ip addr add 10.0.0.2/24 dev " + kernel_side_));
    ASSERT_TRUE(run("ip neigh add 10.0.0.1 lladdr " + kMacA.to_string() + " dev " + kernel_side_));
  }
  void TearDown() override { EXPECT_EQ(pool_->in_use(), 0U); }

  void open_tap() {
    auto tap = TapLink::open("naru0", {.mac = kMacA});
    if (!tap) GTEST_SKIP() << tap.error().message;
    EXPECT_EQ((*tap)->name(), "naru0");
    kernel_side_ = "naru0";
    link_ = std::move(*tap);
  }
  void open_veth() {
    if (!run("ip link add naru0 type veth peer name kernel0")) GTEST_SKIP() << "no veth here";
    ASSERT_TRUE(run("ip link set naru0 up"));
    auto socket = PacketSocketLink::open("naru0", {.mac = kMacA});
    if (!socket) GTEST_SKIP() << socket.error().message;
    kernel_side_ = "kernel0";
    link_ = std::move(*socket);
  }

  // The next packet that `wanted` likes; others (the kernel's IPv6) are passed over.
  template <class Wanted>
  Packet* next_packet(Wanted wanted) {
    for (pollfd waits{link_->descriptor(), POLLIN, 0}; ::poll(&waits, 1, kPatience) == 1;) {
      Packet* packet = nullptr;
      if (link_->receive({&packet, 1}, {}) == 0) continue;
      if (wanted(packet->bytes())) return packet;
      pool_->give_back(packet);
    }
    return nullptr;
  }
  Packet* next_of(Protocol protocol) {
    return next_packet([protocol](Bytes frame) {
      const auto ip = wire::Ipv4View::parse(frame.subspan(14));
      return ip && ip->protocol() == protocol;
    });
  }
  void send(const TxFrame& frame) { ASSERT_EQ(link_->transmit({&frame, 1}, {}), 1U); }
  void send_tcp(const TcpSpec& spec) { send(test::make_tcp(spec, random_)); }

  TestPool pool_;
  std::unique_ptr<Link> link_;
  std::string kernel_side_;
  Random random_ = Random::seeded(1);
};

INSTANTIATE_TEST_SUITE_P(Kinds, Kernel, ::testing::Values(Kind::tap, Kind::packet_socket),
                         [](const auto& info) {
                           return info.param == Kind::tap ? "Tap" : "PacketSocket";
                         });

TEST_P(Kernel, AnswersArp) {
  Frame frame(42);
  wire::Ethernet{MacAddr::broadcast(), kMacA, wire::kEtherTypeArp}.emit(frame.data());
  wire::Arp request_for;
  request_for.sha = kMacA;
  request_for.spa = IpAddr::v4(kStackAddress);
  request_for.tpa = IpAddr::v4(kKernelAddress);
  request_for.emit(frame.data() + 14);
  TxFrame request;
  set_raw(request, frame);
  send(request);
  Packet* reply =
      next_packet([](Bytes bytes) { return load_be16(bytes.data() + 12) == wire::kEtherTypeArp; });
  ASSERT_NE(reply, nullptr);
  const auto arp = wire::ArpView::parse(reply->bytes().subspan(14));
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->op(), wire::Arp::kReply);
  EXPECT_EQ(arp->sha(), kMacB);
  pool_->give_back(reply);
}

TEST_P(Kernel, ExchangesDatagrams) {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM, 0));
  const sockaddr_in here = address(kKernelAddress, 2000);
  ASSERT_EQ(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  const Frame payload = test::random_bytes(random_, 999);
  send(test::make_udp(payload, kStackAddress));
  Frame got(2000);
  pollfd waits{socket.number(), POLLIN, 0};
  ASSERT_EQ(::poll(&waits, 1, kPatience), 1);
  const ssize_t size = ::recv(socket.number(), got.data(), got.size(), 0);
  ASSERT_EQ(size, 999);
  got.resize(999);
  EXPECT_EQ(got, payload);

  const sockaddr_in there = address(kStackAddress, 1000);
  ASSERT_EQ(::sendto(socket.number(), payload.data(), payload.size(), 0,
                     reinterpret_cast<const sockaddr*>(&there), sizeof there),
            999);
  Packet* packet = next_of(Protocol::udp);
  ASSERT_NE(packet, nullptr);
  EXPECT_EQ(packet->checksum, ChecksumState::good) << "the kernel leaves it to us";
  EXPECT_EQ(packet->size_class, 0);
  EXPECT_EQ(Frame(packet->data + 42, packet->data + packet->length), payload);
  pool_->give_back(packet);
}

// Frames with their checksum made are carried as they are, and a wrong one is the
// kernel's to find.
TEST_P(Kernel, FindsAWrongChecksum) {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM, 0));
  const sockaddr_in here = address(kKernelAddress, 2000);
  ASSERT_EQ(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  for (const std::uint8_t marker : {1, 2}) {
    const Frame payload(10, marker);
    TxFrame frame = test::make_udp(payload, kStackAddress);
    frame.needs_checksum = marker == 2;
    store_be16(frame.header.data() + 40, 0x1234);
    send(frame);
  }
  Frame got(10);
  pollfd waits{socket.number(), POLLIN, 0};
  ASSERT_EQ(::poll(&waits, 1, kPatience), 1);
  ASSERT_EQ(::recv(socket.number(), got.data(), got.size(), 0), 10);
  EXPECT_EQ(got[0], 2) << "only the second is right";
}

// A connection made by hand, to see large segments cross both ways.
TEST_P(Kernel, ExchangesLargeTcpSegments) {
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in here = address(kKernelAddress, 80);
  ASSERT_EQ(::bind(listener.number(), reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  ASSERT_EQ(::listen(listener.number(), 1), 0);
  send_tcp({.flags = wire::kSyn, .seq = 1000, .ack = 0});
  Packet* packet = next_of(Protocol::tcp);
  ASSERT_NE(packet, nullptr);
  const std::uint32_t kernel_seq = wire::TcpView::parse(packet->bytes().subspan(34))->seq() + 1;
  pool_->give_back(packet);
  send_tcp({.flags = wire::kAck, .seq = 1001, .ack = kernel_seq});
  pollfd waits{listener.number(), POLLIN, 0};
  ASSERT_EQ(::poll(&waits, 1, kPatience), 1);
  const Descriptor connection(::accept(listener.number(), nullptr, nullptr));

  const TcpSpec data{.flags = wire::kAck | wire::kPsh,
                     .seq = 1001,
                     .ack = kernel_seq,
                     .gso_size = 1460,
                     .payload = test::random_bytes(random_, 40'000)};
  send_tcp(data);
  Frame got(40'000);
  std::size_t done = 0;
  waits.fd = connection.number();
  while (done < got.size() && ::poll(&waits, 1, kPatience) == 1) {
    const ssize_t n = ::recv(connection.number(), got.data() + done, got.size() - done, 0);
    ASSERT_GT(n, 0);
    done += static_cast<std::size_t>(n);
  }
  EXPECT_TRUE(got == data.payload);

  // Segments of 536 bytes, since this end has named no MSS (RFC 9293 MUST-15), and
  // no more than its window.
  const Frame answer = test::random_bytes(random_, 4800);
  ASSERT_EQ(::send(connection.number(), answer.data(), answer.size(), 0), 4800);
  Frame received;
  bool large = false;
  while (received.size() < answer.size()) {
    packet = next_of(Protocol::tcp);
    ASSERT_NE(packet, nullptr);
    EXPECT_EQ(packet->checksum, ChecksumState::good);
    const auto ip = wire::Ipv4View::parse(packet->bytes().subspan(14));
    const auto tcp = wire::TcpView::parse(ip->payload());
    const Bytes payload = tcp->payload();
    if (!payload.empty()) {
      EXPECT_EQ(tcp->seq(), kernel_seq + received.size());
      large = large || (payload.size() > 536 && packet->gso_size == 536);
      received.insert(received.end(), payload.begin(), payload.end());
    }
    pool_->give_back(packet);
  }
  EXPECT_TRUE(received == answer);
  EXPECT_TRUE(large);
}

// The kernel takes a tag off a frame on its way to a packet socket.
TEST_P(Kernel, KeepsVlanTags) {
  const auto peer = PacketSocketLink::open(kernel_side_);
  ASSERT_TRUE(peer) << peer.error().message;
  Frame frame = test::random_bytes(random_, 300);
  wire::Ethernet{kMacA, kMacB, wire::kEtherTypeVlan}.emit(frame.data());
  store_be16(frame.data() + 14, 0x604d);  // priority 3, VLAN 77
  store_be16(frame.data() + 16, 0x88b5);  // for experiments
  TxFrame tagged;
  set_raw(tagged, frame);
  ASSERT_EQ((*peer)->transmit({&tagged, 1}, {}), 1U);
  Packet* packet = next_packet([](Bytes bytes) {
    const auto header = wire::EthernetHeader::parse(bytes);
    return header && header->ether_type == 0x88b5;
  });
  ASSERT_NE(packet, nullptr);
  EXPECT_EQ(test::drain(pool_, packet), frame);
}

TEST_P(Kernel, ADownInterfaceRefusesAndIsCounted) {
  const std::string stack_side = "naru0";
  ASSERT_TRUE(run("ip link set " + stack_side + " down"));
  const Frame payload(10, 1);
  send(test::make_udp(payload));
  EXPECT_EQ(link_->stats().tx_refused, 1U);
  ASSERT_TRUE(run("ip link set " + stack_side + " up"));
  test::receive_all(*link_, pool_);  // a packet socket says there that it was down
  send(test::make_udp(payload));
  EXPECT_EQ(link_->stats().tx_refused, 1U);
  EXPECT_EQ(link_->stats().tx_frames, 1U);
}

TEST(KernelErrors, SayWhatToDo) {
  const auto tap = TapLink::open("a-name-that-is-too-long");
  ASSERT_FALSE(tap);
  EXPECT_EQ(tap.error().message,
            "tap a-name-that-is-too-long: File name too long: at most 15 characters");
  const auto socket = PacketSocketLink::open("not-there");
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().message.rfind("interface not-there: ", 0), 0U);
}

TEST(KernelErrors, ATapInUseIsNamed) {
  if (!enter_namespace()) GTEST_SKIP() << "no network namespace of our own here";
  const auto first = TapLink::open("naru0");
  if (!first) GTEST_SKIP() << first.error().message;
  const auto second = TapLink::open("naru0");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "tap naru0: Device or resource busy: another process uses it");
  const auto loopback = TapLink::open("lo");
  ASSERT_FALSE(loopback);
  EXPECT_EQ(loopback.error().number, EINVAL);
}

TEST(KernelErrors, SeveralQueuesShareATap) {
  if (!enter_namespace()) GTEST_SKIP() << "no network namespace of our own here";
  const auto first = TapLink::open("naru0", {.multi_queue = true});
  if (!first) GTEST_SKIP() << first.error().message;
  const auto second = TapLink::open("naru0", {.multi_queue = true});
  EXPECT_TRUE(second) << second.error().message;
  EXPECT_EQ((*first)->caps().mtu, 1500U);
}

}  // namespace
}  // namespace naru::link
