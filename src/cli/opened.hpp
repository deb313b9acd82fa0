// What was opened, or the link's own words as a Failure.
#pragma once

#include <utility>

#include <naru/link/open_error.hpp>

#include "cli/failure.hpp"

namespace naru::cli {

template <class T>
T opened(link::OpenResult<T> result) {
  if (!result) throw Failure(result.error().message);
  return std::move(*result);
}

}  // namespace naru::cli
