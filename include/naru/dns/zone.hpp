// Zone: the names that one name server knows all about (RFC 1034 4.2).
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <naru/wire/dns_name.hpp>
#include <naru/wire/dns_type.hpp>

namespace naru::dns {

// Records of one name and type.
struct RecordSet {
  std::uint32_t ttl = 0;
  std::vector<std::vector<std::uint8_t>> data;  // names in it are written out
};

class Zone {
 public:
  // The text of a zone file (RFC 1035 5.1), with $ORIGIN and $TTL; $INCLUDE is refused. The
  // words of an error say what is wrong, and in which line.
  static std::expected<Zone, std::string> parse(std::string_view text,
                                                std::string_view origin = ".");

  // The owner of the SOA record.
  const wire::DnsName& origin() const { return origin_; }

  struct Finding {
    enum class Kind : std::uint8_t {
      records,     // `set` is what was asked for
      alias,       // `set` is a CNAME
      delegation,  // `set` are the NS records of `cut`, and others know more
      no_data,
      no_name,
    };
    Kind kind = Kind::no_name;
    const RecordSet* set = nullptr;
    wire::DnsName cut = {};
  };
  // For names in the zone (RFC 1034 4.3.2, with the wildcards of RFC 4592).
  Finding find(const wire::DnsName& name, DnsType type) const;
  // What stands in the file, also below a cut: the addresses of name servers.
  const RecordSet* glue(const wire::DnsName& name, DnsType type) const;
  const RecordSet& soa() const { return *glue(origin_, DnsType::soa); }

 private:
  using Node = std::map<DnsType, RecordSet>;

  void add(const wire::DnsName& name, DnsType type, std::uint32_t ttl,
           std::vector<std::uint8_t> data);
  // What is wrong with the whole; empty: nothing.
  std::string fault();
  const Node* node(const wire::DnsName& name) const;
  // There are names below this one.
  bool has_below(const wire::DnsName& name) const;
  const Node* wildcard(const wire::DnsName& name) const;

  wire::DnsName origin_;
  std::map<std::string, Node> nodes_;  // all that is below a name stands right behind it
};

}  // namespace naru::dns
