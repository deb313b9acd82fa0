// StackService: drives a stack from an io_context and completes the operations of
// its sockets.
//
//   initiating function ──► attempt ──done──► ready ─┐
//                              │                     ├──► turn(): handlers are called
//                           would block              │
//                              ▼                     │
//                        socket's queue ──readiness──┘
//
//   a turn is caused by: a link's descriptor or interrupt, the stack's next
//   deadline, an operation of the user (many of them cause one turn)
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <naru/asio/detail/operation.hpp>
#include <naru/socket/clock.hpp>
#include <naru/socket/doorbell.hpp>

namespace naru::asio::detail {

// One open socket of the stack, and who waits for it. Owned by the I/O object.
struct SocketState {
  SocketId id;
  std::uint32_t slot = 0;
  bool non_blocking = false;
  OperationQueue readers;  // receive, accept, wait for either
  OperationQueue writers;  // send, connect
};

class StackService : public boost::asio::execution_context::service {
 public:
  using Observer = std::function<void(Stack&)>;
  // Who has a turn after each of the stack's (naru/asio/stack_program.hpp).
  struct Program {
    std::function<void(Stack&)> poll;
    std::function<Time()> next_deadline;
  };

  static inline boost::asio::execution_context::id id;

  // Complete with attach(), before the first socket.
  explicit StackService(boost::asio::execution_context& context) : service(context) {}
  ~StackService() override { release_links(); }

  void attach(boost::asio::io_context& context, Stack& stack, std::span<link::Link* const> links);
  void set_observer(Observer observer) {
    const std::lock_guard lock(mutex_);
    observer_ = std::move(observer);
  }
  // The program outlives its stay.
  void add_program(const Program& program) {
    const std::lock_guard lock(mutex_);
    programs_.push_back(&program);
    schedule();
  }
  void remove_program(const Program& program) {
    const std::lock_guard lock(mutex_);
    std::erase(programs_, &program);
  }

  boost::asio::io_context& context() { return *context_; }

  // --- what I/O objects ask ------------------------------------------------
  // Calls f with the stack, at the present time, alone. Afterwards the stack gets a turn.
  template <class F>
  auto with_stack(F&& f) {
    const std::lock_guard lock(mutex_);
    const Scheduled turn_follows(*this);
    stack_->set_now(monotonic_now());
    return f(*stack_);
  }

  error_code open(std::unique_ptr<SocketState>& state, SocketId::Kind kind);
  void adopt(std::unique_ptr<SocketState>& state, SocketId socket);
  error_code close(std::unique_ptr<SocketState>& state);
  SocketId release(std::unique_ptr<SocketState>& state);
  void cancel(SocketState& state);
  void cancel(std::uint32_t slot, std::uint64_t operation);

  std::uint64_t next_operation_id() { return ++operation_ids_; }
  // Tries the operation at once and lets it wait where it would block. The handler
  // is never called from here.
  void start(SocketState* state, OperationQueue SocketState::*queue, Operation* operation);
  // The blocking twin: tries until it is done. A socket in non-blocking mode tries once.
  template <class Attempt>
  void run(SocketState* state, Attempt& attempt);

 private:
  // A link with a descriptor, watched by the context's reactor. The descriptor
  // stays the link's.
  struct WatchedLink {
    WatchedLink(boost::asio::io_context& context, int fd) : descriptor(context, fd) {}
    ~WatchedLink() { descriptor.release(); }
    boost::asio::posix::stream_descriptor descriptor;
    bool waiting = false;
  };

  struct Scheduled {
    explicit Scheduled(StackService& s) : service(s) {}
    Scheduled(const Scheduled&) = delete;
    Scheduled& operator=(const Scheduled&) = delete;
    ~Scheduled() { service.schedule(); }
    StackService& service;
  };

  // A thread in run(): interrupts must ring for it from now on.
  struct Sleeper {
    explicit Sleeper(std::atomic<int>& c) : count(c) { ++count; }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;
    ~Sleeper() { --count; }
    std::atomic<int>& count;
  };

  void shutdown() override;
  void release_links();
  void schedule();
  void turn();
  void take_turns();
  bool poll_programs();
  void serve(SocketState& state, std::uint8_t readiness);
  void serve_queue(SocketState& state, OperationQueue& queue);
  bool complete_ready();
  void fail_all(SocketState& state, OperationQueue& failed);
  void wait_for_links();
  void wait_for_deadline();
  void keep_delivering();
  void add_slot(SocketState& state);
  void remove_slot(const SocketState& state);

  // More turns at once than this, and other handlers of the context get theirs.
  static constexpr int kTurns = 16;

  std::mutex mutex_;
  boost::asio::io_context* context_ = nullptr;
  Stack* stack_ = nullptr;
  std::vector<link::Link*> links_;
  Observer observer_;
  std::vector<const Program*> programs_;

  // By SocketState::slot, which is also the socket's cookie in the stack.
  std::vector<SocketState*> slots_;
  std::vector<std::uint32_t> free_slots_;
  OperationQueue ready_;
  std::atomic<std::uint64_t> operation_ids_{0};

  std::atomic<bool> scheduled_{false};
  std::vector<std::unique_ptr<WatchedLink>> watched_;
  std::optional<boost::asio::steady_timer> timer_;
  Time timer_at_ = kTimeNever;
  // Held while closed sockets have something to deliver, so that run() does it.
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>>
      delivering_;
  std::optional<Doorbell> doorbell_;  // of threads in run()
  std::atomic<int> sleepers_{0};
};

inline void StackService::attach(boost::asio::io_context& context, Stack& stack,
                                 std::span<link::Link* const> links) {
  auto doorbell = Doorbell::create();
  if (!doorbell) throw_error(to_error_code(doorbell.error()), "use_stack");
  context_ = &context;
  stack_ = &stack;
  links_.assign(links.begin(), links.end());
  doorbell_.emplace(std::move(*doorbell));
  timer_.emplace(context);
  for (link::Link* link : links_) {
    if (link->descriptor() >= 0) {
      doorbell_->watch(link->descriptor());
      watched_.push_back(std::make_unique<WatchedLink>(context, link->descriptor()));
    } else {
      link->set_interrupt([this] {
        if (sleepers_ > 0) doorbell_->ring();
        schedule();
      });
    }
  }
  schedule();
}

inline void StackService::release_links() {
  for (link::Link* link : links_) {
    if (link->descriptor() < 0) link->set_interrupt({});
  }
}

// The context goes: nobody will be called any more.
inline void StackService::shutdown() {
  OperationQueue dropped;
  const std::lock_guard lock(mutex_);
  for (SocketState* state : slots_) {
    if (state != nullptr) fail_all(*state, dropped);
  }
  dropped.append(ready_);
  watched_.clear();
  timer_.reset();
  delivering_.reset();
}

// --- turns -----------------------------------------------------------------

inline void StackService::schedule() {
  if (scheduled_.exchange(true)) return;
  boost::asio::post(*context_, [this] { turn(); });
}

inline void StackService::turn() {
  scheduled_ = false;
  // First the handlers of what was done when it was asked for: what they do next leaves
  // together with it (a response and the FIN behind it in one segment).
  for (int turns = 0; turns < kTurns && complete_ready(); ++turns) {
  }
  {
    const std::lock_guard lock(mutex_);
    take_turns();
    wait_for_links();
    wait_for_deadline();
    keep_delivering();
    if (!stack_->arm()) schedule();
  }
  complete_ready();
}

// Polls until the stack is quiet and everybody whose socket became ready is served.
inline void StackService::take_turns() {
  for (int turns = 0; turns < kTurns; ++turns) {
    bool more = stack_->poll(monotonic_now());
    bool events = false;
    while (const auto event = stack_->next_event()) {
      events = true;
      SocketState* state = event->cookie < slots_.size() ? slots_[event->cookie] : nullptr;
      if (state == nullptr || state->id != event->socket) continue;
      serve(*state, event->readiness);
      more = true;  // what was read or written may ask for a segment
    }
    // What threads in run() sleep for may have come with this thread's poll.
    if (events && sleepers_ > 0) doorbell_->ring();
    more |= poll_programs();
    if (observer_) observer_(*stack_);
    if (!more) return;
  }
  schedule();
}

// True: they have given the stack something to say.
inline bool StackService::poll_programs() {
  const bool had_output = stack_->has_output();
  for (const Program* program : programs_) program->poll(*stack_);
  return !had_output && stack_->has_output();
}

inline void StackService::serve(SocketState& state, std::uint8_t readiness) {
  constexpr std::uint8_t kEnd = ready::kErr | ready::kHup;
  if ((readiness & (ready::kIn | ready::kPri | ready::kRdHup | kEnd)) != 0) {
    serve_queue(state, state.readers);
  }
  if ((readiness & (ready::kOut | kEnd)) != 0) serve_queue(state, state.writers);
}

inline void StackService::serve_queue(SocketState& state, OperationQueue& queue) {
  while (!queue.empty() && queue.front()->attempt(*stack_, state.id)) ready_.push(queue.pop());
}

// Calls the handlers of what is done, without the lock: they start new operations.
// False when there were none.
inline bool StackService::complete_ready() {
  OperationQueue done;
  {
    const std::lock_guard lock(mutex_);
    done.append(ready_);
  }
  // A handler that throws ends run(); the others are called by the next turn.
  struct PutBack {
    ~PutBack() {
      if (done.empty()) return;
      const std::lock_guard lock(service.mutex_);
      service.ready_.append(done);
      service.schedule();
    }
    StackService& service;
    OperationQueue& done;
  } put_back{*this, done};
  const bool any = !done.empty();
  while (Operation* operation = done.pop()) operation->complete();
  return any;
}

// The service's own waits are no work: a context whose user waits for nothing
// ends run(). Asio counts each wait, so the count is taken back.
inline void StackService::wait_for_links() {
  for (const auto& link : watched_) {
    if (link->waiting) continue;
    link->waiting = true;
    WatchedLink& watched = *link;
    watched.descriptor.async_wait(boost::asio::posix::descriptor_base::wait_read,
                                  [this, &watched](const error_code& ec) {
                                    context_->get_executor().on_work_started();
                                    if (ec) return;
                                    {
                                      const std::lock_guard lock(mutex_);
                                      watched.waiting = false;
                                    }
                                    turn();
                                  });
    context_->get_executor().on_work_finished();
  }
}

// A timer that is set too early only causes an idle turn, so it is moved forward
// in time but never back: most deadlines move back.
inline void StackService::wait_for_deadline() {
  Time deadline = stack_->next_deadline();
  for (const Program* program : programs_) deadline = std::min(deadline, program->next_deadline());
  if (deadline >= timer_at_) return;
  timer_at_ = deadline;
  timer_->expires_at(std::chrono::steady_clock::time_point(deadline.time_since_epoch()));
  timer_->async_wait([this](const error_code& ec) {
    context_->get_executor().on_work_started();
    if (ec) return;
    {
      const std::lock_guard lock(mutex_);
      timer_at_ = kTimeNever;
    }
    turn();
  });
  context_->get_executor().on_work_finished();
}

// What closed sockets still have to say.
inline void StackService::keep_delivering() {
  if (stack_->usage().orphans == 0) {
    delivering_.reset();
  } else if (!delivering_) {
    delivering_.emplace(context_->get_executor());
  }
}

// --- sockets ---------------------------------------------------------------

inline void StackService::add_slot(SocketState& state) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(nullptr);
  }
  state.slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[state.slot] = &state;
  stack_->set_cookie(state.id, state.slot);
}

inline void StackService::remove_slot(const SocketState& state) {
  slots_[state.slot] = nullptr;
  free_slots_.push_back(state.slot);
}

inline error_code StackService::open(std::unique_ptr<SocketState>& state, SocketId::Kind kind) {
  if (state != nullptr) return boost::asio::error::already_open;
  const std::lock_guard lock(mutex_);
  const auto socket = kind == SocketId::Kind::tcp ? stack_->open_tcp() : stack_->open_udp();
  if (!socket) return to_error_code(socket.error());
  state = std::make_unique<SocketState>();
  state->id = *socket;
  add_slot(*state);
  return {};
}

inline void StackService::adopt(std::unique_ptr<SocketState>& state, SocketId socket) {
  const std::lock_guard lock(mutex_);
  state = std::make_unique<SocketState>();
  state->id = socket;
  add_slot(*state);
}

inline SocketId StackService::release(std::unique_ptr<SocketState>& state) {
  const std::lock_guard lock(mutex_);
  const Scheduled turn_follows(*this);
  fail_all(*state, ready_);
  remove_slot(*state);
  return std::exchange(state, nullptr)->id;
}

inline error_code StackService::close(std::unique_ptr<SocketState>& state) {
  if (state == nullptr) return {};
  const SocketId socket = release(state);
  return with_stack([&](Stack& stack) { return to_error_code(stack.close(socket)); });
}

inline void StackService::fail_all(SocketState& state, OperationQueue& failed) {
  for (OperationQueue* queue : {&state.readers, &state.writers}) {
    for (Operation* o = queue->front(); o != nullptr; o = o->next) {
      o->fail(boost::asio::error::operation_aborted);
    }
    failed.append(*queue);
  }
}

inline void StackService::cancel(SocketState& state) {
  const std::lock_guard lock(mutex_);
  const Scheduled turn_follows(*this);
  fail_all(state, ready_);
}

inline void StackService::cancel(std::uint32_t slot, std::uint64_t operation) {
  const std::lock_guard lock(mutex_);
  SocketState* state = slots_[slot];
  if (state == nullptr) return;
  Operation* taken = state->readers.take(operation);
  if (taken == nullptr) taken = state->writers.take(operation);
  if (taken == nullptr) return;
  taken->fail(boost::asio::error::operation_aborted);
  ready_.push(taken);
  schedule();
}

// --- operations ------------------------------------------------------------

inline void StackService::start(SocketState* state, OperationQueue SocketState::*queue,
                                Operation* operation) {
  const std::lock_guard lock(mutex_);
  const Scheduled turn_follows(*this);
  if (state == nullptr) {
    operation->fail(boost::asio::error::bad_descriptor);
    ready_.push(operation);
    return;
  }
  stack_->set_now(monotonic_now());
  const bool first = (state->*queue).empty();
  (first && operation->attempt(*stack_, state->id) ? ready_ : state->*queue).push(operation);
}

template <class Attempt>
void StackService::run(SocketState* state, Attempt& attempt) {
  if (state == nullptr) return attempt.fail(boost::asio::error::bad_descriptor);
  const Sleeper sleeper(sleepers_);
  for (;;) {
    Time deadline;
    {
      const std::lock_guard lock(mutex_);
      const Scheduled turn_follows(*this);
      stack_->set_now(monotonic_now());
      const bool done = attempt(*stack_, state->id);
      const std::uint8_t before = stack_->readiness(state->id);
      const bool more = stack_->poll(monotonic_now());
      if (done) return;
      if (state->non_blocking) return attempt.fail(boost::asio::error::would_block);
      // The poll may have brought what was missing.
      if (more || stack_->readiness(state->id) != before) continue;
      deadline = stack_->next_deadline();
      if (!stack_->arm()) continue;
    }
    doorbell_->sleep_until(deadline);
  }
}

}  // namespace naru::asio::detail
