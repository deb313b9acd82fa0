#include "wire/dhcp6.hpp"

#include <array>

#include <naru/wire/dns_name.hpp>

#include "wire/fields.hpp"

namespace naru::wire {
std::optional<Dhcp6Options> Dhcp6Options::parse(Bytes bytes) {
  for (Bytes rest = bytes; !rest.empty();) {
    if (rest.size() < kHeaderSize) return std::nullopt;
    const std::size_t size = load_be16(rest.data() + 2);
    if (rest.size() - kHeaderSize < size) return std::nullopt;
    rest = rest.subspan(kHeaderSize + size);
  }
  return Dhcp6Options(bytes);
}

std::optional<Bytes> Dhcp6Options::find(Dhcp6Option code) const {
  std::optional<Bytes> found;
  for_each([&](Dhcp6Option option, Bytes data) {
    if (option == code && !found) found = data;
  });
  return found;
}

std::optional<std::uint8_t> Dhcp6Options::number8(Dhcp6Option code) const {
  const auto data = find(code);
  if (!data || data->size() != 1) return std::nullopt;
  return (*data)[0];
}

std::optional<std::uint32_t> Dhcp6Options::number32(Dhcp6Option code) const {
  const auto data = find(code);
  if (!data || data->size() != 4) return std::nullopt;
  return load_be32(data->data());
}

std::vector<IpAddr> Dhcp6Options::addresses(Dhcp6Option code, std::size_t most) const {
  std::vector<IpAddr> addresses;
  const auto data = find(code);
  if (!data || data->size() % 16 != 0) return addresses;
  for (std::size_t at = 0; at < data->size() && addresses.size() < most; at += 16) {
    addresses.push_back(load_ipv6(data->data() + at));
  }
  return addresses;
}

Dhcp6Status Dhcp6Options::status() const {
  const auto data = find(Dhcp6Option::status_code);
  if (!data) return Dhcp6Status::success;
  if (data->size() < 2) return Dhcp6Status::unspec_fail;
  return static_cast<Dhcp6Status>(load_be16(data->data()));
}

std::optional<Dhcp6Address> Dhcp6Address::parse(Bytes data) {
  if (data.size() < kFixedSize) return std::nullopt;
  const auto options = Dhcp6Options::parse(data.subspan(kFixedSize));
  if (!options) return std::nullopt;
  return Dhcp6Address{.address = load_ipv6(data.data()),
                      .preferred = load_be32(data.data() + 16),
                      .valid = load_be32(data.data() + 20),
                      .options = *options};
}

std::optional<Dhcp6Ia> Dhcp6Ia::parse(Bytes data) {
  if (data.size() < kFixedSize) return std::nullopt;
  const auto options = Dhcp6Options::parse(data.subspan(kFixedSize));
  if (!options) return std::nullopt;
  return Dhcp6Ia{.id = load_be32(data.data()),
                 .t1 = load_be32(data.data() + 4),
                 .t2 = load_be32(data.data() + 8),
                 .options = *options};
}

std::optional<Dhcp6View> Dhcp6View::parse(Bytes message) {
  if (message.size() < kHeaderSize) return std::nullopt;
  const auto type = static_cast<Dhcp6Type>(message[0]);
  if (type < Dhcp6Type::solicit || type > Dhcp6Type::information_request) return std::nullopt;
  const auto options = Dhcp6Options::parse(message.subspan(kHeaderSize));
  if (!options) return std::nullopt;
  Dhcp6View view;
  view.type_ = type;
  view.xid_ = load_be32(message.data()) & 0xffffffU;
  view.options_ = *options;
  return view;
}

Dhcp6Writer::Dhcp6Writer(Dhcp6Type type, std::uint32_t xid) {
  append32(std::uint32_t{static_cast<std::uint8_t>(type)} << 24U | (xid & 0xffffffU));
}

void Dhcp6Writer::append32(std::uint32_t number) {
  bytes_.resize(bytes_.size() + 4);
  store_be32(bytes_.data() + bytes_.size() - 4, number);
}

void Dhcp6Writer::open(Dhcp6Option code) {
  open_.push_back(bytes_.size() + 2);
  append32(std::uint32_t{static_cast<std::uint16_t>(code)} << 16U);
}

void Dhcp6Writer::close() {
  const std::size_t at = open_.back();
  open_.pop_back();
  store_be16(bytes_.data() + at, static_cast<std::uint16_t>(bytes_.size() - at - 2));
}

void Dhcp6Writer::add(Dhcp6Option code, Bytes data) {
  open(code);
  bytes_.insert(bytes_.end(), data.begin(), data.end());
  close();
}

void Dhcp6Writer::add(Dhcp6Option code, std::span<const IpAddr> addresses) {
  open(code);
  for (const IpAddr& address : addresses) {
    bytes_.insert(bytes_.end(), address.bytes().begin(), address.bytes().end());
  }
  close();
}

void Dhcp6Writer::add_codes(Dhcp6Option code, std::span<const Dhcp6Option> codes) {
  std::vector<std::uint8_t> data(codes.size() * 2);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    store_be16(data.data() + i * 2, static_cast<std::uint16_t>(codes[i]));
  }
  add(code, data);
}

void Dhcp6Writer::add8(Dhcp6Option code, std::uint8_t number) { add(code, {&number, 1}); }

void Dhcp6Writer::add16(Dhcp6Option code, std::uint16_t number) {
  std::array<std::uint8_t, 2> data{};
  store_be16(data.data(), number);
  add(code, data);
}

void Dhcp6Writer::add32(Dhcp6Option code, std::uint32_t number) {
  open(code);
  append32(number);
  close();
}

void Dhcp6Writer::add_names(Dhcp6Option code, std::span<const std::string> names) {
  open(code);
  for (const std::string& text : names) {
    const auto name = DnsName::parse(text);
    if (name) bytes_.insert(bytes_.end(), name->wire().begin(), name->wire().end());
  }
  close();
}

void Dhcp6Writer::add_status(Dhcp6Status status) {
  add16(Dhcp6Option::status_code, static_cast<std::uint16_t>(status));
}

void Dhcp6Writer::open_ia(std::uint32_t id, std::uint32_t t1, std::uint32_t t2) {
  open(Dhcp6Option::ia_na);
  append32(id);
  append32(t1);
  append32(t2);
}

void Dhcp6Writer::open_address(const IpAddr& address, std::uint32_t preferred,
                               std::uint32_t valid) {
  open(Dhcp6Option::ia_address);
  bytes_.insert(bytes_.end(), address.bytes().begin(), address.bytes().end());
  append32(preferred);
  append32(valid);
}

}  // namespace naru::wire
