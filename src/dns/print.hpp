// Records as zone files and dig(1) write them.
#pragma once

#include <string>

#include "dns/descent.hpp"

namespace naru::dns {

// "A"; "TYPE65400" for those without a name (RFC 3597 5).
std::string to_string(DnsType type);
std::optional<DnsType> parse_type(std::string_view text);
// "NXDOMAIN"
std::string_view to_string(DnsRcode rcode);
// "www.example.  300  A  192.0.2.1", in columns.
std::string to_string(const Record& record);
// With a dot at the end.
std::string absolute(const wire::DnsName& name);

// All of a section.
std::vector<Record> records_of(const wire::DnsMessageView& message, wire::DnsSection section);

}  // namespace naru::dns
