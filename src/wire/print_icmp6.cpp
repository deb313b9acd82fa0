#include <array>

#include "wire/icmpv6.hpp"
#include "wire/ipv6.hpp"
#include "wire/ndp.hpp"
#include "wire/print_line.hpp"

namespace naru::wire {
namespace {

void print_unreachable(const Icmpv6View& icmp, const Ipv6View& quote, Line& line) {
  constexpr std::array<std::string_view, 5> kReasons{"no route", "prohibited", "beyond scope",
                                                     "address", "port"};
  line << quote.dst() << " unreachable - ";
  if (icmp.code() < kReasons.size()) {
    line << kReasons[icmp.code()];
  } else {
    line << "code " << icmp.code();
  }
  const bool is_port = icmp.code() == static_cast<std::uint8_t>(Icmpv6Unreachable::port);
  if (is_port && quote.payload().size() >= 4) line << " " << load_be16(quote.payload().data() + 2);
}

void print_error(const Icmpv6View& icmp, Line& line) {
  const auto quote = Ipv6View::parse_quote(icmp.payload());
  if (!quote) {
    line << "type " << static_cast<std::uint8_t>(icmp.type()) << " code " << icmp.code()
         << ", bad quote";
    return;
  }
  switch (icmp.type()) {
    case Icmpv6Type::unreachable:
      print_unreachable(icmp, *quote, line);
      break;
    case Icmpv6Type::too_big:
      line << "packet to " << quote->dst() << " too big (mtu " << icmp.rest() << ")";
      break;
    case Icmpv6Type::time_exceeded:
      line << (icmp.code() == 0 ? "time exceeded in-transit" : "ip reassembly time exceeded");
      break;
    case Icmpv6Type::parameter_problem:
      line << "parameter problem - octet " << icmp.rest();
      break;
    default:
      line << "type " << static_cast<std::uint8_t>(icmp.type()) << " code " << icmp.code();
      break;
  }
}

// True when it is one.
bool print_ndp(Bytes message, Line& line) {
  const auto ndp = NdpView::parse(message);
  if (!ndp) return false;
  const auto options = NdpOptions::of(ndp->options());
  switch (ndp->type()) {
    case Icmpv6Type::router_solicitation:
      line << "router solicitation";
      break;
    case Icmpv6Type::router_advertisement:
      line << "router advertisement";
      break;
    case Icmpv6Type::neighbour_solicitation:
      line << "who-has " << ndp->target();
      break;
    case Icmpv6Type::neighbour_advertisement:
      line << ndp->target() << " is-at ";
      if (options.target_link_layer) {
        line << *options.target_link_layer;
      } else {
        line << "the sender";
      }
      break;
    default:
      line << "redirect " << ndp->destination() << " to " << ndp->target();
      break;
  }
  if (options.malformed) line << ", malformed options";
  return true;
}

}  // namespace

void print_icmp6(const Upper& ip, Line& line) {
  line << ip.src << " > " << ip.dst << ": ICMP6 ";
  const auto icmp = Icmpv6View::parse(ip.payload);
  if (!icmp || !icmp->has_rest()) {
    line << "truncated, length " << ip.payload.size();
    return;
  }
  if (icmp->is_error()) {
    print_error(*icmp, line);
  } else if (icmp->type() == Icmpv6Type::echo_request || icmp->type() == Icmpv6Type::echo_reply) {
    line << (icmp->type() == Icmpv6Type::echo_request ? "echo request" : "echo reply") << ", id "
         << icmp->id() << ", seq " << icmp->seq();
  } else if (!print_ndp(ip.payload, line)) {
    line << "type " << static_cast<std::uint8_t>(icmp->type()) << " code " << icmp->code();
  }
  const auto length = static_cast<std::uint32_t>(ip.payload.size());
  const std::uint64_t pseudo = pseudo_header_sum(ip.src, ip.dst, Protocol::icmpv6, length);
  line << ", ";
  print_checksum(load_be16(ip.payload.data() + Icmpv6::kChecksumOffset),
                 sum_bytes(ip.payload, pseudo), line);
  line << ", length " << ip.payload.size();
}

}  // namespace naru::wire
