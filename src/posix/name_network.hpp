// NameNetwork: the resolver's sockets, which are the program's: they end with it, however
// it ends.
#pragma once

#include <poll.h>
#include <vector>

#include <naru/resolver/network.hpp>

#include "posix/library.hpp"

namespace naru::posix {

class NameNetwork final : public resolver::Network {
 public:
  explicit NameNetwork(Library& library) : library_(library) {}

  Time now() const override;
  Result<int> open(Kind kind, bool is_v6) override;
  void close(int socket) override;
  Status bind(int socket, const Endpoint& local) override;
  Status connect(int socket, const Endpoint& remote) override;
  Result<std::size_t> send(int socket, Bytes data) override;
  Result<std::size_t> recv(int socket, MutableBytes out) override;
  Result<Endpoint> local(int socket) const override;
  std::uint8_t readiness(int socket) const override;

  // Until something has happened on one of the sockets, or it is time.
  void wait(Time deadline);

 private:
  Library& library_;
  std::vector<pollfd> open_;  // and what each waits for
};

}  // namespace naru::posix
