// Waiting for something that lives on a host beside its stack.
#pragma once

#include <algorithm>

#include <naru/socket/host.hpp>

namespace naru::cli {

// Gives the host and what `poll` stands for their turns, until `is_over` says so;
// `deadline` says when `poll` has something to do by itself.
template <class Poll, class Deadline, class IsOver>
void drive(Host& host, const Poll& poll, const Deadline& deadline, const IsOver& is_over) {
  const auto look = [&] {
    poll();
    if (host.stack().has_output()) host.poll();
    return is_over();
  };
  while (!is_over()) {
    (void)host.run_until(look, std::max(deadline() - monotonic_now(), Duration(0)));
  }
}

}  // namespace naru::cli
