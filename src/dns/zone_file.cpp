// Zone files (RFC 1035 5), as ldns reads them.

#include <cstdio>
#include <memory>
#include <stdbool.h>  // else ldns makes macros of true and false

#include <ldns/ldns.h>

#include <naru/dns/zone.hpp>

namespace naru::dns {
namespace {

using wire::DnsName;

// What a file may hold.
constexpr std::size_t kMaxText = std::size_t{64} << 20U;
constexpr std::uint32_t kDefaultTtl = 3600;

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct FreeRecord {
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
};

// What ldns remembers from line to line, and changes.
class Reader {
 public:
  Reader(std::string_view text, const std::string& origin)
      : file_(::fmemopen(const_cast<char*>(text.data()), text.size(), "r")),
        origin_(ldns_dname_new_frm_str(origin.c_str())) {}
  ~Reader() {
    ldns_rdf_deep_free(origin_);
    ldns_rdf_deep_free(previous_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool is_ready() const { return file_ != nullptr && origin_ != nullptr; }
  bool is_at_end() const { return std::feof(file_.get()) != 0; }
  int line() const { return line_; }
  // nullptr and LDNS_STATUS_OK for a line that only says something about those that follow.
  std::unique_ptr<ldns_rr, FreeRecord> next(ldns_status& status) {
    ldns_rr* record = nullptr;
    status = ldns_rr_new_frm_fp_l(&record, file_.get(), &ttl_, &origin_, &previous_, &line_);
    constexpr ldns_status kDirectives[] = {LDNS_STATUS_SYNTAX_TTL, LDNS_STATUS_SYNTAX_ORIGIN,
                                           LDNS_STATUS_SYNTAX_EMPTY};
    for (const ldns_status directive : kDirectives) {
      if (status == directive) status = LDNS_STATUS_OK;
    }
    return std::unique_ptr<ldns_rr, FreeRecord>(record);
  }

 private:
  std::unique_ptr<std::FILE, Close> file_;
  ldns_rdf* origin_;
  ldns_rdf* previous_ = nullptr;
  std::uint32_t ttl_ = kDefaultTtl;
  int line_ = 0;
};

Bytes bytes_of(const ldns_rdf* field) { return {ldns_rdf_data(field), ldns_rdf_size(field)}; }

// ldns keeps names as messages do, not compressed.
DnsName owner_of(const ldns_rr* record) {
  std::size_t at = 0;
  return DnsName::read(bytes_of(ldns_rr_owner(record)), at).value_or(DnsName());
}

}  // namespace

std::expected<Zone, std::string> Zone::parse(std::string_view text, std::string_view origin) {
  if (text.empty()) return std::unexpected("an empty zone");
  if (text.size() > kMaxText) return std::unexpected("more than 64 MiB");
  Reader reader(text, std::string(origin));
  if (!reader.is_ready()) return std::unexpected("no origin: " + std::string(origin));
  Zone zone;
  while (!reader.is_at_end()) {
    ldns_status status = LDNS_STATUS_OK;
    const auto record = reader.next(status);
    if (status != LDNS_STATUS_OK) {
      return std::unexpected("line " + std::to_string(reader.line()) + ": " +
                             ldns_get_errorstr_by_id(status));
    }
    if (!record || ldns_rr_get_class(record.get()) != LDNS_RR_CLASS_IN) continue;
    std::vector<std::uint8_t> data;
    for (std::size_t i = 0; i < ldns_rr_rd_count(record.get()); ++i) {
      const Bytes field = bytes_of(ldns_rr_rdf(record.get(), i));
      data.insert(data.end(), field.begin(), field.end());
    }
    zone.add(owner_of(record.get()), static_cast<DnsType>(ldns_rr_get_type(record.get())),
             ldns_rr_ttl(record.get()), std::move(data));
  }
  if (std::string fault = zone.fault(); !fault.empty()) return std::unexpected(std::move(fault));
  return zone;
}

}  // namespace naru::dns
