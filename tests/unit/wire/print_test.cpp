#include "wire/print.hpp"

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "hex.hpp"
#include "wire/icmpv4.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::hex;

const IpAddr kA = IpAddr::v4(10, 0, 0, 1);
const IpAddr kB = IpAddr::v4(10, 0, 0, 2);
constexpr std::string_view kEthernet = "020000000002 020000000001 ";

Buffer packet(Protocol protocol, Bytes payload) {
  Buffer bytes(Ipv4::kHeaderSize + payload.size());
  Ipv4{.src = kA,
       .dst = kB,
       .protocol = protocol,
       .total_length = static_cast<std::uint16_t>(bytes.size())}
      .emit(bytes.data());
  std::copy(payload.begin(), payload.end(), bytes.begin() + Ipv4::kHeaderSize);
  return bytes;
}

Buffer segment(const Tcp& header, Bytes options, Bytes payload) {
  Buffer bytes(Tcp::kHeaderSize + options.size() + payload.size());
  header.emit(bytes.data(), options.size());
  const auto behind = std::copy(options.begin(), options.end(), bytes.begin() + Tcp::kHeaderSize);
  std::copy(payload.begin(), payload.end(), behind);
  const auto length = static_cast<std::uint32_t>(bytes.size());
  Tcp::emit_checksum(bytes.data(), kA, kB, length, sum_bytes(bytes));
  return bytes;
}

std::string print_segment(const Tcp& header, Bytes options, Bytes payload) {
  return print_packet(packet(Protocol::tcp, segment(header, options, payload)));
}

std::string frame(std::string_view text) {
  return print_frame(hex(std::string(kEthernet) + std::string(text)));
}

TEST(Print, Syn) {
  EXPECT_EQ(
      print_segment({.src_port = 40000, .dst_port = 80, .seq = 123, .flags = kSyn, .window = 65535},
                    hex("020405b4 0402080a 00000001 00000000 01030308"), {}),
      "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], cksum ok, seq 123, win 65535, options "
      "[mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 8], length 0");
}

TEST(Print, Data) {
  EXPECT_EQ(print_segment({.src_port = 1,
                           .dst_port = 2,
                           .seq = 0xfffffffe,
                           .ack = 7,
                           .flags = kPsh | kAck,
                           .window = 256},
                          {}, hex("68656c6c6f")),
            "IP 10.0.0.1.1 > 10.0.0.2.2: Flags [P.], cksum ok, seq 4294967294:3, ack 7, win 256, "
            "length 5");
}

TEST(Print, PureAckWithSack) {
  EXPECT_EQ(print_segment({.src_port = 1, .dst_port = 2, .ack = 7, .flags = kAck, .window = 256},
                          hex("0101050a 00000001 00000009"), {}),
            "IP 10.0.0.1.1 > 10.0.0.2.2: Flags [.], cksum ok, ack 7, win 256, options "
            "[nop,nop,sack 1 {1:9}], length 0");
}

TEST(Print, EveryFlag) {
  const std::string none = print_segment({}, {}, {});
  EXPECT_NE(none.find("Flags [none]"), std::string::npos) << none;
  const std::string all = print_segment({.flags = 0xff, .urgent_pointer = 9}, {}, {});
  EXPECT_NE(all.find("Flags [FSRP.UEW]"), std::string::npos) << all;
  EXPECT_NE(all.find(", urg 9"), std::string::npos) << all;
}

TEST(Print, OddOptions) {
  const std::pair<const char*, const char*> cases[] = {
      {"2202 0101", "[tfo cookiereq,nop,nop]"},
      {"2206 11223344 0000", "[tfo cookie 11223344,eol]"},
      {"fd06 11223344 0101", "[unknown-253,nop,nop]"},
      {"02050101 01010101", "[malformed kind 2 length 5]"},
      {"010101ff", "[nop,nop,nop,malformed kind 255 length 0]"},
      {"080a0000", "[malformed kind 8 length 10]"},
      {"0300 0000", "[malformed kind 3 length 0]"},
  };
  for (const auto& [options, printed] : cases) {
    Buffer bytes = hex(options);
    while (bytes.size() % 4 != 0) bytes.push_back(0);
    const std::string line = print_segment({.flags = kAck}, bytes, {});
    EXPECT_NE(line.find(printed), std::string::npos) << line;
  }
}

TEST(Print, BadChecksums) {
  Buffer bytes = packet(Protocol::tcp, segment({.flags = kAck}, {}, {}));
  const std::uint16_t right = load_be16(&bytes[36]);
  store_be16(&bytes[36], static_cast<std::uint16_t>(right + 1));
  char text[64];
  std::snprintf(text, sizeof text, "cksum bad (0x%04x, right is 0x%04x)", right + 1U, right + 0U);
  EXPECT_NE(print_packet(bytes).find(text), std::string::npos) << print_packet(bytes);
  bytes[10] ^= 1U;
  EXPECT_EQ(print_packet(bytes).find("IP cksum bad"), 0U) << print_packet(bytes);
}

TEST(Print, Udp) {
  const Buffer payload = hex("68656c6c6f");
  Buffer bytes(Udp::kHeaderSize);
  const Udp header{.src_port = 55555, .dst_port = 53, .length = 13};
  header.emit(bytes.data(), kA, kB, sum_bytes(payload));
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  EXPECT_EQ(print_packet(packet(Protocol::udp, bytes)),
            "IP 10.0.0.1.55555 > 10.0.0.2.53: UDP, cksum ok, length 5");
  header.emit(bytes.data());
  EXPECT_EQ(print_packet(packet(Protocol::udp, bytes)),
            "IP 10.0.0.1.55555 > 10.0.0.2.53: UDP, no cksum, length 5");
  bytes[5] = 14;
  EXPECT_EQ(print_packet(packet(Protocol::udp, bytes)),
            "IP 10.0.0.1 > 10.0.0.2: UDP, bad length, length 13");
}

std::string print_icmp(const Icmpv4& header, Bytes payload) {
  Buffer bytes(Icmpv4::kHeaderSize);
  header.emit(bytes.data(), sum_bytes(payload));
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return print_packet(packet(Protocol::icmp, bytes));
}

TEST(Print, Icmp) {
  EXPECT_EQ(print_icmp(Icmpv4::echo(Icmpv4Type::echo_request, 1, 2), hex("6162")),
            "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 2, cksum ok, length 10");
  // The quote is what a router may give: 8 bytes of a longer packet.
  const Buffer quote = hex("450005dc 00000000 4011 0000 0a000002 0a000009 d9030035 05c80000");
  const std::string start = "IP 10.0.0.1 > 10.0.0.2: ICMP ";
  const std::string end = ", cksum ok, length 36";
  EXPECT_EQ(print_icmp(Icmpv4::unreachable(Icmpv4Unreachable::port), quote),
            start + "10.0.0.9 udp port 53 unreachable" + end);
  EXPECT_EQ(print_icmp(Icmpv4::unreachable(Icmpv4Unreachable::host), quote),
            start + "host 10.0.0.9 unreachable" + end);
  EXPECT_EQ(print_icmp(Icmpv4::unreachable(Icmpv4Unreachable::fragmentation_needed, 1280), quote),
            start + "10.0.0.9 unreachable - need to frag (mtu 1280)" + end);
  EXPECT_EQ(print_icmp(Icmpv4::time_exceeded(0), quote), start + "time exceeded in-transit" + end);
  EXPECT_EQ(print_icmp(Icmpv4::redirect(1, IpAddr::v4(10, 0, 0, 3)), quote),
            start + "redirect 10.0.0.9 to 10.0.0.3" + end);
  EXPECT_EQ(print_icmp(Icmpv4::parameter_problem(20), quote),
            start + "parameter problem - octet 20" + end);
  EXPECT_EQ(print_icmp(Icmpv4::time_exceeded(0), {}),
            start + "type 11 code 0, bad quote, cksum ok, length 8");
  EXPECT_EQ(print_packet(packet(Protocol::icmp, hex("0800"))), start + "truncated, length 2");
}

TEST(Print, Fragments) {
  Buffer bytes(20 + 16);
  Ipv4 header{.src = kA,
              .dst = kB,
              .protocol = Protocol::udp,
              .more_fragments = true,
              .id = 99,
              .fragment_offset = 1480,
              .total_length = 36};
  header.emit(bytes.data());
  EXPECT_EQ(print_packet(bytes), "IP 10.0.0.1 > 10.0.0.2: udp, frag 99:16@1480+");
  header.more_fragments = false;
  header.emit(bytes.data());
  EXPECT_EQ(print_packet(bytes), "IP 10.0.0.1 > 10.0.0.2: udp, frag 99:16@1480");
}

TEST(Print, OtherProtocols) {
  EXPECT_EQ(print_packet(packet(static_cast<Protocol>(132), hex("0102"))),
            "IP 10.0.0.1 > 10.0.0.2: protocol 132, length 2");
  EXPECT_EQ(print_packet(packet(Protocol::igmp, {})), "IP 10.0.0.1 > 10.0.0.2: igmp, length 0");
  EXPECT_EQ(print_packet({}), "IP bad header, length 0");
}

TEST(Print, Arp) {
  EXPECT_EQ(frame("0806 0001 0800 0604 0001 020000000001 0a000001 000000000000 0a000002"),
            "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28");
  EXPECT_EQ(frame("0806 0001 0800 0604 0002 020000000002 0a000002 020000000001 0a000001"),
            "ARP, Reply 10.0.0.2 is-at 02:00:00:00:00:02, length 28");
  EXPECT_EQ(frame("0806 0001 0800 0604 0003 020000000002 0a000002 020000000001 0a000001"),
            "ARP, operation 3, length 28");
  EXPECT_EQ(frame("0806 0001"), "ARP, not for IPv4 over Ethernet, length 2");
}

// A packet from 2001:db8::1 to 2001:db8::2 with a right checksum, where the protocol has one.
std::string packet6(Protocol next, std::string_view payload) {
  const Buffer bytes = hex(payload);
  const Ipv6 header{.src = IpAddr::parse("2001:db8::1").value(),
                    .dst = IpAddr::parse("2001:db8::2").value(),
                    .next_header = next,
                    .payload_length = static_cast<std::uint16_t>(bytes.size())};
  Buffer packet(Ipv6::kHeaderSize);
  header.emit(packet.data());
  packet.insert(packet.end(), bytes.begin(), bytes.end());
  if (next == Protocol::icmpv6) {
    fill_icmpv6_checksum(MutableBytes(packet).subspan(40), header.src, header.dst);
  }
  return print_packet(packet);
}

TEST(Print, Ipv6) {
  EXPECT_EQ(frame("86dd 6000000000003bff fe800000000000000000000000000001"
                  "ff020000000000000000000000000001"),
            "IP6 fe80::1 > ff02::1: protocol 59, length 0");
  EXPECT_EQ(frame("86dd 60"), "IP6 bad header, length 1");
  EXPECT_EQ(frame("86dd 6000000000183aff fe800000000000000000000000000001"
                  "ff020000000000000000000000000001"),
            "IP6 bad header, length 40")
      << "shorter than it says";
}

TEST(Print, Ipv6Payloads) {
  const std::string path = "IP6 2001:db8::1 > 2001:db8::2: ";
  EXPECT_EQ(packet6(Protocol::udp, "0035 1388 0009 0000 61"),
            "IP6 2001:db8::1.53 > 2001:db8::2.5000: UDP, no cksum, length 1");
  EXPECT_EQ(packet6(static_cast<Protocol>(60), "1100010400000000 0035 1388 0009 0000 61"),
            "IP6 2001:db8::1.53 > 2001:db8::2.5000: UDP, no cksum, length 1");
  EXPECT_EQ(packet6(static_cast<Protocol>(60), "3b00 1eff00000000"),
            "IP6 bad extension headers, 2001:db8::1 > 2001:db8::2: protocol 60, length 8");
  EXPECT_EQ(packet6(static_cast<Protocol>(44), "1100 0031 00000007 6162"),
            path + "udp, frag 7:2@48+");
  EXPECT_EQ(packet6(Protocol::tcp, "00"), path + "TCP, bad header, length 1");
}

TEST(Print, Icmp6) {
  const std::string path = "IP6 2001:db8::1 > 2001:db8::2: ICMP6 ";
  const auto icmp = [](std::string_view message) { return packet6(Protocol::icmpv6, message); };
  EXPECT_EQ(icmp("8000 0000 0001 0002 61"), path + "echo request, id 1, seq 2, cksum ok, length 9");
  EXPECT_EQ(icmp("8700 0000 00000000 20010db8000000000000000000000002"),
            path + "who-has 2001:db8::2, cksum ok, length 24");
  EXPECT_EQ(icmp("8800 0000 60000000 20010db8000000000000000000000002 0201 020000000007"),
            path + "2001:db8::2 is-at 02:00:00:00:00:07, cksum ok, length 32");
  EXPECT_EQ(icmp("8500 0000 00000000"), path + "router solicitation, cksum ok, length 8");
  const std::string quote =
      "60000000000c1140 20010db8000000000000000000000002 20010db8000000000000000000000009"
      "1388 0035 000c 0000";
  EXPECT_EQ(icmp("0104 0000 00000000" + quote),
            path + "2001:db8::9 unreachable - port 53, cksum ok, length 56");
  EXPECT_EQ(icmp("0200 0000 00000500" + quote),
            path + "packet to 2001:db8::9 too big (mtu 1280), cksum ok, length 56");
  EXPECT_EQ(icmp("0400 0000 00000028" + quote),
            path + "parameter problem - octet 40, cksum ok, length 56");
  EXPECT_EQ(icmp("0100 0000 00000000 60"), path + "type 1 code 0, bad quote, cksum ok, length 9");
  EXPECT_EQ(icmp("c800 0000 00000000"), path + "type 200 code 0, cksum ok, length 8");
}

TEST(Print, Frames) {
  EXPECT_EQ(print_frame({}), "truncated frame, length 0");
  EXPECT_EQ(frame("0026 424203"), "802.3 frame, length 17");
  EXPECT_EQ(frame("1234 00"), "ethertype 0x1234, length 1");
  EXPECT_EQ(frame("8100 604d 0800"), "vlan 77, p 3, IP bad header, length 0");
  EXPECT_EQ(frame("88a8 1064 8100 0007 1234"),
            "vlan 100, p 0, DEI, vlan 7, p 0, ethertype 0x1234, length 0");
  EXPECT_EQ(frame("8100 0000 8100 0000 8100 0000 0800"), "bad VLAN tags, length 26");
}

TEST(Print, RubbishIsPrintedToo) {
  std::mt19937 random(1);
  const Buffer good = packet(
      Protocol::tcp, segment({.flags = kSyn}, hex("020405b4 0402080a 00000001 00000000 01030308"),
                             hex("68656c6c6f")));
  for (int i = 0; i < 50000; ++i) {
    Buffer bytes = hex(std::string(kEthernet) + "0800");
    bytes.insert(bytes.end(), good.begin(), good.end());
    bytes.resize(random() % (bytes.size() + 1));
    for (std::size_t n = random() % 8; n > 0 && !bytes.empty(); --n) {
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    ASSERT_FALSE(print_frame(bytes).empty());
    ASSERT_FALSE(print_packet(bytes).empty());
  }
}

}  // namespace
}  // namespace naru::wire
