#include "wire/dns_writer.hpp"

#include <algorithm>

namespace naru::wire {
namespace {

constexpr std::size_t kMaxNames = 128;  // that are remembered to point at
constexpr std::size_t kPointerReach = 0x4000;

}  // namespace

DnsWriter::DnsWriter(const DnsHeader& header, const DnsQuestion& question, std::size_t limit,
                     bool has_opt)
    : header_(header), limit_(limit - (has_opt ? kOptSize : 0)), has_opt_(has_opt) {
  header_.questions = 1;
  header_.answers = header_.authorities = header_.additionals = 0;
  bytes_.resize(DnsHeader::kSize);
  put_name(question.name);
  put16(static_cast<std::uint16_t>(question.type));
  put16(question.klass);
}

void DnsWriter::put16(std::uint16_t value) {
  std::array<std::uint8_t, 2> bytes{};
  store_be16(bytes.data(), value);
  put(bytes);
}

void DnsWriter::put32(std::uint32_t value) {
  std::array<std::uint8_t, 4> bytes{};
  store_be32(bytes.data(), value);
  put(bytes);
}

// Where the name stands already, letter by letter: names keep their case (RFC 4343 4.1). 0:
// nowhere.
std::size_t DnsWriter::find(const DnsName& name) const {
  const auto same = std::ranges::find_if(names_, [&](std::size_t at) {
    const auto there = DnsName::read(bytes_, at);
    return there && std::ranges::equal(there->wire(), name.wire());
  });
  return same != names_.end() ? *same : 0;
}

void DnsWriter::put_name(DnsName name) {
  for (; !name.is_root(); name = name.parent()) {
    if (const std::size_t at = find(name); at != 0) {
      return put16(static_cast<std::uint16_t>(0xc000U | at));
    }
    if (bytes_.size() < kPointerReach && names_.size() < kMaxNames) {
      names_.push_back(static_cast<std::uint16_t>(bytes_.size()));
    }
    put(name.wire().first(1U + name.wire()[0]));
  }
  bytes_.push_back(0);
}

// Names are compressed in the data of the types of RFC 1035 alone (RFC 3597 4).
void DnsWriter::put_data(DnsType type, Bytes data) {
  std::size_t at = 0;
  int names = 0;
  if (type == DnsType::ns || type == DnsType::cname || type == DnsType::ptr) names = 1;
  if (type == DnsType::soa) names = 2;
  if (type == DnsType::mx) {
    names = 1;
    at = std::min<std::size_t>(2, data.size());
    put(data.first(at));
  }
  for (; names > 0; --names) {
    // Plain data holds no pointers, so it reads the same by itself.
    const auto name = DnsName::read(data, at);
    if (!name) break;
    put_name(*name);
  }
  put(data.subspan(at));
}

bool DnsWriter::add(DnsSection section, const DnsName& name, DnsType type, std::uint32_t ttl,
                    Bytes data) {
  const std::size_t size = bytes_.size();
  const std::size_t names = names_.size();
  put_name(name);
  put16(static_cast<std::uint16_t>(type));
  put16(kDnsInternet);
  put32(ttl);
  const std::size_t length_at = bytes_.size();
  put16(0);
  put_data(type, data);
  if (bytes_.size() > limit_) {
    bytes_.resize(size);
    names_.resize(names);
    return false;
  }
  const std::size_t length = bytes_.size() - length_at - 2;
  store_be16(bytes_.data() + length_at, static_cast<std::uint16_t>(length));
  switch (section) {
    case DnsSection::answer:
      ++header_.answers;
      break;
    case DnsSection::authority:
      ++header_.authorities;
      break;
    case DnsSection::additional:
      ++header_.additionals;
      break;
  }
  return true;
}

std::vector<std::uint8_t> DnsWriter::finish(DnsRcode rcode, std::uint16_t udp_payload) {
  const auto code = static_cast<unsigned>(rcode);
  header_.rcode = code & 0xfU;
  if (has_opt_) {
    bytes_.push_back(0);
    put16(static_cast<std::uint16_t>(DnsType::opt));
    put16(udp_payload);
    put32(code >> 4U << 24U);
    put16(0);
    ++header_.additionals;
  }
  header_.emit(bytes_.data());
  return std::move(bytes_);
}

}  // namespace naru::wire
