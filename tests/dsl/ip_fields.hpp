// What every builder of an IP packet can set below its own layer.
#pragma once

#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <naru/wire/address.hpp>

#include "dsl/bytes.hpp"

namespace naru::test {

// A field that is not set is filled in with what is right (inject) or not looked
// at (expect). The overrides make packets that contradict themselves.
struct IpFields {
  // Ethernet
  std::optional<MacAddr> mac_src;
  std::optional<MacAddr> mac_dst;
  std::optional<std::uint16_t> ether_type;
  std::vector<std::uint32_t> vlan_tags;  // TPID and TCI, outermost first
  // IPv4
  std::optional<IpAddr> src;
  std::optional<IpAddr> dst;
  std::optional<std::uint8_t> protocol;
  std::optional<std::uint8_t> ttl;
  std::optional<std::uint8_t> tos;
  std::optional<std::uint16_t> id;
  std::optional<bool> dont_fragment;
  std::optional<bool> more_fragments;
  std::optional<std::uint16_t> fragment_offset;  // in bytes
  Buffer options;                                // padded with zeros to a multiple of 4
  // overrides
  bool reserved_flag = false;
  bool bad_ip_checksum = false;
  std::optional<std::uint8_t> version;
  std::optional<std::uint8_t> header_words;
  std::optional<std::uint16_t> total_length;
  std::size_t padding = 0;  // bytes 0xee behind the packet
};

// The setters, for each builder: class Segment : public OnIp<Segment>.
template <class Self>
class OnIp {
 public:
  Self& mac_src(const MacAddr& v) { return set(fields_.mac_src, v); }
  Self& mac_dst(const MacAddr& v) { return set(fields_.mac_dst, v); }
  Self& ether_type(std::uint16_t v) { return set(fields_.ether_type, v); }
  // One more tag, inside those that are there: 802.1Q unless said otherwise.
  Self& vlan(std::uint16_t tci, std::uint16_t tpid = 0x8100) {
    fields_.vlan_tags.push_back(std::uint32_t{tpid} << 16U | tci);
    return self();
  }
  Self& src(const IpAddr& v) { return set(fields_.src, v); }
  Self& dst(const IpAddr& v) { return set(fields_.dst, v); }
  Self& protocol(std::uint8_t v) { return set(fields_.protocol, v); }
  Self& ttl(std::uint8_t v) { return set(fields_.ttl, v); }
  Self& tos(std::uint8_t v) { return set(fields_.tos, v); }
  Self& id(std::uint16_t v) { return set(fields_.id, v); }
  Self& dont_fragment(bool v = true) { return set(fields_.dont_fragment, v); }
  Self& more_fragments(bool v = true) { return set(fields_.more_fragments, v); }
  Self& fragment_offset(std::uint16_t bytes) { return set(fields_.fragment_offset, bytes); }
  Self& ip_options(Buffer v) { return set(fields_.options, std::move(v)); }
  Self& reserved_flag() { return set(fields_.reserved_flag, true); }
  Self& bad_ip_checksum() { return set(fields_.bad_ip_checksum, true); }
  Self& version(std::uint8_t v) { return set(fields_.version, v); }
  Self& header_words(std::uint8_t v) { return set(fields_.header_words, v); }
  Self& total_length(std::uint16_t v) { return set(fields_.total_length, v); }
  Self& padding(std::size_t v) { return set(fields_.padding, v); }

  const IpFields& ip() const { return fields_; }
  IpFields& ip() { return fields_; }

 protected:
  Self& self() { return static_cast<Self&>(*this); }
  template <class Field, class Value>
  Self& set(Field& field, Value&& value) {
    field = std::forward<Value>(value);
    return self();
  }

 private:
  IpFields fields_;
};

// Collects "ttl is 63, expected 64", one for each field that differs.
class Differences {
 public:
  template <class T>
  void check(std::string_view name, const std::optional<T>& expected, const T& actual) {
    if (expected && *expected != actual) add(name, print(actual), print(*expected));
  }
  void add(std::string_view name, const std::string& actual, const std::string& expected) {
    out_ << (empty_ ? "" : "; ") << name << " is " << actual << ", expected " << expected;
    empty_ = false;
  }
  bool none() const { return empty_; }
  std::string text() const { return out_.str(); }

 private:
  template <class T>
  static std::string print(const T& v) {
    if constexpr (std::is_same_v<T, bool>) {
      return v ? "set" : "clear";
    } else if constexpr (std::is_arithmetic_v<T>) {
      return std::to_string(v);
    } else {
      return v.to_string();
    }
  }

  std::ostringstream out_;
  bool empty_ = true;
};

}  // namespace naru::test
