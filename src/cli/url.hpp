// URLs of the http scheme (RFC 3986, RFC 9110 4.2.1).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace naru::cli {

struct Url {
  std::string host;  // an IPv6 address without its brackets
  std::uint16_t port = 80;
  std::string target = "/";  // path and query

  // "host", "host:8080" or "[2001:db8::1]:8080", as in a Host field.
  std::string authority() const;
  std::string to_string() const;

  // An absolute URL, or in one line what is wrong with it. The fragment is left out.
  static std::expected<Url, std::string> parse(std::string_view text);
  // Where a reference in a document, or a Location field, leads from here.
  std::expected<Url, std::string> resolve(std::string_view reference) const;
  // The last part of the path; empty for a folder.
  std::string file_name() const;
};

}  // namespace naru::cli
