// A hierarchy of zones: the root, the top-level domain example, and two below it.
#pragma once

#include <gtest/gtest.h>

#include <naru/dns/zone.hpp>

namespace naru::dns::test {

inline constexpr std::string_view kRootZone = R"(
$TTL 86400
.                 SOA a.root. admin.root. 1 3600 600 86400 300
.                 NS  a.root.
a.root.           A   10.0.0.10
example.          NS  ns.nic.example.
ns.nic.example.   A   10.0.0.11
arpa.             NS  a.root.
)";

inline constexpr std::string_view kExampleZone = R"(
$ORIGIN example.
$TTL 3600
@         SOA ns.nic admin 7 3600 600 86400 60
          NS  ns.nic
ns.nic    A   10.0.0.11
shop      NS  ns.shop          ; with glue
          NS  ns.elsewhere.example.
ns.shop   A   10.0.0.12
farm      NS  ns.shop          ; without: it is below another zone
)";

inline constexpr std::string_view kShopZone = R"(
$ORIGIN shop.example.
$TTL 300
@         SOA ns admin 1 3600 600 86400 60
          NS  ns
          MX  10 mail
ns        A   10.0.0.12
www       A   192.0.2.1
          A   192.0.2.2
          AAAA 2001:db8::1
mail      A   192.0.2.3
web       CNAME www
chain     CNAME web
away      CNAME www.farm.example.
loop      CNAME pool
pool      CNAME loop
deep.down.below A 192.0.2.4
*.wild    TXT "anything" "at all"
_http._tcp SRV 1 2 80 www
)";

inline constexpr std::string_view kFarmZone = R"(
$ORIGIN farm.example.
$TTL 300
@         SOA ns.shop.example. admin 1 3600 600 86400 60
          NS  ns.shop.example.
www       A   198.51.100.1
)";

inline Zone zone(std::string_view text, std::string_view origin = ".") {
  auto parsed = Zone::parse(text, origin);
  if (!parsed) throw std::runtime_error(parsed.error());
  return std::move(*parsed);
}

}  // namespace naru::dns::test
