// Operation: one asynchronous operation that waits in a socket's queue.
#pragma once

#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <naru/asio/detail/convert.hpp>
#include <naru/stack/stack.hpp>

namespace naru::asio::detail {

class Operation {
 public:
  // Tries to do what it is for; true when it is done, well or badly. Called with
  // the stack locked.
  virtual bool attempt(Stack& stack, SocketId socket) = 0;
  // It ends here, with this error.
  virtual void fail(const error_code& ec) = 0;
  // Frees the operation, then calls the handler with the outcome. Called without
  // the lock, by a thread that runs the context.
  virtual void complete() = 0;
  // Frees the operation; nobody will be called.
  virtual void discard() = 0;

  Operation* next = nullptr;
  std::uint64_t id = 0;  // names it for its cancellation slot; never used twice

 protected:
  ~Operation() = default;
};

// First in, first out. Owns its operations in that it discards what is left.
class OperationQueue {
 public:
  OperationQueue() = default;
  OperationQueue(const OperationQueue&) = delete;
  OperationQueue& operator=(const OperationQueue&) = delete;
  ~OperationQueue() {
    while (Operation* operation = pop()) operation->discard();
  }

  bool empty() const { return head_ == nullptr; }
  Operation* front() const { return head_; }
  void push(Operation* operation) {
    operation->next = nullptr;
    *tail_ = operation;
    tail_ = &operation->next;
  }
  Operation* pop() {
    Operation* operation = head_;
    if (operation != nullptr) remove(&head_);
    return operation;
  }
  // Takes out the operation with this id; nullptr when it is not here.
  Operation* take(std::uint64_t id) {
    for (Operation** at = &head_; *at != nullptr; at = &(*at)->next) {
      if (Operation* operation = *at; operation->id == id) {
        remove(at);
        return operation;
      }
    }
    return nullptr;
  }
  // Moves all of `other` to the end of this queue.
  void append(OperationQueue& other) {
    while (Operation* operation = other.pop()) push(operation);
  }

 private:
  void remove(Operation** at) {
    Operation* operation = *at;
    *at = operation->next;
    if (tail_ == &operation->next) tail_ = at;
  }

  Operation* head_ = nullptr;
  Operation** tail_ = &head_;
};

// A handler with its arguments, for dispatch(); associated with what the handler
// is associated with.
template <class Handler, class Results>
struct BoundHandler {
  Handler handler;
  Results results;

  void operator()() { std::apply(std::move(handler), std::move(results)); }
};

// An Attempt says what the operation does:
//   bool operator()(Stack&, SocketId)    true when done
//   void fail(const error_code&)
//   std::tuple<...> results()            the handler's arguments
template <class Attempt, class Handler, class IoExecutor>
class AsyncOperation final : public Operation {
 public:
  static AsyncOperation* create(boost::asio::io_context& context, const IoExecutor& io_executor,
                                Attempt attempt, Handler handler) {
    Allocator allocator(boost::asio::get_associated_allocator(handler));
    Memory memory{allocator, std::allocator_traits<Allocator>::allocate(allocator, 1)};
    auto* operation = ::new (static_cast<void*>(memory.place))
        AsyncOperation(context, io_executor, std::move(attempt), std::move(handler));
    memory.place = nullptr;
    return operation;
  }

  bool attempt(Stack& stack, SocketId socket) override { return attempt_(stack, socket); }
  void fail(const error_code& ec) override { attempt_.fail(ec); }

  void complete() override {
    const ContextWork work(context_);
    if (foreign_work_) {
      complete_elsewhere();
    } else {
      auto bound = take();
      bound();
    }
  }

  void discard() override {
    Handler handler(std::move(handler_));
    free(handler);
  }

 private:
  using Executor = boost::asio::associated_executor_t<Handler, IoExecutor>;
  using Results = decltype(std::declval<Attempt&>().results());
  using Allocator = typename std::allocator_traits<
      boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<AsyncOperation>;

  struct Memory {
    ~Memory() {
      if (place != nullptr) std::allocator_traits<Allocator>::deallocate(allocator, place, 1);
    }
    Allocator& allocator;
    AsyncOperation* place;
  };

  void complete_elsewhere() {
    const Executor executor = executor_;
    const boost::asio::executor_work_guard<Executor> work = std::move(*foreign_work_);
    boost::asio::dispatch(executor, take());
  }

  // Everything is moved out, and this object is gone: the handler may start the next
  // operation in its memory.
  BoundHandler<Handler, Results> take() {
    BoundHandler<Handler, Results> bound{std::move(handler_), attempt_.results()};
    free(bound.handler);
    return bound;
  }

  // A waiting operation is work of the context, until its handler has returned.
  struct ContextWork {
    explicit ContextWork(boost::asio::io_context& c) : context(c) {}
    ContextWork(const ContextWork&) = delete;
    ContextWork& operator=(const ContextWork&) = delete;
    ~ContextWork() { context.get_executor().on_work_finished(); }
    boost::asio::io_context& context;
  };

  AsyncOperation(boost::asio::io_context& context, const IoExecutor& io_executor, Attempt attempt,
                 Handler handler)
      : context_(context),
        attempt_(std::move(attempt)),
        handler_(std::move(handler)),
        executor_(boost::asio::get_associated_executor(handler_, io_executor)) {
    context_.get_executor().on_work_started();
    if (!is_of_context()) foreign_work_.emplace(executor_);
  }
  ~AsyncOperation() = default;

  void free(const Handler& handler) {
    Allocator allocator(boost::asio::get_associated_allocator(handler));
    this->~AsyncOperation();
    std::allocator_traits<Allocator>::deallocate(allocator, this, 1);
  }

  // complete() already runs where this executor would run the handler.
  bool is_of_context() const {
    using ContextExecutor = boost::asio::io_context::executor_type;
    if constexpr (std::is_same_v<Executor, ContextExecutor>) {
      return executor_ == context_.get_executor();
    } else if constexpr (std::is_same_v<Executor, boost::asio::any_io_executor>) {
      const auto* target = executor_.template target<ContextExecutor>();
      return target != nullptr && *target == context_.get_executor();
    } else {
      return false;
    }
  }

  boost::asio::io_context& context_;
  Attempt attempt_;
  Handler handler_;
  Executor executor_;
  // Keeps an executor that is not the context's own (a strand, a pool) running.
  std::optional<boost::asio::executor_work_guard<Executor>> foreign_work_;
};

}  // namespace naru::asio::detail

template <template <class, class> class Associator, class Handler, class Results, class Default>
struct boost::asio::associator<Associator, naru::asio::detail::BoundHandler<Handler, Results>,
                               Default> : Associator<Handler, Default> {
  static typename Associator<Handler, Default>::type get(
      const naru::asio::detail::BoundHandler<Handler, Results>& bound) noexcept {
    return Associator<Handler, Default>::get(bound.handler);
  }
  static typename Associator<Handler, Default>::type get(
      const naru::asio::detail::BoundHandler<Handler, Results>& bound,
      const Default& otherwise) noexcept {
    return Associator<Handler, Default>::get(bound.handler, otherwise);
  }
};
