// StackProgram: what lives on a stack beside its sockets, driven by the io_context that
// drives the stack: a Resolver, a Connector, whatever has poll() and next_deadline().
#pragma once

#include <naru/asio/detail/service.hpp>

namespace naru::asio {

// Has `poll` called after each turn of the stack, at its time, until the end of its own
// life, and sees to it that there is a turn when `next_deadline` says so. Both are called
// while nobody else is in the stack: they must not use the context's sockets, nor end the
// program. It is no work: a context whose user waits for nothing ends run().
class StackProgram {
 public:
  StackProgram(boost::asio::io_context& context, std::function<void(Stack&)> poll,
               std::function<Time()> next_deadline)
      : service_(boost::asio::use_service<detail::StackService>(
            static_cast<boost::asio::execution_context&>(context))),
        program_{std::move(poll), std::move(next_deadline)} {
    service_.add_program(program_);
  }
  ~StackProgram() { service_.remove_program(program_); }
  StackProgram(const StackProgram&) = delete;
  StackProgram& operator=(const StackProgram&) = delete;

 private:
  detail::StackService& service_;
  detail::StackService::Program program_;
};

}  // namespace naru::asio
