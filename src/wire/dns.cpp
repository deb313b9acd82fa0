#include "wire/dns.hpp"

#include <algorithm>

namespace naru::wire {
namespace {

constexpr std::size_t kQuestionFixed = 4;  // behind its name: type, class
constexpr std::size_t kRecordFixed = 10;   // behind its name: type, class, TTL, length
constexpr std::size_t kSoaFixed = 20;      // behind its names: five numbers
constexpr std::size_t kSrvFixed = 6;       // before its name: priority, weight, port

// Whether a name, or two, fill the data but for `before` and `after` bytes.
bool holds_names(Bytes message, const DnsRecord& record, std::size_t before, int names,
                 std::size_t after) {
  if (record.data.size() < before) return false;
  const std::size_t end = record.data_at + record.data.size();
  std::size_t at = record.data_at + before;
  for (int i = 0; i < names; ++i) {
    if (!DnsName::read(message.first(end), at)) return false;
  }
  return end - at == after;
}

}  // namespace

std::optional<DnsHeader> DnsHeader::parse(Bytes message) {
  if (message.size() < kSize) return std::nullopt;
  const std::uint8_t* p = message.data();
  DnsHeader h;
  h.id = load_be16(p);
  h.is_response = (p[2] & 0x80U) != 0;
  h.opcode = (p[2] >> 3U) & 0xfU;
  h.is_authoritative = (p[2] & 0x04U) != 0;
  h.is_truncated = (p[2] & 0x02U) != 0;
  h.recursion_desired = (p[2] & 0x01U) != 0;
  h.recursion_available = (p[3] & 0x80U) != 0;
  h.rcode = p[3] & 0xfU;
  h.questions = load_be16(p + 4);
  h.answers = load_be16(p + 6);
  h.authorities = load_be16(p + 8);
  h.additionals = load_be16(p + 10);
  return h;
}

void DnsHeader::emit(std::uint8_t* p) const {
  store_be16(p, id);
  p[2] =
      static_cast<std::uint8_t>(is_response << 7U | (opcode & 0xfU) << 3U | is_authoritative << 2U |
                                is_truncated << 1U | static_cast<unsigned>(recursion_desired));
  p[3] = static_cast<std::uint8_t>(recursion_available << 7U | (rcode & 0xfU));
  store_be16(p + 4, questions);
  store_be16(p + 6, answers);
  store_be16(p + 8, authorities);
  store_be16(p + 10, additionals);
}

std::optional<DnsQuestion> DnsMessageView::read_question(Bytes message, std::size_t& at) {
  const auto name = DnsName::read(message, at);
  if (!name || message.size() - at < kQuestionFixed) return std::nullopt;
  const std::uint8_t* p = message.data() + at;
  at += kQuestionFixed;
  return DnsQuestion{*name, static_cast<DnsType>(load_be16(p)), load_be16(p + 2)};
}

std::optional<DnsRecord> DnsMessageView::read_record(Bytes message, std::size_t& at) {
  const auto name = DnsName::read(message, at);
  if (!name || message.size() - at < kRecordFixed) return std::nullopt;
  const std::uint8_t* p = message.data() + at;
  const std::size_t length = load_be16(p + 8);
  at += kRecordFixed;
  if (message.size() - at < length) return std::nullopt;
  const std::uint32_t ttl = load_be32(p + 4);
  DnsRecord record{.name = *name,
                   .type = static_cast<DnsType>(load_be16(p)),
                   .klass = load_be16(p + 2),
                   .ttl = ttl,
                   .data_at = at,
                   .data = message.subspan(at, length)};
  // The OPT record keeps other things there.
  if (record.type != DnsType::opt && (ttl >> 31U) != 0) record.ttl = 0;
  at += length;
  return record;
}

bool DnsMessageView::is_sound(Bytes message, const DnsRecord& record) {
  if (record.klass != kDnsInternet) return true;
  switch (record.type) {
    case DnsType::a:
      return record.data.size() == 4;
    case DnsType::aaaa:
      return record.data.size() == 16;
    case DnsType::ns:
    case DnsType::cname:
    case DnsType::ptr:
      return holds_names(message, record, 0, 1, 0);
    case DnsType::mx:
      return holds_names(message, record, 2, 1, 0);
    case DnsType::srv:
      return holds_names(message, record, kSrvFixed, 1, 0);
    case DnsType::soa:
      return holds_names(message, record, 0, 2, kSoaFixed);
    default:
      return true;
  }
}

// RFC 6891 6.1.1: one at most, of the root, in the additional section.
bool DnsMessageView::take_opt(DnsSection section, const DnsRecord& record) {
  if (udp_payload_ != 0 || section != DnsSection::additional || !record.name.is_root()) {
    return false;
  }
  udp_payload_ = std::max<std::uint16_t>(record.klass, kDnsUdpClassic);
  extended_rcode_ = static_cast<std::uint16_t>(record.ttl >> 24U);
  edns_version_ = static_cast<std::uint8_t>(record.ttl >> 16U);
  return true;
}

bool DnsMessageView::take_records() {
  std::size_t at = records_at_;
  for (std::uint32_t i = 0; i < record_count(); ++i) {
    const auto record = read_record(message_, at);
    if (!record) return false;
    const bool is_good = record->type == DnsType::opt ? take_opt(section_of(i), *record)
                                                      : is_sound(message_, *record);
    if (!is_good) return false;
  }
  return true;
}

std::optional<DnsMessageView> DnsMessageView::parse(Bytes message) {
  const auto header = DnsHeader::parse(message);
  if (!header) return std::nullopt;
  DnsMessageView view(message);
  view.header_ = *header;
  std::size_t at = DnsHeader::kSize;
  for (std::uint16_t i = 0; i < header->questions; ++i) {
    auto question = read_question(message, at);
    if (!question) return std::nullopt;
    if (header->questions == 1) view.question_ = *question;
  }
  view.records_at_ = at;
  if (!view.take_records()) return std::nullopt;
  return view;
}

DnsSection DnsMessageView::section_of(std::uint32_t index) const {
  if (index < header_.answers) return DnsSection::answer;
  return index - header_.answers < header_.authorities ? DnsSection::authority
                                                       : DnsSection::additional;
}

DnsName DnsMessageView::name_in(const DnsRecord& record, std::size_t skip) const {
  std::size_t at = record.data_at + skip;
  return DnsName::read(message_.first(record.data_at + record.data.size()), at).value_or(DnsName());
}

std::pair<DnsName, DnsName> DnsMessageView::soa_names(const DnsRecord& record) const {
  const Bytes part = message_.first(record.data_at + record.data.size());
  std::size_t at = record.data_at;
  const DnsName server = DnsName::read(part, at).value_or(DnsName());
  return {server, DnsName::read(part, at).value_or(DnsName())};
}

std::vector<std::uint8_t> DnsMessageView::plain_data(const DnsRecord& record) const {
  // At most two names take the place of what may have been pointers.
  std::vector<std::uint8_t> bytes(record.data.size() + 2 * DnsName::kMaxSize);
  auto end = bytes.begin();
  const auto append = [&end](Bytes more) { end = std::ranges::copy(more, end).out; };
  switch (record.type) {
    case DnsType::ns:
    case DnsType::cname:
    case DnsType::ptr:
      append(name_in(record).wire());
      break;
    case DnsType::mx:
      append(record.data.first(2));
      append(name_in(record, 2).wire());
      break;
    case DnsType::srv:
      append(record.data.first(kSrvFixed));
      append(name_in(record, kSrvFixed).wire());
      break;
    case DnsType::soa: {
      const auto names = soa_names(record);
      append(names.first.wire());
      append(names.second.wire());
      append(record.data.last(kSoaFixed));
      break;
    }
    default:
      append(record.data);
  }
  bytes.erase(end, bytes.end());
  return bytes;
}

std::uint32_t DnsMessageView::soa_minimum(const DnsRecord& record) {
  return load_be32(record.data.data() + record.data.size() - 4);
}

std::size_t emit_query(const DnsHeader& header, const DnsQuestion& question,
                       std::uint16_t udp_payload, MutableBytes out) {
  DnsHeader counted = header;
  counted.questions = 1;
  counted.additionals = udp_payload != 0 ? 1 : 0;
  counted.emit(out.data());
  const Bytes name = question.name.wire();
  std::uint8_t* p = std::copy(name.begin(), name.end(), out.data() + DnsHeader::kSize);
  store_be16(p, static_cast<std::uint16_t>(question.type));
  store_be16(p + 2, question.klass);
  p += kQuestionFixed;
  if (udp_payload != 0) {
    *p++ = 0;
    store_be16(p, static_cast<std::uint16_t>(DnsType::opt));
    store_be16(p + 2, udp_payload);
    store_be32(p + 4, 0);  // extended rcode, version 0, no flags
    store_be16(p + 8, 0);
    p += kRecordFixed;
  }
  return static_cast<std::size_t>(p - out.data());
}

bool answers(const DnsMessageView& response, Bytes query) {
  const auto asked = DnsMessageView::parse(query);
  const DnsHeader& header = response.header();
  if (!asked || !asked->question() || !response.question()) return false;
  if (!header.is_response || header.opcode != 0 || header.id != asked->header().id) return false;
  // The question stands right behind the header, where no name can be compressed.
  const std::size_t size = asked->question()->name.wire().size() + kQuestionFixed;
  if (response.question()->name.wire().size() + kQuestionFixed != size) return false;
  return std::ranges::equal(response.bytes().subspan(DnsHeader::kSize, size),
                            query.subspan(DnsHeader::kSize, size));
}

}  // namespace naru::wire
