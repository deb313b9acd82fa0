#include <algorithm>
#include <charconv>

#include <naru/resolver/config.hpp>

namespace naru {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::string_view kSpace = " \t\r\v\f";

// The next word of a line; empty at its end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kSpace));
  line.remove_prefix(word.size());
  return word;
}

// f(line) without its comment.
template <class F>
void for_each_line(std::string_view text, std::string_view comment, const F& f) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    f(line.substr(0, line.find_first_of(comment)));
  }
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return lower;
}

// The number behind "name:", within its bounds; nothing else changes `value`.
template <class T>
void take_option(std::string_view option, std::string_view name, unsigned max, T& value) {
  if (!option.starts_with(name)) return;
  option.remove_prefix(name.size());
  unsigned number = 0;
  const auto [end, error] = std::from_chars(option.data(), option.data() + option.size(), number);
  if (error == std::errc() && end == option.data() + option.size()) {
    value = T(std::min(number, max));
  }
}

// The bounds are those of resolv.conf(5).
void take_options(std::string_view line, ResolverConfig& config) {
  auto timeout = std::chrono::seconds(config.timeout.count() / Duration(1s).count());
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    take_option(word, "ndots:", 15, config.ndots);
    take_option(word, "timeout:", 30, timeout);
    take_option(word, "attempts:", 5, config.attempts);
  }
  config.timeout = std::max(timeout, std::chrono::seconds(1));
  config.attempts = std::max(config.attempts, 1U);
}

void take_search(std::string_view line, ResolverConfig& config) {
  config.search.clear();
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    if (config.search.size() < ResolverConfig::kMaxSearch) config.search.emplace_back(word);
  }
}

}  // namespace

ResolverConfig ResolverConfig::parse(std::string_view resolv_conf) {
  ResolverConfig config;
  for_each_line(resolv_conf, "#;", [&config](std::string_view line) {
    const std::string_view keyword = take_word(line);
    if (keyword == "nameserver") {
      const auto address = IpAddr::parse(take_word(line));
      if (address && config.servers.size() < kMaxServers) {
        config.servers.push_back({*address, kDnsPort});
      }
    } else if (keyword == "search" || keyword == "domain") {
      take_search(line, config);
    } else if (keyword == "options") {
      take_options(line, config);
    }
  });
  return config;
}

HostsFile HostsFile::parse(std::string_view text) {
  HostsFile hosts;
  for_each_line(text, "#", [&hosts](std::string_view line) {
    const auto address = IpAddr::parse(take_word(line));
    if (!address) return;
    for (auto name = take_word(line); !name.empty(); name = take_word(line)) {
      if (hosts.addresses_.size() == kMaxEntries) return;
      hosts.addresses_.emplace(in_lower_case(name), *address);
      hosts.names_.emplace(*address, name);
    }
  });
  return hosts;
}

std::vector<IpAddr> HostsFile::addresses_of(std::string_view name) const {
  std::vector<IpAddr> found;
  if (name.ends_with('.')) name.remove_suffix(1);
  const auto [first, last] = addresses_.equal_range(in_lower_case(name));
  for (auto it = first; it != last; ++it) found.push_back(it->second);
  return found;
}

std::string HostsFile::name_of(const IpAddr& address) const {
  const auto found = names_.find(address);
  return found != names_.end() ? found->second : std::string();
}

}  // namespace naru
