// ARP packets as frames (RFC 826), in and out.
#pragma once

#include <naru/buf/packet.hpp>
#include <naru/time/time.hpp>

#include "ip/context.hpp"
#include "ip/interface.hpp"
#include "wire/arp.hpp"

namespace naru::ip {

// Queues an ARP packet on an interface, to `destination`.
void send_arp(Context& context, const Interface& interface, std::uint8_t index,
              const MacAddr& destination, const wire::Arp& arp, Time now);

}  // namespace naru::ip
