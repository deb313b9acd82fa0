// AddressSource: where an address of a session comes from that nobody has given by hand
// (naru run --ip dhcp). Who starts the keeper brings it along; the keeper drives it.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <naru/link/open_error.hpp>
#include <naru/time/time.hpp>

namespace naru::session {

class Session;

// All calls are made inside.
class AddressSource {
 public:
  AddressSource() = default;
  AddressSource(const AddressSource&) = delete;
  AddressSource& operator=(const AddressSource&) = delete;
  virtual ~AddressSource() = default;

  // The cable is plugged in; or the stack had to be made anew, and knows of nothing.
  virtual link::OpenResult<void> start(Session& session) = 0;
  // After each turn of the stack, and at next_deadline().
  virtual void poll(Time now) = 0;
  virtual Time next_deadline() const = 0;
  // The session has an address to begin with.
  virtual bool has_address() const = 0;
  // Why it has none in the end: "--ip dhcp: nobody gives an address"
  virtual std::string_view complaint() const = 0;
  // The session ends.
  virtual void give_back(Time now) = 0;
};

using AddressSources = std::vector<std::unique_ptr<AddressSource>>;
// Nothing: the addresses are those of the cable.
using AddressSourceMaker = std::function<AddressSources()>;

}  // namespace naru::session
