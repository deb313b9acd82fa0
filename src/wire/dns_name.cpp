#include <algorithm>

#include <naru/wire/dns_name.hpp>

namespace naru::wire {
namespace {

constexpr std::uint8_t kPointer = 0xc0;

constexpr std::uint8_t lower(std::uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + ('a' - 'A')) : c;
}
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The byte behind a backslash at text[0]: "\065" or "\.". Takes it from the text.
std::optional<std::uint8_t> take_escaped(std::string_view& text) {
  text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  if (!is_digit(text[0])) {
    const auto c = static_cast<std::uint8_t>(text[0]);
    text.remove_prefix(1);
    return c;
  }
  if (text.size() < 3 || !is_digit(text[1]) || !is_digit(text[2])) return std::nullopt;
  const int value = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  if (value > 255) return std::nullopt;
  text.remove_prefix(3);
  return static_cast<std::uint8_t>(value);
}

void append_escaped(std::string& text, std::uint8_t c) {
  if (c == '.' || c == '\\') {
    text += '\\';
    text += static_cast<char>(c);
  } else if (c > ' ' && c < 0x7f) {
    text += static_cast<char>(c);
  } else {
    text += '\\';
    text += static_cast<char>('0' + c / 100);
    text += static_cast<char>('0' + c / 10 % 10);
    text += static_cast<char>('0' + c % 10);
  }
}

}  // namespace

bool DnsName::append(Bytes label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (size_ + 1 + label.size() > kMaxSize) return false;
  std::uint8_t* end = bytes_.data() + size_ - 1;
  *end = static_cast<std::uint8_t>(label.size());
  std::copy(label.begin(), label.end(), end + 1);
  size_ = static_cast<std::uint8_t>(size_ + 1 + label.size());
  bytes_[size_ - 1U] = 0;
  return true;
}

std::optional<DnsName> DnsName::parse(std::string_view text) {
  DnsName name;
  if (text == ".") return name;
  if (text.empty()) return std::nullopt;
  std::array<std::uint8_t, kMaxLabel + 1> label{};
  while (!text.empty()) {
    std::size_t size = 0;
    while (!text.empty() && text[0] != '.') {
      if (size == label.size()) return std::nullopt;
      std::optional<std::uint8_t> c = static_cast<std::uint8_t>(text[0]);
      if (text[0] == '\\') {
        c = take_escaped(text);
        if (!c) return std::nullopt;
      } else {
        text.remove_prefix(1);
      }
      label[size++] = *c;
    }
    if (!name.append(Bytes(label).first(size))) return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);
  }
  return name;
}

std::optional<DnsName> DnsName::read(Bytes message, std::size_t& at, std::size_t first) {
  DnsName name;
  std::size_t cursor = at;
  std::size_t earliest = at;  // where the part of the name began that is being read
  bool has_jumped = false;
  for (;;) {
    if (cursor >= message.size()) return std::nullopt;
    const std::uint8_t length = message[cursor];
    if ((length & kPointer) == kPointer) {
      if (message.size() - cursor < 2) return std::nullopt;
      const std::size_t target = load_be16(message.data() + cursor) & 0x3fffU;
      if (target >= earliest || target < first) return std::nullopt;
      if (!has_jumped) at = cursor + 2;
      has_jumped = true;
      cursor = earliest = target;
      continue;
    }
    if (length > kMaxLabel) return std::nullopt;  // the types 01 and 10 (RFC 6891 5)
    if (length == 0) break;
    if (message.size() - cursor <= length) return std::nullopt;
    if (!name.append(message.subspan(cursor + 1, length))) return std::nullopt;
    cursor += 1U + length;
  }
  if (!has_jumped) at = cursor + 1;
  return name;
}

std::string DnsName::to_string() const {
  if (is_root()) return ".";
  std::string text;
  for (const std::uint8_t* label = bytes_.data(); *label != 0; label += 1 + *label) {
    if (!text.empty()) text += '.';
    for (std::uint8_t i = 1; i <= *label; ++i) append_escaped(text, label[i]);
  }
  return text;
}

DnsName DnsName::parent() const {
  DnsName name;
  const std::size_t first = is_root() ? 0 : 1U + bytes_[0];
  name.size_ = static_cast<std::uint8_t>(size_ - first);
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(first), name.size_, name.bytes_.begin());
  return name;
}

bool DnsName::is_in(const DnsName& zone) const {
  DnsName name = *this;
  while (name.size_ > zone.size_) name = name.parent();
  return name == zone;
}

std::size_t DnsName::label_count() const {
  std::size_t count = 0;
  for (const std::uint8_t* label = bytes_.data(); *label != 0; label += 1 + *label) ++count;
  return count;
}

std::optional<DnsName> DnsName::in(const DnsName& suffix) const {
  const std::size_t size = size_ - 1U + suffix.size_;
  if (size > kMaxSize) return std::nullopt;
  DnsName name = *this;
  std::copy_n(suffix.bytes_.begin(), suffix.size_, name.bytes_.begin() + size_ - 1);
  name.size_ = static_cast<std::uint8_t>(size);
  return name;
}

bool DnsName::is_host_name() const {
  const auto is_allowed = [](std::uint8_t c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  for (const std::uint8_t* label = bytes_.data(); *label != 0; label += 1 + *label) {
    if (!std::all_of(label + 1, label + 1 + *label, is_allowed)) return false;
  }
  return !is_root();
}

DnsName DnsName::folded() const {
  DnsName name = *this;
  // Lengths are below 'A' and stay what they are.
  std::transform(name.bytes_.begin(), name.bytes_.begin() + size_, name.bytes_.begin(), lower);
  return name;
}

bool DnsName::operator==(const DnsName& other) const {
  return std::equal(bytes_.begin(), bytes_.begin() + size_, other.bytes_.begin(),
                    other.bytes_.begin() + other.size_,
                    [](std::uint8_t a, std::uint8_t b) { return lower(a) == lower(b); });
}

}  // namespace naru::wire
