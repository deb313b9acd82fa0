#include "wire/ipv6_extension.hpp"

namespace naru::wire {
namespace {

using Fault = Ipv6Chain::Fault;
using namespace ipv6_header;

constexpr std::uint8_t kPad1 = 0;
constexpr std::uint8_t kPadN = 1;

// RFC 8200 4.2: what is to be done about an option that is not known.
enum class Action : std::uint8_t { skip = 0, drop = 1, tell = 2, tell_unless_group = 3 };

// One walk over one packet. Each step reads a header that lies in it.
class Walk {
 public:
  Walk(const Ipv6View& packet, bool is_to_group, bool is_whole)
      : bytes_(packet.bytes()), is_to_group_(is_to_group), is_whole_(is_whole) {
    chain_.upper = static_cast<std::uint8_t>(packet.next_header());
    chain_.upper_at = Ipv6::kHeaderSize;
    chain_.next_header_offset = Ipv6::kNextHeaderOffset;
  }

  Ipv6Chain run() {
    unsigned count = 0;
    while (chain_.fault == Fault::none && is_ipv6_extension(chain_.upper) && !is_piece()) {
      if (++count > Ipv6Chain::kMaxHeaders) return fail(Fault::malformed, 0);
      step();
    }
    return chain_;
  }

 private:
  const Ipv6Chain& fail(Fault fault, std::size_t pointer) {
    chain_.fault = fault;
    chain_.pointer = static_cast<std::uint32_t>(pointer);
    return chain_;
  }
  // What follows the header of a later fragment is no header.
  bool is_piece() const { return chain_.fragment && chain_.fragment->offset != 0; }

  void step() {
    const std::size_t at = chain_.upper_at;
    if (bytes_.size() - at < 8) {
      fail(Fault::malformed, at);
      return;
    }
    const std::uint8_t type = chain_.upper;
    const std::size_t size =
        type == kFragment ? Ipv6Fragment::kSize : (bytes_[at + 1] + std::size_t{1}) * 8;
    if (bytes_.size() - at < size) {
      fail(Fault::malformed, at);
      return;
    }
    if (type == kHopByHop && chain_.next_header_offset != Ipv6::kNextHeaderOffset) {
      fail(Fault::next_header, chain_.next_header_offset);  // RFC 8200 4.1
    } else if (type == kRouting) {
      check_routing(at);
    } else if (type == kFragment) {
      take_fragment(at);
    } else {
      check_options(at + 2, at + size);
    }
    if (chain_.fault != Fault::none) return;
    chain_.upper = bytes_[at];
    chain_.upper_at = static_cast<std::uint32_t>(at + size);
    chain_.next_header_offset = static_cast<std::uint32_t>(at);
  }

  // We know no type of it, and type 0 is not to be known (RFC 5095): where there is still a
  // way to go it is not ours to go (RFC 8200 4.4).
  void check_routing(std::size_t at) {
    const std::uint8_t segments_left = bytes_[at + 3];
    if (segments_left != 0) fail(Fault::header_field, at + 2);
  }

  void take_fragment(std::size_t at) {
    if (is_whole_ || chain_.fragment) {  // one in another: nobody sends that
      fail(Fault::malformed, at);
      return;
    }
    const std::uint16_t word = load_be16(&bytes_[at + 2]);
    chain_.fragment = {.at = static_cast<std::uint32_t>(at),
                       .next_header_offset = chain_.next_header_offset,
                       .next_header = bytes_[at],
                       .offset = static_cast<std::uint16_t>(word & 0xfff8U),
                       .more = (word & 1U) != 0,
                       .id = load_be32(&bytes_[at + 4])};
  }

  void check_options(std::size_t at, std::size_t end) {
    unsigned options = 0;
    std::size_t padding = 0;
    while (at < end && chain_.fault == Fault::none) {
      const std::uint8_t type = bytes_[at];
      const std::size_t size = option_size(at, end);
      const bool is_padding = type == kPad1 || type == kPadN;
      padding = is_padding ? padding + size : 0;
      options += is_padding ? 0 : 1;
      if (size == 0 || padding > Ipv6Chain::kMaxPadding || options > Ipv6Chain::kMaxOptions) {
        fail(Fault::malformed, at);
      } else if (type == RouterAlert::kOption) {
        take_router_alert(bytes_.subspan(at, size));
      } else if (!is_padding) {
        judge_unknown(type, at);
      }
      at += size;
    }
  }

  // 0: it does not lie in its header.
  std::size_t option_size(std::size_t at, std::size_t end) const {
    if (bytes_[at] == kPad1) return 1;
    if (end - at < 2) return 0;
    const std::size_t size = std::size_t{bytes_[at + 1]} + 2;
    return size <= end - at ? size : 0;
  }

  // Elsewhere than in a hop-by-hop header it says nothing.
  void take_router_alert(Bytes option) {
    if (chain_.upper == kHopByHop && option.size() == 4) {
      chain_.router_alert = load_be16(&option[2]);
    }
  }

  void judge_unknown(std::uint8_t type, std::size_t at) {
    const auto action = static_cast<Action>(type >> 6U);
    if (action == Action::skip) return;
    const bool tells =
        action == Action::tell || (action == Action::tell_unless_group && !is_to_group_);
    fail(tells ? Fault::bad_option : Fault::option, at);
  }

  Bytes bytes_;
  bool is_to_group_;
  bool is_whole_;
  Ipv6Chain chain_;
};

}  // namespace

Ipv6Chain Ipv6Chain::of(const Ipv6View& packet, bool is_to_group, bool is_whole) {
  return Walk(packet, is_to_group, is_whole).run();
}

}  // namespace naru::wire
