// What has to succeed for a measurement to go on.
#pragma once

#include <string>
#include <utility>

#include <naru/base/result.hpp>

#include "measure.hpp"

namespace naru::bench {

inline void must(const Status& status, const char* what) {
  if (!status) fail(std::string(what) + ": " + std::string(to_string(status.error())));
}

template <class T>
T must(Result<T> result, const char* what) {
  if (!result) fail(std::string(what) + ": " + std::string(to_string(result.error())));
  return std::move(*result);
}

}  // namespace naru::bench
