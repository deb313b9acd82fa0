// Gateway: the member of a lan through which the kernel's network reaches the others.
//
//   naru run -p 8080:80 ── control socket ──► Gateway ── doors ── relays ── lan ── program
//
// One for each lan, at its first address, in a process of its own: it starts when
// somebody first publishes a port and ends when nobody does any more. Who asks keeps
// its connection to the control socket open: that is the lease of what it published.
#pragma once

#include <memory>
#include <string>

#include <naru/link/lan.hpp>

namespace naru::gateway {

class Gateway {
 public:
  // Joins the lan as its gateway and listens for orders.
  static link::OpenResult<std::unique_ptr<Gateway>> open(const std::string& lan,
                                                         const link::LanDirectory& directory);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Until nobody publishes anything any more.
  void run();

 private:
  class Service;
  explicit Gateway(std::unique_ptr<Service> service);

  std::unique_ptr<Service> service_;
};

}  // namespace naru::gateway
