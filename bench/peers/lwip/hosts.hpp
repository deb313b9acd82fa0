// Where the two copies of lwIP come from: linked in under two prefixes (hosts_linked.cpp),
// or Debian's shared library loaded twice (hosts_loaded.cpp).
#pragma once

#include "host.hpp"

namespace naru::bench::lwip {

const HostApi& client_host();
const HostApi& server_host();

}  // namespace naru::bench::lwip
