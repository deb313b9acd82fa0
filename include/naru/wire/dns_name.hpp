// Domain names (RFC 1035 3.1), in a message and as people write them.
//
// Who reads names out of messages reads them here: the rules of RFC 9267 on lengths and
// compression pointers are kept in one place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <naru/base/bytes.hpp>

namespace naru::wire {

class DnsName {
 public:
  static constexpr std::size_t kMaxSize = 255;  // RFC 1035 2.3.4, with the root's label
  static constexpr std::size_t kMaxLabel = 63;
  static constexpr std::size_t kHeaderSize = 12;  // of a message, before its first name

  // The root: ".".
  DnsName() = default;

  // As in a zone file (RFC 1035 5.1): "www.example.com", with "\." and "\065" for bytes
  // that would mean something else. A dot at the end changes nothing.
  static std::optional<DnsName> parse(std::string_view text);
  // The name at `at`, which moves behind it. A compression pointer leads to an earlier
  // place than the one before it, and never before `first`: into the header (RFC 1035 4.1.4,
  // RFC 9267 2).
  static std::optional<DnsName> read(Bytes message, std::size_t& at,
                                     std::size_t first = kHeaderSize);

  // Without a dot at the end; the root is ".".
  std::string to_string() const;
  // As in a message, not compressed.
  Bytes wire() const { return Bytes(bytes_).first(size_); }
  bool is_root() const { return size_ == 1; }
  // The name without its first label; the root's is the root.
  DnsName parent() const;
  // `zone` itself, or a name below it.
  bool is_in(const DnsName& zone) const;
  std::size_t label_count() const;
  // This name, then `suffix`; none when that would be too long.
  std::optional<DnsName> in(const DnsName& suffix) const;
  // Letters, digits, hyphens, and underscores for the sake of services: what a program may
  // be told is a host's name (RFC 1123 2.1).
  bool is_host_name() const;
  // In lower case.
  DnsName folded() const;

  // Upper and lower case are the same (RFC 4343).
  bool operator==(const DnsName& other) const;

 private:
  // Appends a label; false when that makes the name too long, or the label is no label.
  bool append(Bytes label);

  std::array<std::uint8_t, kMaxSize> bytes_{};
  std::uint8_t size_ = 1;  // the byte before the last is the root's label
};

}  // namespace naru::wire
