#include "dhcp/bindings.hpp"

#include <algorithm>

namespace naru::dhcp {

bool Bindings::is_free_for(const ClientName& client, const IpAddr& address, Time now) const {
  if (!is_in_range(address.to_v4())) return false;
  const auto taken = by_address_.find(address.to_v4());
  return taken == by_address_.end() || now >= taken->second.expires ||
         (taken->second.client == client && taken->second.kind != Kind::declined);
}

std::optional<IpAddr> Bindings::choose(const ClientName& client, const std::optional<IpAddr>& wish,
                                       Time now) const {
  const auto own = by_client_.find(client);
  if (own != by_client_.end() && is_free_for(client, IpAddr::v4(own->second), now)) {
    return IpAddr::v4(own->second);
  }
  if (wish && is_free_for(client, *wish, now)) return wish;
  // In order, so the first gap is the first number that is not its neighbour's.
  std::uint32_t next = first_;
  for (const auto& [address, binding] : by_address_) {
    if (next == own_) ++next;
    if (address != next) break;
    ++next;
  }
  if (next == own_) ++next;
  if (next <= last_) return IpAddr::v4(next);
  const auto oldest = std::ranges::min_element(
      by_address_, {}, [](const auto& entry) { return entry.second.expires; });
  if (oldest == by_address_.end() || now < oldest->second.expires) return std::nullopt;
  return IpAddr::v4(oldest->first);
}

std::optional<IpAddr> Bindings::of(const ClientName& client, Time now) const {
  const auto own = by_client_.find(client);
  if (own == by_client_.end() || now >= by_address_.at(own->second).expires) return std::nullopt;
  return IpAddr::v4(own->second);
}

void Bindings::forget(std::map<std::uint32_t, Binding>::iterator binding) {
  by_client_.erase(binding->second.client);
  by_address_.erase(binding);
}

void Bindings::bind(const ClientName& client, const IpAddr& address, Kind kind, Time expires) {
  const std::uint32_t number = address.to_v4();
  if (const auto own = by_client_.find(client); own != by_client_.end()) {
    forget(by_address_.find(own->second));
  }
  if (const auto other = by_address_.find(number); other != by_address_.end()) forget(other);
  by_address_[number] = {client, kind, expires};
  by_client_[client] = number;
}

void Bindings::release(const ClientName& client, const IpAddr& address) {
  const auto binding = by_address_.find(address.to_v4());
  if (binding == by_address_.end() || binding->second.client != client) return;
  // It is remembered whose it was.
  binding->second.expires = Time{};
}

void Bindings::decline(const ClientName& client, const IpAddr& address, Time until) {
  const auto binding = by_address_.find(address.to_v4());
  if (binding == by_address_.end() || binding->second.client != client) return;
  by_client_.erase(client);
  // Under a name that no client has.
  binding->second = {{}, Kind::declined, until};
}

std::size_t Bindings::count(Kind kind, Time now) const {
  return static_cast<std::size_t>(std::ranges::count_if(by_address_, [&](const auto& entry) {
    return entry.second.kind == kind && now < entry.second.expires;
  }));
}

}  // namespace naru::dhcp
