// Segment: a TCP segment in words, to be sent to the stack or expected from it.
//
//   tcp().syn().mss(1460)               a SYN
//   tcp().seq(1).ack(101).data("hello") a segment with data
//   tcp().rst()                         a RST
//
// Sequence and acknowledgement numbers count from the initial sequence number of
// their direction: the SYN is 0 and the first byte of data is 1. What is not set
// is filled in by the peer that sends it, and is not looked at when expected.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/frame.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"

namespace naru::test {

class Segment : public OnIp<Segment> {
 public:
  // Flags. An expectation that names any compares all, except that PSH is
  // compared only where psh() or no_psh() says so.
  Segment& syn() { return flag(wire::kSyn); }
  Segment& fin() { return flag(wire::kFin); }
  Segment& rst() { return flag(wire::kRst); }
  Segment& psh() { return psh_checked_ = true, flag(wire::kPsh); }
  Segment& no_psh() { return set(psh_checked_, true); }
  Segment& ece() { return flag(wire::kEce); }
  Segment& cwr() { return flag(wire::kCwr); }
  // ACK with the number that the peer expects next, or any number when expected.
  Segment& ack() { return flag(wire::kAck); }
  Segment& ack(std::uint32_t number) { return set(ack_, number).ack(); }
  Segment& urg(std::uint16_t pointer) { return set(urgent_, pointer).flag(wire::kUrg); }
  // All flags at once, as on the wire.
  Segment& flags(std::uint8_t all) { return flags_set_ = true, set(flags_, all); }

  Segment& seq(std::uint32_t number) { return set(seq_, number); }
  // The acknowledgement number without the flag.
  Segment& ack_number(std::uint32_t number) { return set(ack_, number); }
  Segment& window(std::uint16_t field) { return set(window_, field); }
  Segment& sport(std::uint16_t port) { return set(sport_, port); }
  Segment& dport(std::uint16_t port) { return set(dport_, port); }

  // Payload: given bytes, or `n` bytes of the test stream, of which the first
  // byte is at sequence number 1.
  Segment& data(std::string_view text) { return data(bytes(text)); }
  Segment& data(Buffer payload) { return set(data_, std::move(payload)); }
  Segment& stream(std::size_t n) { return set(stream_, n); }
  // Expected: the length alone.
  Segment& length(std::size_t n) { return set(length_, n); }

  // Options, sent in this order.
  Segment& mss(std::uint16_t v) { return set(options_.mss, v); }
  Segment& sack_ok() { return set(options_.sack_permitted, true); }
  Segment& wscale(std::uint8_t v) { return set(options_.window_scale, v); }
  Segment& ts(std::uint32_t value, std::uint32_t echo = 0) {
    return set(options_.timestamps, wire::Timestamps{value, echo});
  }
  // Blocks count as acknowledgement numbers do.
  Segment& sack(std::initializer_list<wire::SackBlock> blocks) {
    return set(sack_, std::vector(blocks));
  }
  // Bytes put behind the options above, as they are.
  Segment& raw_options(Buffer v) { return set(raw_options_, std::move(v)); }
  // Expected: an option of this kind, or none.
  Segment& with(std::uint8_t kind) { return with_.push_back(kind), *this; }
  Segment& without(std::uint8_t kind) { return without_.push_back(kind), *this; }
  // Expected: the option bytes as on the wire.
  Segment& option_bytes(Buffer v) { return set(option_bytes_, std::move(v)); }

  // Faults.
  Segment& bad_checksum() { return set(bad_checksum_, true); }
  Segment& data_offset(std::uint8_t words) { return set(data_offset_, words); }
  Segment& reserved(std::uint8_t bits) { return set(reserved_, bits); }

  // The initial sequence numbers and ports of the one who sends a segment.
  struct Side {
    std::uint32_t iss = 0;      // of the sender
    std::uint32_t irs = 0;      // of the receiver
    std::uint32_t snd_nxt = 0;  // absolute, for seq
    std::uint32_t rcv_nxt = 0;  // absolute, for ack
    std::uint16_t window = 65'535;
    std::uint16_t sport = 0;
    std::uint16_t dport = 0;
    Path path;
  };

  // The frame, with what is not set from `sender`.
  Buffer render(const Side& sender) const;
  // How the frame differs from what is set; empty: not at all. The frame is a TCP
  // segment.
  std::string differences(const Frame& frame, const Side& sender) const;
  std::string to_string() const;

  // Sequence space that it takes, and where it starts (absolute).
  std::uint32_t sequence_length() const;
  std::uint32_t first(const Side& sender) const {
    return seq_ ? sender.iss + *seq_ : sender.snd_nxt;
  }

 private:
  Segment& flag(std::uint8_t bit) {
    flags_set_ = true;
    flags_ |= bit;
    return *this;
  }
  Buffer payload(const Side& sender) const;
  Buffer make_options(const Side& sender) const;
  void compare_flags(const wire::TcpView& tcp, Differences& differences) const;
  void compare_options(const wire::TcpView& tcp, const Side& sender, Differences& d) const;
  void compare_payload(const wire::TcpView& tcp, const Side& sender, Differences& d) const;

  std::uint8_t flags_ = 0;
  bool flags_set_ = false;
  bool psh_checked_ = false;
  bool bad_checksum_ = false;
  std::optional<std::uint32_t> seq_;
  std::optional<std::uint32_t> ack_;
  std::optional<std::uint16_t> window_;
  std::optional<std::uint16_t> urgent_;
  std::optional<std::uint16_t> sport_;
  std::optional<std::uint16_t> dport_;
  std::optional<std::uint8_t> data_offset_;
  std::optional<std::uint8_t> reserved_;
  std::optional<Buffer> data_;
  std::optional<std::size_t> stream_;
  std::optional<std::size_t> length_;
  std::optional<std::vector<wire::SackBlock>> sack_;
  std::optional<Buffer> option_bytes_;
  Buffer raw_options_;
  std::vector<std::uint8_t> with_;
  std::vector<std::uint8_t> without_;
  wire::TcpOptions options_;
};

inline Segment tcp() { return {}; }

// A segment that the stack sent, with its numbers counted as Segment counts them.
struct Seen {
  Time at{};
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint16_t urgent_pointer = 0;
  wire::TcpOptions options;
  std::vector<wire::SackBlock> sack;
  Buffer payload;
  Frame frame;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  // The sequence number after it.
  std::uint32_t end() const {
    return seq + static_cast<std::uint32_t>(payload.size()) + (has(wire::kSyn) ? 1 : 0) +
           (has(wire::kFin) ? 1 : 0);
  }
  static Seen of(const Frame& frame, const Segment::Side& sender);
};

// The kinds of the options, in order.
std::vector<std::uint8_t> option_kinds(Bytes options);

// "FPA", or "none"
std::string flag_names(std::uint8_t flags);

}  // namespace naru::test
