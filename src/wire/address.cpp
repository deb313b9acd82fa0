#include <algorithm>
#include <charconv>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

namespace naru {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// A number without sign or leading zero, up to `max`; the whole text.
std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= max ? std::optional(value) : std::nullopt;
}

// One to four hexadecimal digits; the whole text.
std::optional<unsigned> parse_hex(std::string_view text) {
  unsigned value = 0;
  if (text.empty() || text.size() > 4) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The text up to the separator, which is taken off `text` with it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view field = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return field;
}

std::optional<std::uint32_t> parse_v4(std::string_view text) {
  if (std::count(text.begin(), text.end(), '.') != 3) return std::nullopt;
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const auto octet = parse_number(take_until(text, '.'), 255);
    if (!octet) return std::nullopt;
    value = value << 8U | *octet;
  }
  return value;
}

// The groups of one side of a "::", or of a whole address; the last may be a
// dotted quad, which makes two groups, where `quad_allowed`. The number of
// groups, or none for text that is not of this form.
std::optional<std::size_t> parse_groups(std::string_view text, bool quad_allowed,
                                        std::array<std::uint16_t, 8>& groups) {
  std::size_t count = 0;
  if (text.empty()) return count;
  for (bool last = false; !last;) {
    last = text.find(':') == std::string_view::npos;
    const std::string_view field = take_until(text, ':');
    if (last && quad_allowed && field.find('.') != std::string_view::npos) {
      const auto quad = parse_v4(field);
      if (!quad || count + 2 > groups.size()) return std::nullopt;
      groups[count++] = static_cast<std::uint16_t>(*quad >> 16U);
      groups[count++] = static_cast<std::uint16_t>(*quad);
    } else {
      const auto group = parse_hex(field);
      if (!group || count == groups.size()) return std::nullopt;
      groups[count++] = static_cast<std::uint16_t>(*group);
    }
  }
  return count;
}

// RFC 4291 2.2.
std::optional<IpAddr> parse_v6(std::string_view text) {
  std::array<std::uint16_t, 8> head{};
  std::array<std::uint16_t, 8> tail{};
  std::size_t head_count = 0;
  std::size_t tail_count = 0;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto count = parse_groups(text, true, head);
    if (!count || *count != head.size()) return std::nullopt;
    head_count = *count;
  } else {
    const auto before = parse_groups(text.substr(0, gap), false, head);
    const auto after = parse_groups(text.substr(gap + 2), true, tail);
    // "::" stands for at least one group.
    if (!before || !after || *before + *after >= head.size()) return std::nullopt;
    head_count = *before;
    tail_count = *after;
  }
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < head_count; ++i) store_be16(&bytes[2 * i], head[i]);
  for (std::size_t i = 0; i < tail_count; ++i) {
    store_be16(&bytes[2 * (8 - tail_count + i)], tail[i]);
  }
  return IpAddr::v6(bytes);
}

// The longest run of at least two zero groups, the first of equals: what
// RFC 5952 4.2 writes as "::". An empty run lies at the end.
struct Run {
  std::size_t begin = 8;
  std::size_t size = 0;
};

Run longest_zero_run(const std::array<std::uint16_t, 8>& groups) {
  Run best;
  for (std::size_t i = 0; i < groups.size();) {
    std::size_t end = i;
    while (end < groups.size() && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.size) best = {i, end - i};
    i = end + 1;
  }
  return best;
}

void append_hex(std::string& text, unsigned value) {
  char digits[8];
  const auto result = std::to_chars(digits, digits + sizeof digits, value, 16);
  text.append(digits, result.ptr);
}

std::string v4_to_string(std::uint32_t value) {
  std::string text = std::to_string(value >> 24U);
  for (const unsigned shift : {16U, 8U, 0U}) {
    text += '.';
    text += std::to_string(value >> shift & 0xffU);
  }
  return text;
}

// The length of a prefix counted from the first of the 128 bits.
unsigned mapped_length(const Prefix& prefix) {
  return std::min(prefix.addr.is_v4() ? 96U + prefix.length : prefix.length, 128U);
}

// The first `length` bits of a 64-bit word set, of more than 64 all.
std::uint64_t mask(unsigned length) {
  if (length == 0) return 0;
  return length >= 64 ? ~std::uint64_t{0} : ~std::uint64_t{0} << (64 - length);
}

}  // namespace

std::optional<MacAddr> MacAddr::parse(std::string_view text) {
  constexpr std::size_t kTextSize = 17;
  if (text.size() != kTextSize) return std::nullopt;
  MacAddr mac;
  for (std::uint8_t& byte : mac.bytes) {
    const std::string_view field = take_until(text, ':');
    const auto value = parse_hex(field);
    if (field.size() != 2 || !value) return std::nullopt;
    byte = static_cast<std::uint8_t>(*value);
  }
  return mac;
}

std::string MacAddr::to_string() const {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text += ':';
    text += kHexDigits[byte >> 4U];
    text += kHexDigits[byte & 0xfU];
  }
  return text;
}

bool IpAddr::is_any() const { return *this == any_v6() || *this == any_v4(); }

bool IpAddr::is_loopback() const {
  if (is_v4()) return bytes_[12] == 127;
  return words()[0] == 0 && words()[1] == std::uint64_t{1} << 56U;
}

bool IpAddr::is_multicast() const {
  return is_v4() ? (bytes_[12] & 0xf0U) == 0xe0U : bytes_[0] == 0xff;
}

bool IpAddr::is_link_local() const {
  if (is_v4()) return bytes_[12] == 169 && bytes_[13] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0U) == 0x80U;
}

std::uint8_t IpAddr::zone() const {
  const bool is_zoned = is_v6() && is_link_local() && *this == with_zone(bytes_[3]);
  return is_zoned ? bytes_[3] : std::uint8_t{0};
}

IpAddr IpAddr::with_zone(std::uint8_t zone) const {
  if (!is_v6() || !is_link_local()) return *this;
  IpAddr zoned = *this;
  std::fill_n(zoned.bytes_.begin() + 2, 6, std::uint8_t{0});
  if (zone == 0) return zoned;
  zoned.bytes_[3] = zone;
  zoned.bytes_[4] = 0xff;
  zoned.bytes_[5] = static_cast<std::uint8_t>(~zone);
  return zoned;
}

std::optional<IpAddr> IpAddr::parse(std::string_view text) {
  if (const std::size_t percent = text.find('%'); percent != std::string_view::npos) {
    const auto addr = parse(text.substr(0, percent));
    const auto zone = parse_number(text.substr(percent + 1), 255);
    if (!addr || addr->is_v4() || !addr->is_link_local() || !zone || *zone == 0) {
      return std::nullopt;
    }
    return addr->with_zone(static_cast<std::uint8_t>(*zone));
  }
  if (text.find(':') != std::string_view::npos) return parse_v6(text);
  const auto value = parse_v4(text);
  return value ? std::optional(v4(*value)) : std::nullopt;
}

std::string IpAddr::to_string() const {
  if (is_v4()) return v4_to_string(to_v4());
  if (zone() != 0) return without_zone().to_string() + '%' + std::to_string(zone());
  std::array<std::uint16_t, 8> groups{};
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = load_be16(&bytes_[2 * i]);
  const Run gap = longest_zero_run(groups);
  std::string text;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i == gap.begin) {
      text += "::";
      i += gap.size - 1;
      continue;
    }
    if (i != 0 && i != gap.begin + gap.size) text += ':';
    append_hex(text, groups[i]);
  }
  return text;
}

std::string Endpoint::to_string() const {
  std::string text = addr.to_string();
  if (addr.is_v6()) text.insert(0, 1, '[') += ']';
  text += ':';
  return text += std::to_string(port);
}

bool Prefix::contains(const IpAddr& a) const {
  if (a.is_v4() != addr.is_v4()) return false;
  const unsigned bits = mapped_length(*this);
  const std::uint8_t* mine = addr.bytes().data();
  const std::uint8_t* its = a.bytes().data();
  const std::uint64_t high = (load_be64(mine) ^ load_be64(its)) & mask(bits);
  const std::uint64_t low =
      (load_be64(mine + 8) ^ load_be64(its + 8)) & mask(bits - std::min(bits, 64U));
  return (high | low) == 0;
}

std::optional<IpAddr> Prefix::broadcast() const {
  // RFC 3021: a /31 has two hosts and no broadcast address.
  if (!addr.is_v4() || length > 30) return std::nullopt;
  return IpAddr::v4(addr.to_v4() | (0xffffffffU >> length));
}

IpAddr Prefix::network() const {
  const unsigned bits = mapped_length(*this);
  std::array<std::uint8_t, 16> bytes = addr.bytes();
  store_be64(bytes.data(), load_be64(bytes.data()) & mask(bits));
  store_be64(bytes.data() + 8, load_be64(bytes.data() + 8) & mask(bits - std::min(bits, 64U)));
  return IpAddr::v6(bytes);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto addr = IpAddr::parse(text.substr(0, slash));
  if (!addr) return std::nullopt;
  const unsigned max = addr->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Prefix{*addr, static_cast<std::uint8_t>(max)};
  const auto length = parse_number(text.substr(slash + 1), max);
  if (!length) return std::nullopt;
  return Prefix{*addr, static_cast<std::uint8_t>(*length)};
}

std::string Prefix::to_string() const { return addr.to_string() + "/" + std::to_string(length); }

}  // namespace naru
