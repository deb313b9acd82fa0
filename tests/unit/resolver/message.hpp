// DNS messages as a test's server writes them: right, or wrong in one place.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <naru/wire/address.hpp>

#include "wire/dns.hpp"

namespace naru::resolver::test {

using Buffer = std::vector<std::uint8_t>;
using Buffers = std::vector<Buffer>;

inline Buffer name_bytes(std::string_view text) {
  const wire::DnsName name = *wire::DnsName::parse(text);
  return {name.wire().begin(), name.wire().end()};
}

struct Record {
  std::string name;
  DnsType type{};
  std::uint32_t ttl = 3600;
  Buffer data;
};

inline Record v4(std::string_view name, std::string_view address, std::uint32_t ttl = 3600) {
  Buffer data(4);
  store_be32(data.data(), IpAddr::parse(address)->to_v4());
  return {std::string(name), DnsType::a, ttl, data};
}
inline Record v6(std::string_view name, std::string_view address, std::uint32_t ttl = 3600) {
  const auto bytes = IpAddr::parse(address)->bytes();
  return {std::string(name), DnsType::aaaa, ttl, {bytes.begin(), bytes.end()}};
}
inline Record cname(std::string_view name, std::string_view target, std::uint32_t ttl = 3600) {
  return {std::string(name), DnsType::cname, ttl, name_bytes(target)};
}
inline Record ptr(std::string_view name, std::string_view target) {
  return {std::string(name), DnsType::ptr, 3600, name_bytes(target)};
}
inline Record soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum) {
  Buffer data = name_bytes("ns.example");
  const Buffer mailbox = name_bytes("admin.example");
  data.insert(data.end(), mailbox.begin(), mailbox.end());
  data.resize(data.size() + 20);
  store_be32(data.data() + data.size() - 4, minimum);
  return {std::string(zone), DnsType::soa, ttl, data};
}

struct Response {
  DnsRcode rcode = DnsRcode::no_error;
  std::vector<Record> answers = {};
  std::vector<Record> authorities = {};
  std::vector<Record> additionals = {};
  bool is_truncated = false;
  bool is_authoritative = false;

  // To the query, with its question as it was asked.
  Buffer to(Bytes query) const {
    const auto view = wire::DnsMessageView::parse(query);
    wire::DnsHeader header = view->header();
    header.is_response = true;
    header.recursion_available = true;
    header.is_truncated = is_truncated;
    header.is_authoritative = is_authoritative;
    header.rcode = static_cast<std::uint8_t>(rcode);
    header.answers = static_cast<std::uint16_t>(answers.size());
    header.authorities = static_cast<std::uint16_t>(authorities.size());
    header.additionals = static_cast<std::uint16_t>(additionals.size());
    const std::size_t question = view->question()->name.wire().size() + 4;
    Buffer bytes(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(12 + question));
    header.emit(bytes.data());
    for (const auto* section : {&answers, &authorities, &additionals}) {
      for (const Record& record : *section) append(bytes, record);
    }
    return bytes;
  }

 private:
  static void append(Buffer& bytes, const Record& record) {
    const Buffer name = name_bytes(record.name);
    bytes.insert(bytes.end(), name.begin(), name.end());
    std::array<std::uint8_t, 10> fixed{};
    store_be16(fixed.data(), static_cast<std::uint16_t>(record.type));
    store_be16(fixed.data() + 2, wire::kDnsInternet);
    store_be32(fixed.data() + 4, record.ttl);
    store_be16(fixed.data() + 8, static_cast<std::uint16_t>(record.data.size()));
    bytes.insert(bytes.end(), fixed.begin(), fixed.end());
    bytes.insert(bytes.end(), record.data.begin(), record.data.end());
  }
};

}  // namespace naru::resolver::test
