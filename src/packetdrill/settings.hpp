// Settings: what --so_flags says, as name=value,name=value...
//
//   local_ip=192.168.0.1,remote_ip=192.0.2.1,gateway_ip=192.168.0.2,mtu=1500
//   tcp.rto_min=200,tcp.timestamps=0,...      any option of naru/config/options.hpp
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include <naru/config/options.hpp>
#include <naru/wire/address.hpp>

namespace naru::packetdrill {

struct Settings {
  IpAddr local = IpAddr::v4(192, 168, 0, 1);
  IpAddr remote = IpAddr::v4(192, 0, 2, 1);
  IpAddr gateway = IpAddr::v4(192, 168, 0, 2);
  std::uint8_t prefix_length = 16;
  std::uint32_t mtu = 1500;
  Options options;

  // The error is a line for the user.
  static std::expected<Settings, std::string> parse(std::string_view flags);
};

}  // namespace naru::packetdrill
