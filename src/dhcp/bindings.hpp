// Bindings: whose each address of a range is, and until when.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru::dhcp {

// A client by what it calls itself: its option 61, else its Ethernet address.
using ClientName = std::vector<std::uint8_t>;

// At most one address for each client, at most one client for each address: both maps are
// as large as the range at most.
class Bindings {
 public:
  enum class Kind : std::uint8_t {
    offered,  // for a moment
    leased,
    declined,  // by a client, for somebody outside has it
  };

  Bindings(const IpAddr& first, const IpAddr& last, const IpAddr& own)
      : first_(first.to_v4()), last_(last.to_v4()), own_(own.to_v4()) {}

  // An address for the client: the one it has or had, the one it wishes, the next that is
  // free, the one that was free for longest; none: all are taken.
  std::optional<IpAddr> choose(const ClientName& client, const std::optional<IpAddr>& wish,
                               Time now) const;
  // The client's; none: it has none, or its time is over.
  std::optional<IpAddr> of(const ClientName& client, Time now) const;
  bool is_free_for(const ClientName& client, const IpAddr& address, Time now) const;
  void bind(const ClientName& client, const IpAddr& address, Kind kind, Time expires);
  void release(const ClientName& client, const IpAddr& address);
  void decline(const ClientName& client, const IpAddr& address, Time until);
  std::size_t count(Kind kind, Time now) const;

 private:
  struct Binding {
    ClientName client;
    Kind kind{};
    Time expires{};
  };

  bool is_in_range(std::uint32_t address) const {
    return address >= first_ && address <= last_ && address != own_;
  }
  void forget(std::map<std::uint32_t, Binding>::iterator binding);

  std::uint32_t first_;
  std::uint32_t last_;
  std::uint32_t own_;
  std::map<std::uint32_t, Binding> by_address_;
  std::map<ClientName, std::uint32_t> by_client_;
};

}  // namespace naru::dhcp
