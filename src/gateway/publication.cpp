#include "gateway/publication.hpp"

#include <charconv>

namespace naru::gateway {
namespace {

constexpr std::string_view kPublish = "publish ";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stopped != end || port == 0) return std::nullopt;
  return port;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto address = IpAddr::parse(text.substr(0, colon));
  const auto port = parse_port(text.substr(colon + 1));
  if (!address || !address->is_v4() || !port) return std::nullopt;
  return Endpoint{*address, *port};
}

std::optional<Protocol> parse_protocol(std::string_view text) {
  if (text == "tcp") return Protocol::tcp;
  if (text == "udp") return Protocol::udp;
  return std::nullopt;
}

std::string_view protocol_name(Protocol protocol) {
  return protocol == Protocol::udp ? "udp" : "tcp";
}

// The text before the separator, which goes with it.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

}  // namespace

std::string Publication::name() const {
  return outside.to_string() + "/" + std::string(protocol_name(protocol));
}

std::optional<Publication> parse_publication(std::string_view text) {
  Publication publication;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto protocol = parse_protocol(text.substr(slash + 1));
    if (!protocol) return std::nullopt;
    publication.protocol = *protocol;
    text = text.substr(0, slash);
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto inside = parse_port(text.substr(colon + 1));
  if (!inside) return std::nullopt;
  publication.inside.port = *inside;
  const std::string_view outside = text.substr(0, colon);
  if (outside.find(':') != std::string_view::npos) {
    const auto endpoint = parse_endpoint(outside);
    if (!endpoint) return std::nullopt;
    publication.outside = *endpoint;
    return publication;
  }
  const auto port = parse_port(outside);
  if (!port) return std::nullopt;
  publication.outside.port = *port;
  return publication;
}

std::string to_line(const Publication& publication) {
  std::string line(kPublish);
  line.append(protocol_name(publication.protocol)).append(" ");
  line.append(publication.outside.to_string()).append(" ");
  return line.append(publication.inside.to_string());
}

std::optional<Publication> from_line(std::string_view line) {
  if (!line.starts_with(kPublish)) return std::nullopt;
  line.remove_prefix(kPublish.size());
  const auto protocol = parse_protocol(cut(line, ' '));
  const auto outside = parse_endpoint(cut(line, ' '));
  const auto inside = parse_endpoint(line);
  if (!protocol || !outside || !inside) return std::nullopt;
  return Publication{*protocol, *outside, *inside};
}

}  // namespace naru::gateway
