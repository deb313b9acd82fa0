// The fixture of tests that speak to a stack over a wire.
#pragma once

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "dsl/datagram.hpp"
#include "dsl/peer.hpp"
#include "dsl/segment.hpp"
#include "dsl/socket.hpp"
#include "dsl/states.hpp"
#include "dsl/wire.hpp"

namespace naru::test {

// A stack, a wire and one peer. At the end nothing may be left: see Wire::finish.
class StackTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (!HasFailure() && !IsSkipped()) wire.finish();
  }

  Wire wire;
  Peer peer{wire};
};

}  // namespace naru::test
