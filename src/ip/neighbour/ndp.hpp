// Neighbour discovery messages as frames (RFC 4861), out.
#pragma once

#include <optional>

#include <naru/time/time.hpp>

#include "ip/context.hpp"
#include "ip/interface.hpp"
#include "wire/ndp.hpp"
#include "wire/ndp_router.hpp"

namespace naru::ip {

// Queues the question whether anybody has `target` (RFC 4862 5.4.2), from nobody.
void send_probe(Context& context, const Interface& interface, std::uint8_t index,
                const IpAddr& target, const wire::NdpNonce& nonce, Time now);

// Queues a question for `target` on an interface: to the neighbour itself where it is known
// to be at `known`, else to the group of all that might have it (RFC 4861 7.2.2).
void send_solicitation(Context& context, const Interface& interface, std::uint8_t index,
                       const IpAddr& source, const IpAddr& target,
                       const std::optional<MacAddr>& known, Time now);

// Queues the question which routers there are, from `source` (or nobody).
void send_router_solicitation(Context& context, const Interface& interface, std::uint8_t index,
                              const IpAddr& source, Time now);

// Queues a router's word to all nodes of a link.
void send_router_advertisement(Context& context, const Interface& interface, std::uint8_t index,
                               const IpAddr& source, const wire::RouterAdvertisement& message,
                               Time now);

// The frame of a redirect to a host; nullptr: no buffer is free.
Packet* make_redirect(Context& context, const Interface& interface, std::uint8_t index,
                      const IpAddr& source, const IpAddr& to, const MacAddr& at,
                      const wire::Redirect& redirect);

// The frame of an advertisement to one neighbour, or to all nodes; nullptr: no buffer is free.
Packet* make_advertisement(Context& context, const Interface& interface, std::uint8_t index,
                           const IpAddr& to, const MacAddr& at,
                           const wire::NeighbourAdvertisement& advertisement, Time now);

}  // namespace naru::ip
