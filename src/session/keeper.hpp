// The keeper: the process that keeps a session while nobody is inside.
//
// It drives the stack when a timer is due, notices processes that have died and drops
// what they had open, and delivers what they have left to say. It ends when the last
// process has ended and everything is delivered, and takes the session's files with it.
#pragma once

#include <functional>
#include <string>

#include "session/cable.hpp"
#include "session/folder.hpp"

namespace naru::session {

// Called in the keeper's process; what it opens lasts as long as the session.
using Preparation = std::function<link::OpenResult<void>(const Port&)>;

// Starts the keeper of this session: not a child of the caller, in a session of its
// own (setsid), with no descriptor of the caller's. It joins the lan (EEXIST: its name there
// is taken) or opens the device, if one is chosen, and prepares what else must stand before the
// program starts. Returns when it keeps.
link::OpenResult<void> start_keeper(const std::string& memory_file, const CableChoice& choice,
                                    const Preparation& prepare = {});

}  // namespace naru::session
