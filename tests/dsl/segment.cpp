#include "dsl/segment.hpp"

#include <algorithm>
#include <sstream>

namespace naru::test {
namespace {

std::string hex(Bytes data) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : data) {
    out += {kDigits[byte >> 4U], kDigits[byte & 15U], ' '};
  }
  return out.empty() ? "nothing" : out;
}

// Where two payloads start to differ, for a message.
std::string first_difference(Bytes actual, Bytes expected) {
  const auto at = std::mismatch(actual.begin(), actual.end(), expected.begin(), expected.end());
  return "byte " + std::to_string(at.first - actual.begin()) + " of " +
         std::to_string(actual.size());
}

void append_block(Buffer& out, const wire::SackBlock& block, std::uint32_t base) {
  append32(out, base + block.left);
  append32(out, base + block.right);
}

}  // namespace

std::string flag_names(std::uint8_t flags) {
  static constexpr char kNames[] = "FSRPAUEC";
  std::string out;
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((flags >> bit & 1U) != 0) out += kNames[bit];
  }
  return out.empty() ? "none" : out;
}

std::vector<std::uint8_t> option_kinds(Bytes options) {
  std::vector<std::uint8_t> kinds;
  for (std::size_t i = 0; i < options.size();) {
    kinds.push_back(options[i]);
    if (options[i] == wire::kOptionEnd) break;
    if (options[i] == wire::kOptionNop) {
      ++i;
    } else if (i + 1 < options.size() && options[i + 1] >= 2) {
      i += options[i + 1];
    } else {
      break;
    }
  }
  return kinds;
}

std::uint32_t Segment::sequence_length() const {
  const std::size_t payload = data_ ? data_->size() : stream_.value_or(length_.value_or(0));
  return static_cast<std::uint32_t>(payload) + ((flags_ & wire::kSyn) != 0 ? 1 : 0) +
         ((flags_ & wire::kFin) != 0 ? 1 : 0);
}

Buffer Segment::payload(const Side& sender) const {
  if (data_) return *data_;
  if (stream_) return test::stream(first(sender) - sender.iss - 1U, *stream_);
  return {};
}

Buffer Segment::make_options(const Side& sender) const {
  Buffer out;
  if (options_.mss) {
    append(out, Buffer{wire::kOptionMss, 4});
    append16(out, *options_.mss);
  }
  if (options_.sack_permitted) append(out, Buffer{wire::kOptionSackPermitted, 2});
  if (options_.timestamps) {
    append(out, Buffer{wire::kOptionTimestamps, 10});
    append32(out, options_.timestamps->value);
    append32(out, options_.timestamps->echo);
  }
  if (options_.window_scale)
    append(out, Buffer{wire::kOptionWindowScale, 3, *options_.window_scale});
  if (sack_) {
    append(out, Buffer{wire::kOptionSack, static_cast<std::uint8_t>(2 + 8 * sack_->size())});
    for (const wire::SackBlock& block : *sack_) append_block(out, block, sender.irs);
  }
  append(out, raw_options_);
  out.resize((out.size() + 3) / 4 * 4, wire::kOptionEnd);
  return out;
}

Buffer Segment::render(const Side& sender) const {
  const Buffer options = make_options(sender);
  const bool has_ack = (flags_ & wire::kAck) != 0;
  const std::uint32_t ack = ack_ ? sender.irs + *ack_ : (has_ack ? sender.rcv_nxt : 0);
  const auto words = data_offset_.value_or(static_cast<std::uint8_t>(5 + options.size() / 4));

  Buffer out;
  append16(out, sport_.value_or(sender.sport));
  append16(out, dport_.value_or(sender.dport));
  append32(out, first(sender));
  append32(out, ack);
  out.push_back(static_cast<std::uint8_t>(words << 4U | reserved_.value_or(0)));
  out.push_back(flags_);
  append16(out, window_.value_or(sender.window));
  append16(out, 0);
  append16(out, urgent_.value_or(0));
  append(out, options);
  append(out, payload(sender));
  const std::uint16_t sum =
      slow_checksum(out, slow_pseudo_sum(source_of(ip(), sender.path),
                                         destination_of(ip(), sender.path), 6, out.size()));
  store_be16(out.data() + 16, bad_checksum_ ? sum ^ 0x0101U : sum);
  return make_frame(ip(), sender.path, 6, out);
}

void Segment::compare_flags(const wire::TcpView& tcp, Differences& differences) const {
  if (!flags_set_) return;
  const std::uint8_t care = psh_checked_ ? 0xff : static_cast<std::uint8_t>(~wire::kPsh);
  if ((tcp.flags() & care) != (flags_ & care)) {
    differences.add("flags", flag_names(tcp.flags()), flag_names(flags_));
  }
}

void Segment::compare_options(const wire::TcpView& tcp, const Side& sender, Differences& d) const {
  const wire::TcpOptions options = wire::TcpOptions::parse(tcp.options());
  if (options.malformed) d.add("option list", "malformed", "well-formed");
  if (options_.mss) d.check("mss", options_.mss, options.mss.value_or(0));
  if (options_.window_scale)
    d.check("wscale", options_.window_scale, options.window_scale.value_or(255));
  if (options_.sack_permitted && !options.sack_permitted) d.add("sackOK", "absent", "present");
  if (options_.timestamps && options_.timestamps != options.timestamps) {
    const auto print = [](const std::optional<wire::Timestamps>& ts) {
      return ts ? std::to_string(ts->value) + "/" + std::to_string(ts->echo) : "absent";
    };
    d.add("timestamps", print(options.timestamps), print(options_.timestamps));
  }
  if (sack_) {
    Buffer expected;
    Buffer actual;
    for (const wire::SackBlock& block : *sack_) append_block(expected, block, 0);
    for (const wire::SackBlock& block : options.sack())
      append_block(actual, block, 0U - sender.irs);
    if (actual != expected) d.add("SACK blocks", hex(actual), hex(expected));
  }
  if (option_bytes_ && !std::ranges::equal(*option_bytes_, tcp.options())) {
    d.add("option bytes", hex(tcp.options()), hex(*option_bytes_));
  }
  const std::vector<std::uint8_t> kinds = option_kinds(tcp.options());
  const auto has = [&](std::uint8_t kind) { return std::ranges::find(kinds, kind) != kinds.end(); };
  for (const std::uint8_t kind : with_) {
    if (!has(kind)) d.add("option " + std::to_string(kind), "absent", "present");
  }
  for (const std::uint8_t kind : without_) {
    if (has(kind)) d.add("option " + std::to_string(kind), "present", "absent");
  }
}

void Segment::compare_payload(const wire::TcpView& tcp, const Side& sender, Differences& d) const {
  const Bytes actual = tcp.payload();
  if (length_) d.check("length", length_, actual.size());
  if (!data_ && !stream_) return;
  Side side = sender;
  side.snd_nxt = tcp.seq();
  const Buffer expected = payload(side);
  d.check("length", std::optional(expected.size()), actual.size());
  if (actual.size() == expected.size() && !std::ranges::equal(actual, expected)) {
    d.add("payload", "wrong at " + first_difference(actual, expected), "the bytes sent");
  }
}

std::string Segment::differences(const Frame& frame, const Side& sender) const {
  if (!frame.is_ipv4(6)) return "not a TCP segment";
  const auto tcp = wire::TcpView::parse(frame.ipv4().payload());
  if (!tcp) return "malformed";
  Differences d;
  compare(ip(), frame, d);
  compare_flags(*tcp, d);
  d.check("seq", seq_, tcp->seq() - sender.iss);
  d.check("ack", ack_, tcp->ack() - sender.irs);
  d.check("window", window_, tcp->window());
  d.check("urgent pointer", urgent_, tcp->urgent_pointer());
  d.check("source port", sport_, tcp->src_port());
  d.check("destination port", dport_, tcp->dst_port());
  compare_options(*tcp, sender, d);
  compare_payload(*tcp, sender, d);
  return d.text();
}

std::string Segment::to_string() const {
  std::ostringstream out;
  out << "TCP";
  if (flags_set_) out << " flags " << flag_names(flags_);
  if (seq_) out << " seq " << *seq_;
  if (ack_) out << " ack " << *ack_;
  if (window_) out << " win " << *window_;
  if (urgent_) out << " urg " << *urgent_;
  if (options_.mss) out << " mss " << *options_.mss;
  if (options_.sack_permitted) out << " sackOK";
  if (options_.window_scale) out << " wscale " << int{*options_.window_scale};
  if (options_.timestamps) {
    out << " TS " << options_.timestamps->value << '/' << options_.timestamps->echo;
  }
  for (const wire::SackBlock& block : sack_.value_or(std::vector<wire::SackBlock>{})) {
    out << " sack " << block.left << ':' << block.right;
  }
  if (length_) out << " length " << *length_;
  if (data_) out << " length " << data_->size();
  if (stream_) out << " length " << *stream_;
  return out.str();
}

Seen Seen::of(const Frame& frame, const Segment::Side& sender) {
  const auto tcp = wire::TcpView::parse(frame.ipv4().payload());
  Seen seen;
  seen.at = frame.at;
  seen.frame = frame;
  seen.seq = tcp->seq() - sender.iss;
  seen.ack = tcp->ack() - sender.irs;
  seen.flags = tcp->flags();
  seen.window = tcp->window();
  seen.urgent_pointer = tcp->urgent_pointer();
  seen.options = wire::TcpOptions::parse(tcp->options());
  for (const wire::SackBlock& block : seen.options.sack()) {
    seen.sack.push_back({block.left - sender.irs, block.right - sender.irs});
  }
  seen.payload.assign(tcp->payload().begin(), tcp->payload().end());
  return seen;
}

}  // namespace naru::test
