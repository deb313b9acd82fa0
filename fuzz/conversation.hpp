// Conversation: what the wire tells of one TCP connection of the host, enough to
// send segments that it takes.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "content.hpp"
#include "input.hpp"
#include "sent.hpp"

namespace naru::fuzz {

// An Ethernet frame with an IPv4 packet, checksums in place.
inline Frame make_packet(const MacAddr& to, wire::Ipv4 ip, Bytes payload) {
  ip.total_length = static_cast<std::uint16_t>(wire::Ipv4::kHeaderSize + payload.size());
  Frame frame(wire::Ethernet::kHeaderSize + wire::Ipv4::kHeaderSize + payload.size());
  wire::Ethernet{to, {{2, 0, 0, 0, 0, 2}}, wire::kEtherTypeIpv4}.emit(frame.data());
  ip.emit(frame.data() + wire::Ethernet::kHeaderSize);
  std::copy(payload.begin(), payload.end(),
            frame.begin() + wire::Ethernet::kHeaderSize + wire::Ipv4::kHeaderSize);
  return frame;
}

// Makes the checksums of an IPv4 packet in a frame right, where they have a place.
inline void fix_checksums(Frame& frame) {
  const auto ip = ipv4_of(frame);
  if (!ip) return;
  std::uint8_t* const header = frame.data() + wire::Ethernet::kHeaderSize;
  const auto store = [](std::uint8_t* field, Bytes bytes, std::uint64_t start) {
    wire::store_checksum(field, 0);
    wire::store_checksum(field, wire::finish(wire::sum_bytes(bytes, start)));
  };
  store(header + wire::Ipv4::kChecksumOffset, {header, ip->header_size()}, 0);
  std::uint8_t* const transport = header + ip->header_size();
  const Bytes payload = ip->payload();
  const auto length = static_cast<std::uint32_t>(payload.size());
  if (ip->protocol() == Protocol::tcp && length >= wire::Tcp::kHeaderSize) {
    store(transport + wire::Tcp::kChecksumOffset, payload,
          wire::pseudo_header_sum(ip->src(), ip->dst(), Protocol::tcp, length));
  } else if (ip->protocol() == Protocol::udp && length >= 8) {
    store(transport + 6, payload,
          wire::pseudo_header_sum(ip->src(), ip->dst(), Protocol::udp, length));
  } else if (ip->protocol() == Protocol::icmp && length >= 8) {
    store(transport + 2, payload, 0);
  }
}

class Conversation {
 public:
  Conversation(const Endpoint& peer, const Endpoint& host, std::uint32_t iss)
      : peer_(peer), host_(host), iss_(iss), peer_nxt_(iss) {}

  bool is_about(const Endpoint& peer, const Endpoint& host) const {
    return peer == peer_ && host == host_;
  }
  // The host has sent this.
  void on_sent(const wire::TcpView& tcp);
  // A segment for the host, as the input says: numbers count from where the host is.
  Frame make_segment(Input& in, const MacAddr& host_mac);
  // Could the host have received these bytes as its place `received` of this stream?
  bool explains(Bytes bytes, std::uint64_t received) const;

 private:
  std::vector<std::uint8_t> make_options(Input& in, std::uint8_t kinds) const;

  Endpoint peer_;
  Endpoint host_;
  std::uint32_t iss_;           // what the peer's next SYN starts with
  std::uint32_t peer_nxt_;      // what the host expects
  std::uint32_t host_una_ = 0;  // what the peer has acknowledged
  std::uint32_t host_nxt_ = 0;
  std::uint32_t host_time_ = 0;  // its latest timestamp
  std::uint32_t clock_ = 1000;   // of the peer's timestamps
  std::optional<std::uint32_t> host_iss_;
  bool knows_peer_ = false;  // the host has acknowledged the peer's SYN
  bool has_gaps_ = false;    // urgent data was sent: reading leaves bytes out
  // Where the streams of this and earlier connections may have started.
  std::vector<std::uint32_t> starts_;
};

inline void Conversation::on_sent(const wire::TcpView& tcp) {
  const auto payload = tcp.payload();
  if (tcp.has(wire::kSyn)) {
    if (host_iss_ != tcp.seq()) knows_peer_ = false;
    host_iss_ = tcp.seq();
    host_una_ = host_nxt_ = tcp.seq() + 1;
  } else if (tcp.has(wire::kRst)) {
    return;
  } else if (host_iss_ && !payload.empty()) {
    // Each byte that the program wrote, at its place.
    NARU_CHECK(is_content(payload, static_cast<std::uint32_t>(tcp.seq() - *host_iss_ - 1)));
  }
  const std::uint32_t end =
      tcp.seq() + static_cast<std::uint32_t>(payload.size()) + (tcp.has(wire::kFin) ? 1U : 0U);
  if (static_cast<std::int32_t>(end - host_nxt_) > 0) host_nxt_ = end;
  if (const auto options = wire::TcpOptions::parse(tcp.options()); options.timestamps) {
    host_time_ = options.timestamps->value;
  }
  if (!tcp.has(wire::kAck)) return;
  peer_nxt_ = tcp.ack();
  knows_peer_ = true;
}

inline std::vector<std::uint8_t> Conversation::make_options(Input& in, std::uint8_t kinds) const {
  std::vector<std::uint8_t> out;
  const auto put = [&out](std::initializer_list<std::uint8_t> bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
  };
  const auto put32 = [&out](std::uint32_t v) {
    out.resize(out.size() + 4);
    store_be32(out.data() + out.size() - 4, v);
  };
  if ((kinds & 1U) != 0) {
    static constexpr std::uint16_t kMss[] = {1460, 536, 1, 0, 65'535, 88, 216, 9000};
    const std::uint16_t mss = in.one_of(kMss);
    put({2, 4, static_cast<std::uint8_t>(mss >> 8U), static_cast<std::uint8_t>(mss)});
  }
  if ((kinds & 2U) != 0) put({1, 3, 3, static_cast<std::uint8_t>(in.u8() % 17)});
  if ((kinds & 4U) != 0) put({1, 1, 4, 2});
  if ((kinds & 8U) != 0) {
    put({1, 1, 8, 10});
    put32(clock_ + static_cast<std::uint32_t>(static_cast<std::int8_t>(in.u8())));
    put32(host_time_);
  }
  if ((kinds & 16U) != 0) {  // a SACK block somewhere in the flight
    put({1, 1, 5, 10});
    const std::uint32_t left = host_una_ + in.size();
    put32(left);
    put32(left + in.size());
  }
  if ((kinds & 32U) != 0) {
    const Bytes raw = in.take(in.u8() % 12);
    out.insert(out.end(), raw.begin(), raw.end());
  }
  out.resize((out.size() + 3) / 4 * 4);
  out.resize(std::min(out.size(), wire::Tcp::kMaxOptions));
  return out;
}

inline Frame Conversation::make_segment(Input& in, const MacAddr& host_mac) {
  static constexpr std::uint32_t kSeqs[] = {
      0,    0,    0,        0,         1,      0U - 1, 100,       536,
      1448, 2896, 0U - 100, 0U - 1448, 65'535, 70'000, 1U << 30U, 1U << 31U};
  static constexpr std::uint32_t kAcks[] = {0,      0,   0,    0,   1,         1448,
                                            0U - 1, 100, 2896, 536, 1U << 31U, 0U - 70'000};
  static constexpr std::uint16_t kWindows[] = {65'535, 65'535, 8192, 1460, 100, 1, 0, 256};
  static constexpr std::uint32_t kSizes[] = {0, 0, 0, 1, 100, 536, 1400, 10};
  wire::Tcp tcp;
  tcp.flags = in.u8();
  const std::uint8_t where = in.u8();
  const std::uint8_t how = in.u8();
  tcp.window = kWindows[how % 8];
  const std::uint32_t size = kSizes[how / 8 % 8];
  tcp.src_port = peer_.port;
  tcp.dst_port = host_.port;
  if (tcp.flags == wire::kSyn) iss_ += 0x01000001;
  tcp.seq = (tcp.flags == wire::kSyn || !knows_peer_ ? iss_ : peer_nxt_) + kSeqs[where % 16];
  // Half of the time counted from what was sent, half from what was acknowledged.
  const bool all = (where & 128U) == 0;
  tcp.ack = (all ? host_nxt_ : host_una_) + kAcks[where / 16 % 8 + (all ? 0 : 4)];
  if ((tcp.flags & wire::kAck) == 0) tcp.ack = 0;
  if (static_cast<std::int32_t>(tcp.ack - host_una_) > 0 &&
      static_cast<std::int32_t>(host_nxt_ - tcp.ack) >= 0) {
    host_una_ = tcp.ack;
  }
  if ((tcp.flags & wire::kUrg) != 0) {
    tcp.urgent_pointer = in.u8();
    has_gaps_ = true;
  }
  const auto options = make_options(in, in.u8());
  ++clock_;
  const bool syn = (tcp.flags & wire::kSyn) != 0;
  const std::uint32_t first = tcp.seq + (syn ? 1 : 0);
  if (syn) starts_.push_back(first);
  const auto data = content_at_seq(first, size);

  Frame segment(wire::Tcp::kHeaderSize);
  tcp.emit(segment.data(), options.size());
  segment.insert(segment.end(), options.begin(), options.end());
  segment.insert(segment.end(), data.begin(), data.end());
  Frame frame = make_packet(host_mac, {.src = peer_.addr, .dst = host_.addr}, segment);
  fix_checksums(frame);
  return frame;
}

inline bool Conversation::explains(Bytes bytes, std::uint64_t received) const {
  if (has_gaps_) return true;
  return std::ranges::any_of(starts_, [&](std::uint32_t start) {
    return is_content_at_seq(bytes, start + static_cast<std::uint32_t>(received));
  });
}

}  // namespace naru::fuzz
