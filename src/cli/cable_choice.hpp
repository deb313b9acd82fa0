// What a session's eth0 is to be, as naru run is told it.
#pragma once

#include "cli/run.hpp"
#include "session/cable.hpp"

namespace naru::cli {

// Throws Failure where the options do not fit together.
session::CableChoice cable_choice(const RunOptions& options);

}  // namespace naru::cli
