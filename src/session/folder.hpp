// Where sessions live: a folder that only its user may enter.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace naru::session {

// What goes wrong before there is a session, in words for the person who typed it.
template <class T>
using Said = std::expected<T, std::string>;

// $XDG_RUNTIME_DIR/naru; without one /dev/shm/naru-UID where that is roomy, since a
// session's memory should not be written to a disk; else /tmp/naru-UID. Made with
// mode 0700 where it is missing; a folder of somebody else is refused.
Said<std::string> runtime_folder();

// The files of a session in its folder.
std::string memory_file(const std::string& folder, const std::string& name);
// Empty; a descriptor of a socket is an open file of it (see reference.hpp).
std::string socket_file(const std::string& memory_file);
// Where the keeper hands out the session's device, if it has one (see device_cable.hpp).
std::string device_file(const std::string& memory_file);
void remove_files(const std::string& memory_file);

// The names of the sessions in the folder, sorted.
std::vector<std::string> session_names(const std::string& folder);

}  // namespace naru::session
