// Failure: what ends a command, in one line for the person who typed it.
#pragma once

#include <stdexcept>

namespace naru::cli {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace naru::cli
