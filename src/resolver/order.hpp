// In which order a host's addresses are tried (RFC 6724 6).
#pragma once

#include <vector>

#include <naru/resolver/network.hpp>

namespace naru::resolver {

// Sorts by what the network would do with each: those that it has no way to come last. The
// others stay in their order where no rule tells them apart.
void sort_by_destination(std::vector<IpAddr>& addresses, Network& network);

}  // namespace naru::resolver
