// IoObject: what every socket class is made of: an executor, its service and the
// socket in it.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>

#include <naru/asio/detail/service.hpp>

namespace naru::asio::detail {

// The service of the executor's context. A context without a stack is a mistake of
// the program, and this is the first place to see it.
template <class Executor>
StackService& service_of(const Executor& executor) {
  boost::asio::execution_context& context =
      boost::asio::query(executor, boost::asio::execution::context);
  if (!boost::asio::has_service<StackService>(context)) {
    throw_error(boost::asio::error::network_down, "no naru::asio::use_stack for this context");
  }
  return boost::asio::use_service<StackService>(context);
}

template <class Executor>
class IoObject {
 public:
  explicit IoObject(const Executor& executor)
      : service_(&service_of(executor)), executor_(executor) {}
  IoObject(IoObject&& other) noexcept
      : service_(other.service_),
        executor_(std::move(other.executor_)),
        state_(std::move(other.state_)) {}
  template <class OtherExecutor>
  explicit IoObject(IoObject<OtherExecutor>&& other)
      : service_(other.service_),
        executor_(std::move(other.executor_)),
        state_(std::move(other.state_)) {}
  IoObject& operator=(IoObject&& other) {
    if (this == &other) return *this;
    service_->close(state_);
    service_ = other.service_;
    executor_ = std::move(other.executor_);
    state_ = std::move(other.state_);
    return *this;
  }
  ~IoObject() { service_->close(state_); }

  StackService& service() { return *service_; }
  const Executor& executor() const { return executor_; }
  bool is_open() const { return state_ != nullptr; }
  SocketId id() const { return is_open() ? state_->id : SocketId{}; }

  error_code open(SocketId::Kind kind) { return service_->open(state_, kind); }
  void adopt(SocketId socket) { service_->adopt(state_, socket); }
  error_code close() { return service_->close(state_); }
  SocketId release() { return is_open() ? service_->release(state_) : SocketId{}; }

  error_code cancel() {
    if (!is_open()) return boost::asio::error::bad_descriptor;
    service_->cancel(*state_);
    return {};
  }

  bool non_blocking() const { return is_open() && state_->non_blocking; }
  error_code non_blocking(bool mode) {
    if (!is_open()) return boost::asio::error::bad_descriptor;
    state_->non_blocking = mode;
    return {};
  }

  // f(stack, socket) as an error code; bad_descriptor without a socket.
  template <class F>
  error_code call(F&& f) const {
    if (!is_open()) return boost::asio::error::bad_descriptor;
    return service_->with_stack([&](Stack& stack) -> error_code { return f(stack, state_->id); });
  }

  template <class Attempt>
  void run(Attempt& attempt) {
    service_->run(state_.get(), attempt);
  }

  // Starts the operation with the token's handler; in which queue it waits says `queue`.
  template <class Signature, class Attempt, class Token>
  auto start(OperationQueue SocketState::*queue, Attempt attempt, Token& token) {
    return boost::asio::async_initiate<Token, Signature>(Initiation{this, queue}, token,
                                                         std::move(attempt));
  }

 private:
  template <class>
  friend class IoObject;

  // What a cancellation slot calls.
  struct Canceller {
    StackService* service;
    std::uint32_t slot;
    std::uint64_t operation;

    void operator()(boost::asio::cancellation_type_t type) const {
      using boost::asio::cancellation_type;
      constexpr auto kAny =
          cancellation_type::terminal | cancellation_type::partial | cancellation_type::total;
      if ((type & kAny) != cancellation_type::none) service->cancel(slot, operation);
    }
  };

  class Initiation {
   public:
    using executor_type = Executor;

    Initiation(IoObject* object, OperationQueue SocketState::*queue)
        : object_(object), queue_(queue) {}
    const executor_type& get_executor() const noexcept { return object_->executor_; }

    template <class Handler, class Attempt>
    void operator()(Handler&& handler, Attempt&& attempt) const {
      using Operation = AsyncOperation<std::decay_t<Attempt>, std::decay_t<Handler>, executor_type>;
      StackService& service = *object_->service_;
      SocketState* state = object_->state_.get();
      const std::uint64_t id = service.next_operation_id();
      auto slot = boost::asio::get_associated_cancellation_slot(handler);
      if (state != nullptr && slot.is_connected()) {
        slot.template emplace<Canceller>(Canceller{&service, state->slot, id});
      }
      Operation* operation =
          Operation::create(service.context(), object_->executor_, std::forward<Attempt>(attempt),
                            std::forward<Handler>(handler));
      operation->id = id;
      service.start(state, queue_, operation);
    }

   private:
    IoObject* object_;
    OperationQueue SocketState::*queue_;
  };

  StackService* service_;
  Executor executor_;
  std::unique_ptr<SocketState> state_;
};

}  // namespace naru::asio::detail
