// DNS messages (RFC 1035 4, RFC 6891).
//
//   header | questions | answers | authorities | additional
//
// A view is made of a message only when all of it can be read: as many questions and
// records as the header says, every name, and the data of the types that naru knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <naru/base/bytes.hpp>
#include <naru/wire/dns_name.hpp>
#include <naru/wire/dns_type.hpp>

namespace naru::wire {

inline constexpr std::uint16_t kDnsInternet = 1;  // the class IN
inline constexpr std::uint16_t kDnsPort = 53;
inline constexpr std::uint16_t kDnsUdpPayload = 1232;  // RFC 9715: not in fragments
inline constexpr std::size_t kDnsUdpClassic = 512;     // without EDNS (RFC 1035 2.3.4)

struct DnsHeader {
  static constexpr std::size_t kSize = 12;

  std::uint16_t id = 0;
  bool is_response = false;          // QR
  std::uint8_t opcode = 0;           // 0: a standard query
  bool is_authoritative = false;     // AA
  bool is_truncated = false;         // TC
  bool recursion_desired = false;    // RD
  bool recursion_available = false;  // RA
  std::uint8_t rcode = 0;            // its lower four bits
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
  std::uint16_t additionals = 0;

  static std::optional<DnsHeader> parse(Bytes message);
  // Writes kSize bytes.
  void emit(std::uint8_t* p) const;
};

struct DnsQuestion {
  DnsName name;
  DnsType type{};
  std::uint16_t klass = kDnsInternet;

  bool operator==(const DnsQuestion&) const = default;
};

enum class DnsSection : std::uint8_t { answer, authority, additional };

struct DnsRecord {
  DnsName name;
  DnsType type{};
  std::uint16_t klass = 0;
  std::uint32_t ttl = 0;  // one with the top bit set is 0 (RFC 2181 8)
  std::size_t data_at = 0;
  Bytes data;
};

class DnsMessageView {
 public:
  static std::optional<DnsMessageView> parse(Bytes message);

  const DnsHeader& header() const { return header_; }
  // Of all twelve bits where there is an OPT record (RFC 6891 6.1.3).
  DnsRcode rcode() const { return static_cast<DnsRcode>(extended_rcode_ << 4U | header_.rcode); }
  // The only one; messages with another number of questions have none.
  const std::optional<DnsQuestion>& question() const { return question_; }
  // The OPT record's, at least 512; 0 without one.
  std::uint16_t udp_payload() const { return udp_payload_; }
  std::uint8_t edns_version() const { return edns_version_; }
  Bytes bytes() const { return message_; }

  // f(section, record), in order, the OPT record left out.
  template <class F>
  void for_each(const F& f) const {
    std::size_t at = records_at_;
    for (std::uint32_t i = 0; i < record_count(); ++i) {
      const auto record = read_record(message_, at);
      if (record->type != DnsType::opt) f(section_of(i), *record);
    }
  }
  // The data with its names written out, so that it means the same outside of its message.
  std::vector<std::uint8_t> plain_data(const DnsRecord& record) const;
  // A name in the data of a record, `skip` bytes behind its beginning. The data of NS,
  // CNAME, PTR, MX, SRV and SOA records has been looked at, so it is there.
  DnsName name_in(const DnsRecord& record, std::size_t skip = 0) const;
  // The first two fields of a SOA record: the server, and a person's mailbox.
  std::pair<DnsName, DnsName> soa_names(const DnsRecord& record) const;
  // The last field of a SOA record: how long that a name is missing may be remembered.
  static std::uint32_t soa_minimum(const DnsRecord& record);

 private:
  explicit DnsMessageView(Bytes message) : message_(message) {}

  static std::optional<DnsQuestion> read_question(Bytes message, std::size_t& at);
  static std::optional<DnsRecord> read_record(Bytes message, std::size_t& at);
  // Whether the data is what the type asks for.
  static bool is_sound(Bytes message, const DnsRecord& record);
  bool take_opt(DnsSection section, const DnsRecord& record);
  bool take_records();
  std::uint32_t record_count() const {
    return std::uint32_t{header_.answers} + header_.authorities + header_.additionals;
  }
  DnsSection section_of(std::uint32_t index) const;

  Bytes message_;
  DnsHeader header_;
  std::optional<DnsQuestion> question_;
  std::size_t records_at_ = 0;
  std::uint16_t udp_payload_ = 0;
  std::uint16_t extended_rcode_ = 0;
  std::uint8_t edns_version_ = 0;
};

// A query for one name: writes it to `out`, which has room for kMaxDnsQuery bytes, and
// gives its length. `udp_payload` 0: without EDNS.
inline constexpr std::size_t kMaxDnsQuery = DnsHeader::kSize + DnsName::kMaxSize + 4 + 11;
std::size_t emit_query(const DnsHeader& header, const DnsQuestion& question,
                       std::uint16_t udp_payload, MutableBytes out);

// Whether a message is the response to a query: its number, and its question letter by
// letter (RFC 5452 9.1).
bool answers(const DnsMessageView& response, Bytes query);

}  // namespace naru::wire
