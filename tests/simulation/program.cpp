#include "simulation/program.hpp"

#include <algorithm>
#include <utility>

namespace naru::test {

Program::Program(Stack& stack, SocketId socket, const EndPlan& plan, const EndPlan& other)
    : stack_(&stack),
      socket_(socket),
      plan_(plan),
      out_(test_data().subspan(plan.offset, plan.size)),
      in_(test_data().subspan(other.offset, other.size)),
      buffer_(plan.read_chunk) {
  const std::pair<SocketOption, std::int64_t> options[] = {
      {SocketOption::send_buffer, plan.send_buffer},
      {SocketOption::receive_buffer, plan.receive_buffer},
      {SocketOption::no_delay, plan.no_delay ? 1 : 0},
  };
  for (const auto& [option, value] : options) {
    if (value != 0 && !stack.set_option(socket, option, value)) fail("an option was refused");
  }
}

bool Program::run(Time now) {
  bool did = false;
  if (!done_) did |= write();
  if (!done_) did |= read(now);
  if (!done_) did |= finish();
  return did;
}

bool Program::write() {
  bool did = false;
  while (!out_.empty()) {
    const auto sent =
        stack_->send(socket_, out_.first(std::min<std::size_t>(out_.size(), plan_.write_chunk)));
    if (!sent && sent.error() == Error::would_block) break;
    // No buffer is free at all: nothing will tell when one is.
    if (!sent && sent.error() == Error::no_buffers) break;
    if (!sent) {
      fail("send", sent.error());
      return true;
    }
    out_ = out_.subspan(*sent);
    did = true;
  }
  if (!out_.empty() || sent_fin_ || (plan_.finishes_last && !got_fin_)) return did;
  const Status shut = stack_->shutdown(socket_, Shutdown::send);
  if (!shut) fail("shutdown", shut.error());
  sent_fin_ = true;
  return true;
}

bool Program::read(Time now) {
  bool did = false;
  while (!got_fin_ && (wakes_ == kTimeNever || wakes_ <= now)) {
    wakes_ = kTimeNever;
    const auto got = stack_->recv(socket_, buffer_);
    if (!got && got.error() == Error::would_block) break;
    did = true;
    if (!got) {
      fail("recv", got.error());
    } else if (*got == 0) {
      got_fin_ = true;
      if (!in_.empty()) fail("the end came too early");
    } else if (*got > in_.size() || !std::equal(in_.begin(), in_.begin() + *got, buffer_.begin())) {
      fail("wrong bytes");
    } else {
      in_ = in_.subspan(*got);
      if (plan_.read_pause != Duration::zero()) wakes_ = now + plan_.read_pause;
    }
    if (done_) break;
  }
  return did;
}

bool Program::finish() {
  if (!sent_fin_ || !got_fin_) return false;
  const Status closed = stack_->close(socket_);
  if (!closed) fail("close", closed.error());
  done_ = true;
  return true;
}

void Program::fail(const std::string& what, Error error) {
  failure_ = what;
  if (error != Error::none) failure_ += ": " + std::string(naru::to_string(error));
  failure_ += ", " + to_string();
  done_ = true;
}

std::string Program::to_string() const {
  return std::to_string(out_.size()) + " of " + std::to_string(plan_.size) + " bytes to send, " +
         std::to_string(in_.size()) + " to receive, FIN " + (sent_fin_ ? "sent" : "not sent") +
         " and " + (got_fin_ ? "received" : "not received");
}

}  // namespace naru::test
