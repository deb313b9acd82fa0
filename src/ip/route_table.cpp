#include "ip/route_table.hpp"

#include <bit>

namespace naru::ip {

bool RouteTable::init(Arena& arena, Context& context, std::uint32_t capacity) {
  context_ = &context;
  return routes_.init(arena, capacity) && table_.init(arena, routes_, capacity);
}

IpAddr RouteTable::mask(const IpAddr& addr, std::uint8_t length) {
  auto words = std::bit_cast<std::array<std::uint64_t, 2>>(addr.bytes());
  const auto keep = [](unsigned bits) {
    return bits == 0 ? 0 : __builtin_bswap64(~std::uint64_t{0} << (64 - bits));
  };
  words[0] &= keep(length < 64 ? length : 64U);
  words[1] &= keep(length < 64 ? 0U : length - 64U);
  return IpAddr::v6(std::bit_cast<std::array<std::uint8_t, 16>>(words));
}

RouteEntry* RouteTable::find(const Route& route, bool is_connected) const {
  const std::uint8_t length = mapped_length(route.prefix);
  const IpAddr network = mask(route.prefix.addr, length);
  return table_.find(context_->hash(network, length), [&](const RouteEntry& e) {
    return e.length == length && e.network == network && e.route.gateway == route.gateway &&
           e.route.interface == route.interface && e.is_connected == is_connected &&
           (!is_connected || e.route.source == route.source);
  });
}

bool RouteTable::has_alternative(const Route& route) const {
  const std::uint8_t length = mapped_length(route.prefix);
  const IpAddr& network = route.prefix.addr;
  const RouteEntry* other = table_.find(context_->hash(network, length), [&](const RouteEntry& e) {
    return e.length == length && e.network == network && &e.route != &route;
  });
  return other != nullptr;
}

Status RouteTable::add(const Route& route, bool is_connected) {
  const unsigned longest = route.prefix.addr.is_v4() ? 32 : 128;
  if (route.prefix.length > longest) return std::unexpected(Error::invalid);
  if (find(route, is_connected) != nullptr) return std::unexpected(Error::address_in_use);
  RouteEntry* entry = routes_.take();
  if (entry == nullptr) return std::unexpected(Error::no_memory);
  entry->length = mapped_length(route.prefix);
  entry->network = mask(route.prefix.addr, entry->length);
  entry->route = route;
  entry->route.prefix.addr = entry->network;
  entry->is_connected = is_connected;
  entry->order = next_order_++;
  table_.insert(context_->hash(entry->network, entry->length), entry);
  if (routes_of_length_[entry->length]++ == 0) {
    lengths_[entry->length / 64] |= std::uint64_t{1} << (entry->length % 64);
  }
  return {};
}

Status RouteTable::remove(const Route& route, bool is_connected) {
  RouteEntry* entry = find(route, is_connected);
  if (entry == nullptr) return std::unexpected(Error::not_found);
  const std::uint8_t length = entry->length;
  table_.remove(context_->hash(entry->network, length), entry);
  routes_.give_back(entry);
  if (--routes_of_length_[length] == 0) {
    lengths_[length / 64] &= ~(std::uint64_t{1} << (length % 64));
  }
  return {};
}

}  // namespace naru::ip
