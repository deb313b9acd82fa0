#include <algorithm>
#include <vector>

#include <naru/resolver/network.hpp>

namespace naru::resolver {
namespace {

class StackNetwork final : public Network {
 public:
  explicit StackNetwork(Stack& stack) : stack_(stack) {}

  Time now() const override { return stack_.now(); }

  Result<int> open(Kind kind, bool) override {
    const bool is_stream = kind == Kind::stream;
    const auto id = is_stream ? stack_.open_tcp() : stack_.open_udp();
    if (!id) return std::unexpected(id.error());
    constexpr int kAlways = 2;  // IP_PMTUDISC_DO
    if (!is_stream) (void)stack_.set_option(*id, SocketOption::mtu_discover, kAlways);
    auto free = std::ranges::find_if(sockets_, [](SocketId s) { return !s; });
    if (free == sockets_.end()) free = sockets_.insert(free, SocketId());
    *free = *id;
    return static_cast<int>(free - sockets_.begin());
  }
  void close(int socket) override { (void)stack_.close(std::exchange(id(socket), {})); }
  Status bind(int socket, const Endpoint& local) override { return stack_.bind(id(socket), local); }
  Status connect(int socket, const Endpoint& remote) override {
    return stack_.connect(id(socket), remote);
  }
  Result<std::size_t> send(int socket, Bytes data) override {
    return stack_.send(id(socket), data);
  }
  Result<std::size_t> recv(int socket, MutableBytes out) override {
    return stack_.recv(id(socket), out);
  }
  Result<Endpoint> local(int socket) const override {
    return stack_.local(sockets_[static_cast<std::size_t>(socket)]);
  }
  std::uint8_t readiness(int socket) const override {
    return stack_.readiness(sockets_[static_cast<std::size_t>(socket)]);
  }

 private:
  SocketId& id(int socket) { return sockets_[static_cast<std::size_t>(socket)]; }

  Stack& stack_;
  std::vector<SocketId> sockets_;  // by number
};

}  // namespace

std::unique_ptr<Network> stack_network(Stack& stack) {
  return std::make_unique<StackNetwork>(stack);
}

}  // namespace naru::resolver
