#include <algorithm>

#include <naru/dhcp/advised_client6.hpp>

namespace naru::dhcp {
namespace {

// A router that did not hear the first question, or could not answer it yet, is asked again
// after four seconds (RFC 7559 2), a server after one (RFC 9915 18.2.6).
constexpr Duration kPatience = 5s;

}  // namespace

AdvisedClient6::AdvisedClient6(Stack& stack, const Client6Config& config, const Random& random,
                               Client6::OnChange on_change)
    : stack_(stack),
      config_(config),
      must_have_lease_(config.wants_address),
      random_(random),
      on_change_(std::move(on_change)) {}

void AdvisedClient6::poll(Time now) {
  if (!is_released_) follow_advice();
  if (client_) client_->poll(now);
  if (!address()) {
    addressed_ = kTimeNever;
  } else if (addressed_ == kTimeNever) {
    addressed_ = now;
  }
}

// Whom servers answer must have a link-local address (RFC 9915 13.1), and a host has it a second
// after it has begun. There is always a stack's turn when it does.
bool AdvisedClient6::has_link_local() const {
  const auto all = stack_.interface_addresses(config_.interface);
  return std::ranges::any_of(all, [this](const Prefix& own) {
    return own.addr.is_v6() && own.addr.is_link_local() &&
           stack_.address_state(own.addr) == AddressState::usable;
  });
}

void AdvisedClient6::follow_advice() {
  const LearnedIpv6 learned = stack_.learned_ipv6(config_.interface);
  const bool is_new = !config_.wants_address && learned.is_managed;
  config_.wants_address |= learned.is_managed;
  is_advised_ |= config_.wants_address || learned.has_other_config;
  if (!is_advised_ || (client_ && !is_new) || !has_link_local()) return;
  client_.reset();  // one that asks for names alone: its port is free again
  Random::Key key;
  random_.fill(key);
  auto created = Client6::create(stack_, config_, Random::secure(key), on_change_);
  if (created) client_ = std::move(*created);
}

Time AdvisedClient6::next_deadline() const {
  const Time next = client_ ? client_->next_deadline() : kTimeNever;
  const bool is_patient = addressed_ != kTimeNever && stack_.now() < addressed_ + kPatience;
  return is_patient ? std::min(next, addressed_ + kPatience) : next;
}

bool AdvisedClient6::is_quiet() const {
  if (!client_) return is_released_ || !must_have_lease_;
  const State6 state = client_->state();
  return state == State6::bound || state == State6::informed || state == State6::stopped;
}

bool AdvisedClient6::is_ready(Time now) const {
  if (addressed_ == kTimeNever) return false;
  const bool may_hear_names = is_advised_ && !names();
  const bool may_hear_routers = stack_.learned_ipv6(config_.interface).routers.empty();
  return (!may_hear_names && !may_hear_routers) || now >= addressed_ + kPatience;
}

std::optional<Prefix> AdvisedClient6::address() const {
  if (client_ && client_->lease()) return Prefix{client_->lease()->address, config_.prefix_length};
  if (must_have_lease_) return std::nullopt;
  const LearnedIpv6 learned = stack_.learned_ipv6(config_.interface);
  if (learned.addresses.empty() || learned.routers.empty()) return std::nullopt;
  return learned.addresses.front();
}

std::optional<Names6> AdvisedClient6::names() const {
  return client_ ? client_->names() : std::nullopt;
}

void AdvisedClient6::release(Time now) {
  is_released_ = true;
  if (client_) client_->release(now);
}

}  // namespace naru::dhcp
