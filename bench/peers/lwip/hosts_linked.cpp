#include "hosts.hpp"

extern "C" {
extern const naru::bench::lwip::HostApi a_lwip_host;
extern const naru::bench::lwip::HostApi b_lwip_host;
}

namespace naru::bench::lwip {

const HostApi& client_host() { return a_lwip_host; }
const HostApi& server_host() { return b_lwip_host; }

}  // namespace naru::bench::lwip
