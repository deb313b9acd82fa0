#include <algorithm>
#include <optional>

#include <naru/resolver/connect.hpp>

#include "resolver/happy_eyeballs.hpp"
#include "resolver/order.hpp"

namespace naru {
namespace {

// How much an error tells of the host.
int weight_of(Error error) {
  switch (error) {
    case Error::refused:
    case Error::reset:
      return 4;  // it has answered
    case Error::timed_out:
      return 3;
    case Error::host_unreachable:
    case Error::access_denied:
      return 2;
    case Error::network_unreachable:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

std::string ConnectFailure::to_string() const {
  if (name != NameOutcome::found) return std::string(naru::to_string(name));
  return address.to_string() + ": " + std::string(naru::to_string(error));
}

struct Connector::State {
  struct Attempt {
    SocketId socket;
    IpAddr address;
  };

  State(Stack& given_stack, std::uint16_t given_port, const ConnectOptions& options)
      : stack(given_stack), port(given_port), plan(options) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    end_attempts();
    if (connected) (void)stack.abort(*connected);
  }

  void begin(const IpAddr& address, Time now);
  void look(Time now);
  void on_failed(const Attempt& attempt, Error error, Time now);
  void end_attempts();

  Stack& stack;
  const std::uint16_t port;
  resolver::HappyEyeballs plan;
  std::vector<Attempt> attempts;  // under way
  std::optional<SocketId> connected;
  ConnectFailure failure;
};

void Connector::State::begin(const IpAddr& address, Time now) {
  const auto socket = stack.open_tcp();
  if (!socket) return on_failed({{}, address}, socket.error(), now);
  // There may be a better address: what a router says of this one is not waited out.
  (void)stack.set_option(*socket, SocketOption::receive_error, 1);
  const Status started = stack.connect(*socket, {address, port});
  if (started || started.error() == Error::in_progress) {
    attempts.push_back({*socket, address});
  } else {
    on_failed({*socket, address}, started.error(), now);
  }
}

void Connector::State::on_failed(const Attempt& attempt, Error error, Time now) {
  if (attempt.socket) (void)stack.abort(attempt.socket);
  plan.on_failed(attempt.address, now);
  if (failure.error != Error::none && weight_of(error) <= weight_of(failure.error)) return;
  failure.error = error;
  failure.address = attempt.address;
}

void Connector::State::end_attempts() {
  for (const Attempt& attempt : attempts) (void)stack.abort(attempt.socket);
  attempts.clear();
}

// What has become of those under way, in the order in which they began.
void Connector::State::look(Time now) {
  constexpr std::uint8_t kDecided = ready::kOut | ready::kErr | ready::kHup;
  for (auto at = attempts.begin(); at != attempts.end();) {
    const Attempt attempt = *at;
    if ((stack.readiness(attempt.socket) & kDecided) == 0) {
      ++at;
      continue;
    }
    at = attempts.erase(at);
    const Error error = stack.take_error(attempt.socket);
    if (error == Error::none) {
      connected = attempt.socket;
      (void)stack.set_option(attempt.socket, SocketOption::receive_error, 0);
      return end_attempts();
    }
    on_failed(attempt, error, now);
  }
}

Connector::Connector(Stack& stack, Resolver& resolver, std::string_view name, std::uint16_t port,
                     const ConnectOptions& options)
    : state_(std::make_shared<State>(stack, port, options)) {
  resolver.follow_host(name,
                       [&stack, weak = std::weak_ptr(state_)](const HostAnswer& host, bool is_all) {
                         const auto state = weak.lock();
                         if (!state) return;
                         state->failure.name = host.outcome;
                         state->plan.on_addresses(host.addresses, is_all, stack.now());
                       });
  poll(stack.now());
}

Connector::Connector(Stack& stack, std::vector<IpAddr> addresses, std::uint16_t port,
                     const ConnectOptions& options)
    : state_(std::make_shared<State>(stack, port, options)) {
  resolver::sort_by_destination(addresses, *resolver::stack_network(stack));
  if (addresses.empty()) state_->failure.name = NameOutcome::no_data;
  state_->plan.on_addresses(std::move(addresses), true, stack.now());
  poll(stack.now());
}

Connector::~Connector() = default;

void Connector::poll(Time now) {
  if (state_->connected) return;
  state_->look(now);
  while (!state_->connected) {
    const auto address = state_->plan.next(now);
    if (!address) return;
    state_->begin(*address, now);
  }
}

Time Connector::next_deadline() const {
  return is_done() ? kTimeNever : state_->plan.next_deadline();
}

bool Connector::is_done() const { return state_->connected || state_->plan.is_exhausted(); }

std::expected<SocketId, ConnectFailure> Connector::take() {
  if (state_->connected) return *std::exchange(state_->connected, std::nullopt);
  state_->failure.attempts = state_->plan.attempts();
  return std::unexpected(state_->failure);
}

}  // namespace naru
