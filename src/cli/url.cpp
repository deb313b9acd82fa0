#include "cli/url.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <naru/wire/address.hpp>

namespace naru::cli {
namespace {

constexpr std::string_view kScheme = "http://";

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool starts_with_scheme(std::string_view text) {
  return std::ranges::equal(text.substr(0, kScheme.size()), kScheme, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b;
  });
}

// "scheme:", of whatever scheme.
bool has_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != 0 && colon != std::string_view::npos &&
         text.substr(0, colon).find_first_of("/?#") == std::string_view::npos;
}

}  // namespace

std::string Url::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  const std::string name = is_v6 ? fmt::format("[{}]", host) : host;
  return port == 80 ? name : fmt::format("{}:{}", name, port);
}

std::string Url::to_string() const { return fmt::format("http://{}{}", authority(), target); }

std::expected<Url, std::string> Url::parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(fmt::format("{}: {}", text, why));
  };
  if (!is_printable(text)) return wrong("a URL has no spaces and no control characters");
  std::string_view rest = text.substr(0, text.find('#'));
  if (!starts_with_scheme(rest)) return wrong("only http://... is spoken here");
  rest.remove_prefix(kScheme.size());
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) return wrong("no user names in URLs");

  Url url;
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return wrong("the address has no end (])");
    const auto address = IpAddr::parse(authority.substr(1, bracket - 1));
    if (!address || address->is_v4()) return wrong("no IPv6 address in the brackets");
    url.host = authority.substr(1, bracket - 1);
    authority.remove_prefix(bracket + 1);
    if (!authority.empty() && authority[0] != ':') return wrong("only a port follows the address");
  }
  if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || stop != port.data() + port.size() || url.port == 0) {
      return wrong("the port is a number from 1 to 65535");
    }
    authority = authority.substr(0, colon);
  }
  if (url.host.empty()) url.host = authority;
  if (url.host.empty()) return wrong("the host is missing");
  const std::string_view target = rest.substr(end);
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return url;
}

std::expected<Url, std::string> Url::resolve(std::string_view reference) const {
  if (has_scheme(reference)) return parse(reference);
  if (reference.starts_with("//")) return parse("http:" + std::string(reference));
  std::string base = fmt::format("http://{}", authority());
  if (reference.starts_with('/')) return parse(base.append(reference));
  const std::string path = target.substr(0, target.find('?'));
  if (reference.empty()) return *this;
  if (reference.starts_with('?')) return parse(base.append(path).append(reference));
  return parse(base.append(path, 0, path.rfind('/') + 1).append(reference));
}

std::string Url::file_name() const {
  const std::string path = target.substr(0, target.find('?'));
  return path.substr(path.rfind('/') + 1);
}

}  // namespace naru::cli
