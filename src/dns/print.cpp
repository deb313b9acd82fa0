#include "dns/print.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace naru::dns {
namespace {

using wire::DnsName;

constexpr std::array<std::pair<DnsType, std::string_view>, 9> kTypes{{
    {DnsType::a, "A"},
    {DnsType::ns, "NS"},
    {DnsType::cname, "CNAME"},
    {DnsType::soa, "SOA"},
    {DnsType::ptr, "PTR"},
    {DnsType::mx, "MX"},
    {DnsType::txt, "TXT"},
    {DnsType::aaaa, "AAAA"},
    {DnsType::srv, "SRV"},
}};

std::string in_upper_case(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  });
  return upper;
}

// What a cursor takes from the data of a record, which is plain and sound.
class Fields {
 public:
  explicit Fields(Bytes data) : data_(data) {}

  std::string number16() {
    const std::uint16_t value = load_be16(data_.data() + at_);
    at_ += 2;
    return std::to_string(value);
  }
  std::string number32() {
    const std::uint32_t value = load_be32(data_.data() + at_);
    at_ += 4;
    return std::to_string(value);
  }
  std::string name() { return absolute(DnsName::read(data_, at_).value_or(DnsName())); }

 private:
  Bytes data_;
  std::size_t at_ = 0;
};

// Strings of RFC 1035 3.3.14, in quotes; as far as their lengths are right.
std::string text_of(Bytes data) {
  std::string text;
  while (!data.empty()) {
    const std::size_t size = std::min<std::size_t>(data[0], data.size() - 1);
    if (!text.empty()) text += ' ';
    text += '"';
    for (const std::uint8_t c : data.subspan(1, size)) {
      if (c == '"' || c == '\\') text += '\\';
      if (c >= ' ' && c < 0x7f) {
        text += static_cast<char>(c);
      } else {
        const std::string number = std::to_string(c);
        text += '\\' + std::string(3 - number.size(), '0') + number;
      }
    }
    text += '"';
    data = data.subspan(1 + size);
  }
  return text;
}

// RFC 3597 5.
std::string unknown(Bytes data) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "\\# " + std::to_string(data.size());
  if (!data.empty()) text += ' ';
  for (const std::uint8_t byte : data) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xfU];
  }
  return text;
}

std::string data_of(const Record& record) {
  Fields fields(record.data);
  switch (record.type) {
    case DnsType::a:
      return IpAddr::v4(load_be32(record.data.data())).to_string();
    case DnsType::aaaa: {
      std::array<std::uint8_t, 16> bytes{};
      std::ranges::copy(record.data, bytes.begin());
      return IpAddr::v6(bytes).to_string();
    }
    case DnsType::ns:
    case DnsType::cname:
    case DnsType::ptr:
      return fields.name();
    case DnsType::mx: {
      const std::string preference = fields.number16();
      return preference + ' ' + fields.name();
    }
    case DnsType::srv: {
      std::string text;
      for (int i = 0; i < 3; ++i) text += fields.number16() + ' ';
      return text + fields.name();
    }
    case DnsType::soa: {
      std::string text = fields.name();
      text += ' ' + fields.name();
      for (int i = 0; i < 5; ++i) text += ' ' + fields.number32();
      return text;
    }
    case DnsType::txt:
      return text_of(record.data);
    default:
      return unknown(record.data);
  }
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text + ' ';
}

}  // namespace

std::string to_string(DnsType type) {
  const auto found = std::ranges::find(kTypes, type, &std::pair<DnsType, std::string_view>::first);
  if (found != kTypes.end()) return std::string(found->second);
  return "TYPE" + std::to_string(static_cast<unsigned>(type));
}

std::optional<DnsType> parse_type(std::string_view text) {
  const std::string name = in_upper_case(text);
  for (const auto& [type, word] : kTypes) {
    if (word == name) return type;
  }
  if (!name.starts_with("TYPE")) return std::nullopt;
  std::uint16_t number = 0;
  const char* end = name.data() + name.size();
  const auto [last, error] = std::from_chars(name.data() + 4, end, number);
  if (error != std::errc() || last != end) return std::nullopt;
  return DnsType{number};
}

std::string_view to_string(DnsRcode rcode) {
  constexpr std::array<std::string_view, 6> kWords{"NOERROR",  "FORMERR", "SERVFAIL",
                                                   "NXDOMAIN", "NOTIMP",  "REFUSED"};
  const auto number = static_cast<std::size_t>(rcode);
  if (rcode == DnsRcode::bad_version) return "BADVERS";
  return number < kWords.size() ? kWords[number] : "another error";
}

std::string absolute(const DnsName& name) { return name.is_root() ? "." : name.to_string() + '.'; }

std::string to_string(const Record& record) {
  return padded(absolute(record.name), 27) + padded(std::to_string(record.ttl), 7) +
         padded(to_string(record.type), 5) + data_of(record);
}

std::vector<Record> records_of(const wire::DnsMessageView& message, wire::DnsSection section) {
  std::vector<Record> records;
  message.for_each([&](wire::DnsSection where, const wire::DnsRecord& record) {
    if (where != section) return;
    records.push_back({record.name, record.type, record.ttl, message.plain_data(record)});
  });
  return records;
}

}  // namespace naru::dns
