// A folder of its own for the lans of a test, in memory, gone at the end; and
// processes that come and go.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <naru/link/lan.hpp>

#include "dsl/processes.hpp"

namespace naru::link::test {

using naru::test::in_child;
using naru::test::status_of;

class LanPlace : public ::testing::Test {
 protected:
  LanPlace() {
    std::string name = "/dev/shm/naru-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      name = ::testing::TempDir() + "naru-test-XXXXXX";
      EXPECT_NE(::mkdtemp(name.data()), nullptr);
    }
    folder = name;
  }
  ~LanPlace() override { std::filesystem::remove_all(folder); }

  LanOptions options(const std::string& name = "") const {
    LanOptions o;
    o.directory = folder;
    o.name = name;
    o.ring_size = 256U << 10U;
    return o;
  }
  std::unique_ptr<LanLink> join(const std::string& name = "") const {
    return must(LanLink::join("lan0", options(name)));
  }
  static std::unique_ptr<LanLink> must(OpenResult<std::unique_ptr<LanLink>> link) {
    if (link) return std::move(*link);
    ADD_FAILURE() << link.error().message;
    return nullptr;
  }
  std::string file() const { return folder + "/lan0.lan"; }

  std::string folder;
};

}  // namespace naru::link::test
