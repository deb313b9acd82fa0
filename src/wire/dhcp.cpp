#include "wire/dhcp.hpp"

#include <algorithm>

#include "wire/fields.hpp"

namespace naru::wire {
namespace {

constexpr std::uint8_t kEthernet = 1;
constexpr std::uint8_t kMacSize = 6;
constexpr std::uint32_t kCookie = 0x63825363;
constexpr std::uint16_t kBroadcastFlag = 0x8000;
constexpr std::size_t kCiaddr = 12;
constexpr std::size_t kChaddr = 28;
constexpr std::size_t kSname = 44;
constexpr std::size_t kSnameSize = 64;
constexpr std::size_t kFile = 108;
constexpr std::size_t kFileSize = 128;

}  // namespace

std::optional<DhcpView> DhcpView::parse(Bytes message) {
  if (message.size() < Dhcp::kOptionsOffset) return std::nullopt;
  const std::uint8_t* p = message.data();
  const bool is_ethernet = p[1] == kEthernet && p[2] == kMacSize;
  if (!is_ethernet || load_be32(p + Dhcp::kFixedSize) != kCookie) return std::nullopt;
  DhcpView view;
  view.fixed_ = {.op = p[0],
                 .xid = load_be32(p + 4),
                 .secs = load_be16(p + 8),
                 .wants_broadcast = (load_be16(p + 10) & kBroadcastFlag) != 0,
                 .ciaddr = load_ipv4(p + kCiaddr),
                 .yiaddr = load_ipv4(p + kCiaddr + 4),
                 .siaddr = load_ipv4(p + kCiaddr + 8),
                 .giaddr = load_ipv4(p + kCiaddr + 12),
                 .chaddr = load_mac(p + kChaddr)};
  if (!view.take(message.subspan(Dhcp::kOptionsOffset))) return std::nullopt;
  // Each area once, whatever it says itself of others.
  const auto overload = view.option(DhcpOption::overload);
  const std::uint8_t where = overload && overload->size() == 1 ? (*overload)[0] : 0;
  if ((where & kInFile) != 0 && !view.take(message.subspan(kFile, kFileSize))) return std::nullopt;
  if ((where & kInSname) != 0 && !view.take(message.subspan(kSname, kSnameSize))) {
    return std::nullopt;
  }
  return view;
}

// Up to the end option, or the end.
bool DhcpView::take(Bytes area) {
  for (std::size_t at = 0; at < area.size();) {
    const auto code = static_cast<DhcpOption>(area[at++]);
    if (code == DhcpOption::end) return true;
    if (code == DhcpOption::pad) continue;
    if (at == area.size() || area.size() - at - 1 < area[at]) return false;
    const Bytes data = area.subspan(at + 1, area[at]);
    at += 1 + data.size();
    auto known = std::ranges::find(options_, code, &Option::code);
    if (known == options_.end()) known = options_.insert(known, {code, {}});
    known->data.insert(known->data.end(), data.begin(), data.end());
  }
  return true;
}

std::optional<Bytes> DhcpView::option(DhcpOption code) const {
  const auto known = std::ranges::find(options_, code, &Option::code);
  if (known == options_.end()) return std::nullopt;
  return Bytes(known->data);
}

std::optional<DhcpType> DhcpView::type() const {
  const auto data = option(DhcpOption::message_type);
  if (!data || data->size() != 1) return std::nullopt;
  return static_cast<DhcpType>((*data)[0]);
}

std::optional<IpAddr> DhcpView::address(DhcpOption code) const {
  const auto data = option(code);
  if (!data || data->size() != 4) return std::nullopt;
  return load_ipv4(data->data());
}

std::optional<std::uint32_t> DhcpView::number32(DhcpOption code) const {
  const auto data = option(code);
  if (!data || data->size() != 4) return std::nullopt;
  return load_be32(data->data());
}

std::optional<std::uint16_t> DhcpView::number16(DhcpOption code) const {
  const auto data = option(code);
  if (!data || data->size() != 2) return std::nullopt;
  return load_be16(data->data());
}

std::vector<IpAddr> DhcpView::addresses(DhcpOption code, std::size_t most) const {
  std::vector<IpAddr> addresses;
  const auto data = option(code);
  if (!data || data->size() % 4 != 0) return addresses;
  for (std::size_t at = 0; at < data->size() && addresses.size() < most; at += 4) {
    addresses.push_back(load_ipv4(data->data() + at));
  }
  return addresses;
}

DhcpWriter::DhcpWriter(const Dhcp& fixed, DhcpType type) : bytes_(Dhcp::kOptionsOffset) {
  std::uint8_t* p = bytes_.data();
  p[0] = fixed.op;
  p[1] = kEthernet;
  p[2] = kMacSize;
  store_be32(p + 4, fixed.xid);
  store_be16(p + 8, fixed.secs);
  store_be16(p + 10, fixed.wants_broadcast ? kBroadcastFlag : 0);
  store_ipv4(p + kCiaddr, fixed.ciaddr);
  store_ipv4(p + kCiaddr + 4, fixed.yiaddr);
  store_ipv4(p + kCiaddr + 8, fixed.siaddr);
  store_ipv4(p + kCiaddr + 12, fixed.giaddr);
  store_mac(p + kChaddr, fixed.chaddr);
  store_be32(p + Dhcp::kFixedSize, kCookie);
  const std::array<std::uint8_t, 1> code{static_cast<std::uint8_t>(type)};
  add(DhcpOption::message_type, code);
}

void DhcpWriter::add(DhcpOption code, Bytes data) {
  constexpr std::size_t kEnd = 1;
  if (data.size() > 255 || bytes_.size() + 2 + data.size() + kEnd > Dhcp::kMaxSize) return;
  bytes_.push_back(static_cast<std::uint8_t>(code));
  bytes_.push_back(static_cast<std::uint8_t>(data.size()));
  bytes_.insert(bytes_.end(), data.begin(), data.end());
}

void DhcpWriter::add(DhcpOption code, const IpAddr& address) { add(code, std::span(&address, 1)); }

void DhcpWriter::add(DhcpOption code, std::span<const IpAddr> addresses) {
  std::vector<std::uint8_t> data(addresses.size() * 4);
  for (std::size_t i = 0; i < addresses.size(); ++i) store_ipv4(data.data() + i * 4, addresses[i]);
  add(code, data);
}

void DhcpWriter::add32(DhcpOption code, std::uint32_t number) {
  std::array<std::uint8_t, 4> data{};
  store_be32(data.data(), number);
  add(code, data);
}

void DhcpWriter::add16(DhcpOption code, std::uint16_t number) {
  std::array<std::uint8_t, 2> data{};
  store_be16(data.data(), number);
  add(code, data);
}

std::vector<std::uint8_t> DhcpWriter::finish() {
  bytes_.push_back(static_cast<std::uint8_t>(DhcpOption::end));
  bytes_.resize(std::max(bytes_.size(), Dhcp::kMinSize));
  return std::move(bytes_);
}

}  // namespace naru::wire
