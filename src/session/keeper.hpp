// The keeper: the process that keeps a session while nobody is inside.
//
// It drives the stack when a timer is due, notices processes that have died and drops
// what they had open, and delivers what they have left to say. It ends when the last
// process has ended and everything is delivered, and takes the session's files with it.
#pragma once

#include <functional>
#include <string>

#include "session/address_source.hpp"
#include "session/cable.hpp"
#include "session/folder.hpp"

namespace naru::session {

// Called in the keeper's process; what it opens lasts as long as the session.
using Preparation = std::function<link::OpenResult<void>(const Port&)>;

// What stands before the program starts.
struct KeeperDuties {
  CableChoice cable;
  AddressSourceMaker address_sources = {};
  Preparation prepare = {};
  // Called in the caller's process: the session has its name and its cable, and only its
  // addresses are waited for.
  std::function<void()> on_standing = {};
};

// Starts the keeper of this session: not a child of the caller, in a session of its
// own (setsid), with no descriptor of the caller's. It joins the lan (EEXIST: its name there
// is taken) or opens the device, if one is chosen, waits until its addresses can be used, and
// prepares what else must stand. Returns when it keeps.
link::OpenResult<void> start_keeper(const std::string& memory_file, const KeeperDuties& duties);

}  // namespace naru::session
