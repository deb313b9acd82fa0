#include "wire/ipv4_options.hpp"

namespace naru::wire {

bool Ipv4OptionWalker::next(Ipv4Option& option) {
  while (offset_ < options_.size() && options_[offset_] == Ipv4Option::kNop) ++offset_;
  if (offset_ == options_.size() || options_[offset_] == Ipv4Option::kEndOfList) return false;
  const Bytes rest = options_.subspan(offset_);
  if (rest.size() < 2 || rest[1] < 2 || rest[1] > rest.size()) {
    malformed_ = true;
    return false;
  }
  option = {rest[0], rest.first(rest[1])};
  offset_ += option.bytes.size();
  return true;
}

Ipv4OptionSummary Ipv4OptionSummary::of(Bytes options) {
  Ipv4OptionSummary summary;
  Ipv4OptionWalker walker(options);
  Ipv4Option option;
  while (walker.next(option)) {
    switch (option.type) {
      case Ipv4Option::kLooseSourceRoute:
        summary.loose_source_route = true;
        break;
      case Ipv4Option::kStrictSourceRoute:
        summary.strict_source_route = true;
        break;
      case Ipv4Option::kRecordRoute:
        summary.record_route = true;
        break;
      case Ipv4Option::kTimestamp:
        summary.timestamp = true;
        break;
      case Ipv4Option::kRouterAlert:
        summary.router_alert = true;
        break;
      default:
        break;
    }
  }
  summary.malformed = walker.malformed();
  if (summary.malformed) summary.error_offset = static_cast<std::uint8_t>(walker.offset());
  return summary;
}

}  // namespace naru::wire
