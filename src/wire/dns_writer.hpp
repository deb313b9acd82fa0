// DnsWriter: a response, record by record, with compressed names (RFC 1035 4.1.4).
#pragma once

#include <vector>

#include "wire/dns.hpp"

namespace naru::wire {

class DnsWriter {
 public:
  // A message of at most `limit` bytes, which begins with this header and question. Room
  // for an OPT record is kept where there is to be one.
  DnsWriter(const DnsHeader& header, const DnsQuestion& question, std::size_t limit, bool has_opt);

  // Data in plain form: its names are written out. False when there is no room: then the
  // message is as it was.
  bool add(DnsSection section, const DnsName& name, DnsType type, std::uint32_t ttl, Bytes data);
  // Not all that was to be said had room (TC).
  void set_truncated() { header_.is_truncated = true; }

  // The message. With an OPT record that offers `udp_payload` bytes where there is to be one.
  std::vector<std::uint8_t> finish(DnsRcode rcode, std::uint16_t udp_payload);

 private:
  static constexpr std::size_t kOptSize = 11;

  void put(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void put16(std::uint16_t value);
  void put32(std::uint32_t value);
  void put_name(DnsName name);
  void put_data(DnsType type, Bytes data);
  std::size_t find(const DnsName& name) const;

  DnsHeader header_;
  std::size_t limit_;
  bool has_opt_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint16_t> names_;  // where names and their ends stand, to point at
};

}  // namespace naru::wire
