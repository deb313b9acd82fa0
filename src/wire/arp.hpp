// Address Resolution Protocol (RFC 826) for IPv4 over Ethernet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/ethernet.hpp"
#include "wire/fields.hpp"

namespace naru::wire {

// The packet to be sent.
struct Arp {
  static constexpr std::size_t kSize = 28;
  static constexpr std::uint16_t kRequest = 1;
  static constexpr std::uint16_t kReply = 2;

  std::uint16_t op = kRequest;
  MacAddr sha;  // sender hardware address
  IpAddr spa;   // sender protocol address
  MacAddr tha;  // target hardware address
  IpAddr tpa;   // target protocol address

  // Writes kSize bytes.
  void emit(std::uint8_t* p) const {
    store_be16(p, 1);  // Ethernet
    store_be16(p + 2, kEtherTypeIpv4);
    p[4] = 6;
    p[5] = 4;
    store_be16(p + 6, op);
    store_mac(p + 8, sha);
    store_ipv4(p + 14, spa);
    store_mac(p + 18, tha);
    store_ipv4(p + 24, tpa);
  }
};

// A packet for IPv4 over Ethernet, of any operation.
class ArpView {
 public:
  static std::optional<ArpView> parse(Bytes packet) {
    if (packet.size() < Arp::kSize) return std::nullopt;
    // hrd 1, pro 0x0800, hln 6, pln 4, all at once.
    if (load_be64(packet.data()) >> 16U != 0x0001'0800'0604U) return std::nullopt;
    return ArpView(packet.first(Arp::kSize));
  }

  std::uint16_t op() const { return load_be16(packet_.data() + 6); }
  MacAddr sha() const { return load_mac(packet_.data() + 8); }
  IpAddr spa() const { return load_ipv4(packet_.data() + 14); }
  MacAddr tha() const { return load_mac(packet_.data() + 18); }
  IpAddr tpa() const { return load_ipv4(packet_.data() + 24); }
  Arp value() const { return {op(), sha(), spa(), tha(), tpa()}; }

 private:
  explicit ArpView(Bytes packet) : packet_(packet) {}

  Bytes packet_;
};

}  // namespace naru::wire
