#include "packetdrill/settings.hpp"

#include <charconv>
#include <optional>

namespace naru::packetdrill {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool set_address(IpAddr& address, std::string_view value) {
  const auto parsed = IpAddr::parse(value);
  if (!parsed || !parsed->is_v4()) return false;
  address = *parsed;
  return true;
}

bool set_in_range(auto& field, std::string_view value, std::int64_t min, std::int64_t max) {
  const auto n = number(value);
  if (!n || *n < min || *n > max) return false;
  field = static_cast<std::remove_reference_t<decltype(field)>>(*n);
  return true;
}

bool set_option(Options& options, std::string_view name, std::string_view value) {
  const auto option = find_option(name);
  const auto n = number(value);
  return option && n && options.set(*option, *n);
}

bool apply(Settings& settings, std::string_view name, std::string_view value) {
  if (name == "local_ip") return set_address(settings.local, value);
  if (name == "remote_ip") return set_address(settings.remote, value);
  if (name == "gateway_ip") return set_address(settings.gateway, value);
  if (name == "prefix") return set_in_range(settings.prefix_length, value, 1, 32);
  if (name == "mtu") return set_in_range(settings.mtu, value, 68, 65'535);
  // ipv4, ipv6 or ipv4-mapped-ipv6: sockets of both families speak IPv4 here.
  if (name == "variant") return value != "ipv6";
  return set_option(settings.options, name, value);
}

}  // namespace

std::expected<Settings, std::string> Settings::parse(std::string_view flags) {
  Settings settings;
  while (!flags.empty()) {
    const std::string_view flag = flags.substr(0, flags.find(','));
    flags.remove_prefix(std::min(flags.size(), flag.size() + 1));
    const std::size_t equals = flag.find('=');
    if (flag.empty()) continue;
    if (equals == std::string_view::npos ||
        !apply(settings, flag.substr(0, equals), flag.substr(equals + 1))) {
      return std::unexpected("--so_flags: '" + std::string(flag) + "' makes no sense");
    }
  }
  return settings;
}

}  // namespace naru::packetdrill
