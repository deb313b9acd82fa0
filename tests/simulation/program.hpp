// Program: one end of a connection. It sends its bytes and shuts down; it reads the
// other's, byte for byte what was sent, to their end; then it closes.
#pragma once

#include <string>
#include <vector>

#include "simulation/scenario.hpp"

namespace naru::test {

class Program {
 public:
  // `other` is the plan of the other end.
  Program(Stack& stack, SocketId socket, const EndPlan& plan, const EndPlan& other);

  // Does what can be done now. True when anything was done.
  bool run(Time now);
  // When it wants to run again although nothing has happened.
  Time wakes() const { return wakes_; }
  // It has closed, or failed.
  bool done() const { return done_; }
  // What went wrong, in words; empty when nothing did.
  const std::string& failure() const { return failure_; }
  // How far it is, for messages.
  std::string to_string() const;

 private:
  bool write();
  bool read(Time now);
  bool finish();
  void fail(const std::string& what, Error error = Error::none);

  Stack* stack_;
  SocketId socket_;
  EndPlan plan_;
  Bytes out_;  // not yet sent
  Bytes in_;   // not yet received
  bool sent_fin_ = false;
  bool got_fin_ = false;
  bool done_ = false;
  Time wakes_ = kTimeNever;
  std::string failure_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace naru::test
