#include "wire/print.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <naru/wire/address.hpp>

#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv4.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"
#include "wire/udp.hpp"

namespace naru::wire {
namespace {

constexpr std::size_t kIpv6HeaderSize = 40;

// The line as it grows.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  Line& operator<<(std::size_t number) {
    text_ += std::to_string(number);
    return *this;
  }
  template <class T>
  requires requires(const T& value) { value.to_string(); }
  Line& operator<<(const T& value) {
    text_ += value.to_string();
    return *this;
  }
  Line& hex(Bytes bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const std::uint8_t byte : bytes) {
      text_ += kDigits[byte >> 4U];
      text_ += kDigits[byte & 0xfU];
    }
    return *this;
  }
  Line& hex(std::uint16_t value) {
    std::uint8_t bytes[2];
    store_be16(bytes, value);
    *this << "0x";
    return hex(Bytes(bytes));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// "cksum ok" or what is wrong with it. `field` is the checksum as it came,
// `sum` that of everything it covers, itself included.
void print_checksum(std::uint16_t field, std::uint64_t sum, Line& line) {
  if (verifies(sum)) {
    line << "cksum ok";
    return;
  }
  const std::uint16_t raw = __builtin_bswap16(field);
  const std::uint16_t right = finish(add(sum, static_cast<std::uint16_t>(~raw)));
  line << "cksum bad (";
  line.hex(field) << ", right is ";
  line.hex(__builtin_bswap16(right)) << ")";
}

void print_arp(Bytes payload, Line& line) {
  line << "ARP, ";
  const auto arp = ArpView::parse(payload);
  if (!arp) {
    line << "not for IPv4 over Ethernet";
  } else if (arp->op() == Arp::kRequest) {
    line << "Request who-has " << arp->tpa() << " tell " << arp->spa();
  } else if (arp->op() == Arp::kReply) {
    line << "Reply " << arp->spa() << " is-at " << arp->sha();
  } else {
    line << "operation " << arp->op();
  }
  line << ", length " << payload.size();
}

void print_flags(std::uint8_t flags, Line& line) {
  constexpr std::string_view kLetters = "FSRP.UEW";
  line << "Flags [";
  if (flags == 0) line << "none";
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    if ((flags >> i & 1U) != 0) line << kLetters.substr(i, 1);
  }
  line << "]";
}

// One option; its length has been found legal by TcpOptions::parse().
void print_tcp_option(Bytes option, Line& line) {
  const TcpOptions options = TcpOptions::parse(option);
  switch (option[0]) {
    case kOptionMss:
      line << "mss " << *options.mss;
      break;
    case kOptionWindowScale:
      line << "wscale " << *options.window_scale;
      break;
    case kOptionSackPermitted:
      line << "sackOK";
      break;
    case kOptionSack:
      line << "sack " << options.sack_count << " ";
      for (const SackBlock& block : options.sack()) {
        line << "{" << block.left << ":" << block.right << "}";
      }
      break;
    case kOptionTimestamps:
      line << "TS val " << options.timestamps->value << " ecr " << options.timestamps->echo;
      break;
    case kOptionFastOpen:
      line << "tfo ";
      if (option.size() == 2) {
        line << "cookiereq";
      } else {
        line << "cookie ";
        line.hex(option.subspan(2));
      }
      break;
    default:
      line << "unknown-" << option[0];
      break;
  }
}

// One by one and in their order, padding included.
void print_tcp_options(Bytes options, Line& line) {
  std::string_view separator = "";
  while (!options.empty()) {
    line << separator;
    separator = ",";
    if (options[0] == kOptionEnd) {
      line << "eol";
      return;
    }
    std::size_t size = 1;
    if (options[0] == kOptionNop) {
      line << "nop";
    } else {
      size = options.size() < 2 ? 0 : options[1];
      if (size < 2 || size > options.size() || TcpOptions::parse(options.first(size)).malformed) {
        line << "malformed kind " << options[0] << " length " << size;
        return;
      }
      print_tcp_option(options.first(size), line);
    }
    options = options.subspan(size);
  }
}

void print_sequence(const TcpView& tcp, Line& line) {
  const std::size_t size = tcp.payload().size();
  if (size == 0 && (tcp.flags() & (kSyn | kFin | kRst)) == 0) return;
  line << ", seq " << tcp.seq();
  if (size != 0) line << ":" << static_cast<std::uint32_t>(tcp.seq() + size);
}

void print_tcp(const Ipv4View& ip, Line& line) {
  const auto tcp = TcpView::parse(ip.payload());
  if (!tcp) {
    line << ip.src() << " > " << ip.dst() << ": TCP, bad header, length " << ip.payload().size();
    return;
  }
  line << ip.src() << "." << tcp->src_port() << " > " << ip.dst() << "." << tcp->dst_port() << ": ";
  print_flags(tcp->flags(), line);
  const std::uint64_t pseudo = pseudo_header_sum(ip.src(), ip.dst(), Protocol::tcp,
                                                 static_cast<std::uint32_t>(tcp->bytes().size()));
  line << ", ";
  print_checksum(tcp->checksum(), sum_bytes(tcp->bytes(), pseudo), line);
  print_sequence(*tcp, line);
  if (tcp->has(kAck)) line << ", ack " << tcp->ack();
  line << ", win " << tcp->window();
  if (tcp->has(kUrg)) line << ", urg " << tcp->urgent_pointer();
  if (!tcp->options().empty()) {
    line << ", options [";
    print_tcp_options(tcp->options(), line);
    line << "]";
  }
  line << ", length " << tcp->payload().size();
}

void print_udp(const Ipv4View& ip, Line& line) {
  const auto udp = UdpView::parse(ip.payload());
  if (!udp) {
    line << ip.src() << " > " << ip.dst() << ": UDP, bad length, length " << ip.payload().size();
    return;
  }
  line << ip.src() << "." << udp->src_port() << " > " << ip.dst() << "." << udp->dst_port()
       << ": UDP, ";
  if (udp->has_checksum()) {
    const std::uint64_t pseudo =
        pseudo_header_sum(ip.src(), ip.dst(), Protocol::udp, udp->length());
    print_checksum(udp->checksum(), sum_bytes(udp->bytes(), pseudo), line);
  } else {
    line << "no cksum";
  }
  line << ", length " << udp->payload().size();
}

// What an error says about the packet that it quotes.
void print_unreachable(const Icmpv4View& icmp, const Ipv4View& quote, Line& line) {
  switch (static_cast<Icmpv4Unreachable>(icmp.code())) {
    case Icmpv4Unreachable::network:
      line << "net " << quote.dst() << " unreachable";
      break;
    case Icmpv4Unreachable::host:
      line << "host " << quote.dst() << " unreachable";
      break;
    case Icmpv4Unreachable::protocol:
      line << quote.dst() << " protocol " << static_cast<std::uint8_t>(quote.protocol())
           << " unreachable";
      break;
    case Icmpv4Unreachable::port:
      line << quote.dst();
      if (quote.protocol() == Protocol::tcp) line << " tcp";
      if (quote.protocol() == Protocol::udp) line << " udp";
      if (quote.payload().size() >= 4) line << " port " << load_be16(quote.payload().data() + 2);
      line << " unreachable";
      break;
    case Icmpv4Unreachable::fragmentation_needed:
      line << quote.dst() << " unreachable - need to frag (mtu " << icmp.next_hop_mtu() << ")";
      break;
    default:
      line << quote.dst() << " unreachable - code " << icmp.code();
      break;
  }
}

void print_icmp_error(const Icmpv4View& icmp, Line& line) {
  const auto quote = Ipv4View::parse_quote(icmp.payload());
  if (!quote) {
    line << "type " << static_cast<std::uint8_t>(icmp.type()) << " code " << icmp.code()
         << ", bad quote";
    return;
  }
  switch (icmp.type()) {
    case Icmpv4Type::unreachable:
      print_unreachable(icmp, *quote, line);
      break;
    case Icmpv4Type::redirect:
      line << "redirect " << quote->dst() << " to " << icmp.gateway();
      break;
    case Icmpv4Type::time_exceeded:
      line << (icmp.code() == 0 ? "time exceeded in-transit" : "ip reassembly time exceeded");
      break;
    case Icmpv4Type::parameter_problem:
      line << "parameter problem - octet " << icmp.pointer();
      break;
    default:
      line << "type " << static_cast<std::uint8_t>(icmp.type()) << " code " << icmp.code();
      break;
  }
}

void print_icmp(const Ipv4View& ip, Line& line) {
  line << ip.src() << " > " << ip.dst() << ": ICMP ";
  const auto icmp = Icmpv4View::parse(ip.payload());
  if (!icmp) {
    line << "truncated, length " << ip.payload().size();
    return;
  }
  if (icmp->is_error()) {
    print_icmp_error(*icmp, line);
  } else if (icmp->type() == Icmpv4Type::echo_request || icmp->type() == Icmpv4Type::echo_reply) {
    line << (icmp->type() == Icmpv4Type::echo_request ? "echo request" : "echo reply") << ", id "
         << icmp->id() << ", seq " << icmp->seq();
  } else {
    line << "type " << static_cast<std::uint8_t>(icmp->type()) << " code " << icmp->code();
  }
  line << ", ";
  print_checksum(icmp->checksum(), sum_bytes(ip.payload()), line);
  line << ", length " << ip.payload().size();
}

std::string protocol_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::icmp:
      return "icmp";
    case Protocol::igmp:
      return "igmp";
    case Protocol::tcp:
      return "tcp";
    case Protocol::udp:
      return "udp";
    default:
      return "protocol " + std::to_string(static_cast<std::uint8_t>(protocol));
  }
}

void print_fragment(const Ipv4View& ip, Line& line) {
  line << ip.src() << " > " << ip.dst() << ": " << protocol_name(ip.protocol()) << ", frag "
       << ip.id() << ":" << ip.payload().size() << "@" << ip.fragment_offset();
  if (ip.more_fragments()) line << "+";
}

void print_ipv4(Bytes bytes, Line& line) {
  line << "IP ";
  const auto ip = Ipv4View::parse(bytes);
  if (!ip) {
    line << "bad header, length " << bytes.size();
    return;
  }
  if (!ip->header_checksum_ok()) {
    print_checksum(ip->checksum(), sum_bytes(bytes.first(ip->header_size())), line);
    line << ", ";
  }
  if (ip->has_options()) {
    const bool malformed = Ipv4OptionSummary::of(ip->options()).malformed;
    line << (malformed ? "malformed options, " : "options, ");
  }
  if (ip->is_fragment()) {
    print_fragment(*ip, line);
  } else if (ip->protocol() == Protocol::tcp) {
    print_tcp(*ip, line);
  } else if (ip->protocol() == Protocol::udp) {
    print_udp(*ip, line);
  } else if (ip->protocol() == Protocol::icmp) {
    print_icmp(*ip, line);
  } else {
    line << ip->src() << " > " << ip->dst() << ": " << protocol_name(ip->protocol()) << ", length "
         << ip->payload().size();
  }
}

void print_ipv6(Bytes bytes, Line& line) {
  line << "IP6 ";
  if (bytes.size() < kIpv6HeaderSize || bytes[0] >> 4U != 6) {
    line << "bad header, length " << bytes.size();
    return;
  }
  std::array<std::uint8_t, 16> src{};
  std::array<std::uint8_t, 16> dst{};
  std::copy_n(bytes.begin() + 8, 16, src.begin());
  std::copy_n(bytes.begin() + 24, 16, dst.begin());
  line << IpAddr::v6(src) << " > " << IpAddr::v6(dst) << ": next header " << bytes[6] << ", length "
       << load_be16(bytes.data() + 4);
}

void print_tag(const VlanTag& tag, Line& line) {
  line << "vlan " << tag.id << ", p " << tag.priority << (tag.drop_eligible ? ", DEI, " : ", ");
}

}  // namespace

std::string print_frame(Bytes frame) {
  Line line;
  const auto ethernet = EthernetHeader::parse(frame);
  if (!ethernet) {
    const auto view = EthernetView::parse(frame);
    if (!view) {
      line << "truncated frame";
    } else if (view->type() < kMinEtherType) {
      line << "802.3 frame";
    } else {
      line << "bad VLAN tags";
    }
    line << ", length " << frame.size();
    return line.take();
  }
  if (ethernet->tag) print_tag(*ethernet->tag, line);
  if (ethernet->inner_tag) print_tag(*ethernet->inner_tag, line);
  const Bytes payload = frame.subspan(ethernet->payload_offset);
  switch (ethernet->ether_type) {
    case kEtherTypeArp:
      print_arp(payload, line);
      break;
    case kEtherTypeIpv4:
      print_ipv4(payload, line);
      break;
    case kEtherTypeIpv6:
      print_ipv6(payload, line);
      break;
    default:
      line << "ethertype ";
      line.hex(ethernet->ether_type) << ", length " << payload.size();
      break;
  }
  return line.take();
}

std::string print_packet(Bytes packet) {
  Line line;
  if (!packet.empty() && packet[0] >> 4U == 6) {
    print_ipv6(packet, line);
  } else {
    print_ipv4(packet, line);
  }
  return line.take();
}

}  // namespace naru::wire
