#include "wire/print.hpp"

#include <string>
#include <string_view>

#include <naru/wire/address.hpp>

#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv4.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"
#include "wire/ipv6_extension.hpp"
#include "wire/print_line.hpp"
#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"
#include "wire/udp.hpp"

namespace naru::wire {
namespace {

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

void print_tcp(const Upper& ip, Line& line) {
  const auto tcp = TcpView::parse(ip.payload);
  if (!tcp) {
    line << ip.src << " > " << ip.dst << ": TCP, bad header, length " << ip.payload.size();
    return;
  }
  line << ip.src << "." << tcp->src_port() << " > " << ip.dst << "." << tcp->dst_port() << ": ";
  print_flags(tcp->flags(), line);
  const std::uint64_t pseudo = pseudo_header_sum(ip.src, ip.dst, Protocol::tcp,
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

void print_udp(const Upper& ip, Line& line) {
  const auto udp = UdpView::parse(ip.payload);
  if (!udp) {
    line << ip.src << " > " << ip.dst << ": UDP, bad length, length " << ip.payload.size();
    return;
  }
  line << ip.src << "." << udp->src_port() << " > " << ip.dst << "." << udp->dst_port()
       << ": UDP, ";
  if (udp->has_checksum()) {
    const std::uint64_t pseudo = pseudo_header_sum(ip.src, ip.dst, Protocol::udp, udp->length());
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
    print_tcp({ip->src(), ip->dst(), ip->payload()}, line);
  } else if (ip->protocol() == Protocol::udp) {
    print_udp({ip->src(), ip->dst(), ip->payload()}, line);
  } else if (ip->protocol() == Protocol::icmp) {
    print_icmp(*ip, line);
  } else {
    line << ip->src() << " > " << ip->dst() << ": " << protocol_name(ip->protocol()) << ", length "
         << ip->payload().size();
  }
}

void print_fragment6(const Ipv6View& ip, const Ipv6Fragment& fragment, Line& line) {
  const std::size_t size = ip.total_length() - fragment.at - Ipv6Fragment::kSize;
  line << ip.src() << " > " << ip.dst() << ": "
       << protocol_name(static_cast<Protocol>(fragment.next_header)) << ", frag " << fragment.id
       << ":" << size << "@" << fragment.offset;
  if (fragment.more) line << "+";
}

void print_ipv6(Bytes bytes, Line& line) {
  line << "IP6 ";
  const auto ip = Ipv6View::parse(bytes);
  if (!ip) {
    line << "bad header, length " << bytes.size();
    return;
  }
  const auto chain = Ipv6Chain::of(*ip, false, false);
  if (chain.fault != Ipv6Chain::Fault::none) line << "bad extension headers, ";
  if (chain.fragment && !chain.fragment->is_atomic()) {
    print_fragment6(*ip, *chain.fragment, line);
    return;
  }
  const Upper upper{ip->src(), ip->dst(), ip->bytes().subspan(chain.upper_at)};
  const auto protocol = static_cast<Protocol>(chain.upper);
  if (protocol == Protocol::tcp) {
    print_tcp(upper, line);
  } else if (protocol == Protocol::udp) {
    print_udp(upper, line);
  } else if (protocol == Protocol::icmpv6) {
    print_icmp6(upper, line);
  } else {
    line << upper.src << " > " << upper.dst << ": " << protocol_name(protocol) << ", length "
         << upper.payload.size();
  }
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
