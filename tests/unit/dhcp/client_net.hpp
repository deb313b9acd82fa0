// A client and its server at the two ends of a wire, in virtual time.
#pragma once

#include <memory>

#include <gtest/gtest.h>

#include "unit/stack/two_hosts.hpp"

namespace naru::dhcp::test {

template <class ClientOf>
class ClientNet : public naru::test::TwoHosts {
 protected:
  // The server's turn, at `now`.
  virtual void listen() = 0;

  void run(Duration duration) {
    const Time end = now + duration;
    for (;;) {
      std::uint64_t before = 0;
      do {
        before = frames();
        client->poll(now);
        settle();
        listen();
        settle();
      } while (frames() != before);
      if (now >= end) return;
      const Time next = std::min({a->next_deadline(), b->next_deadline(), client->next_deadline()});
      now = std::min(end, std::max(now + 1us, next));
    }
  }
  template <class StateOf>
  void run_until(StateOf state, Duration patience = 60s) {
    for (const Time end = now + patience; client->state() != state && now < end;) run(10ms);
    EXPECT_EQ(to_string(client->state()), to_string(state));
  }

  std::unique_ptr<ClientOf> client;
};

}  // namespace naru::dhcp::test
