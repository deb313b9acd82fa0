// The scribe of naru run --journey: a process that prints the steps of a session's
// requests while its programs run.
#pragma once

#include <string>

namespace naru::cli {

// Starts it for the session of this file; its lines go to our standard error. It ends
// with the session. Throws Failure.
void start_scribe(const std::string& memory_file, const std::string& name);

}  // namespace naru::cli
