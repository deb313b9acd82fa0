// Gives a stack to an io_context, so that naru::ip::tcp and naru::ip::udp sockets
// of that context live on it.
#pragma once

#include <stdexcept>

#include <naru/asio/detail/service.hpp>
#include <naru/socket/host.hpp>

namespace naru::asio {

// Once for a context. From now on the context drives the stack: nobody else polls
// it, and who asks it something does so through with_stack. `links` are those of the
// stack's interfaces; they and the stack outlive the context.
inline void use_stack(boost::asio::io_context& context, Stack& stack,
                      std::span<link::Link* const> links) {
  if (boost::asio::has_service<detail::StackService>(context)) {
    throw std::logic_error("naru::asio::use_stack: the context has a stack");
  }
  boost::asio::execution_context& base = context;
  boost::asio::use_service<detail::StackService>(base).attach(context, stack, links);
}

// The stack and the links of a host, whose own loop then rests.
inline void use_stack(boost::asio::io_context& context, Host& host) {
  std::vector<link::Link*> links;
  for (const auto& link : host.links()) links.push_back(link.get());
  use_stack(context, host.stack(), links);
}

// Calls f(Stack&) while no turn and no other thread is in the stack.
template <class F>
auto with_stack(boost::asio::io_context& context, F&& f) {
  boost::asio::execution_context& base = context;
  return boost::asio::use_service<detail::StackService>(base).with_stack(std::forward<F>(f));
}

// Has `observer` called after each turn of the stack, for reading trace events. It
// must not use the context's sockets.
inline void observe_turns(boost::asio::io_context& context, std::function<void(Stack&)> observer) {
  boost::asio::execution_context& base = context;
  boost::asio::use_service<detail::StackService>(base).set_observer(std::move(observer));
}

}  // namespace naru::asio
