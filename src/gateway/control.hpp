// The control socket of a gateway: lines of text, each answered by a line.
//
//   publish tcp 127.0.0.1:8080 10.77.0.5:80      ok
//   publish tcp 127.0.0.1:8080 10.77.0.6:80      error Address already in use
#pragma once

#include <string>
#include <string_view>

#include "link/lan_file.hpp"

namespace naru::gateway {

inline constexpr std::size_t kMaxLine = 256;
inline constexpr std::string_view kOk = "ok";
inline constexpr std::string_view kError = "error ";

// By way of the folder's descriptor: the path of a socket has 107 bytes at most
// (unix(7)), whatever the folder is called. Good while the folder is open.
std::string control_path(const link::lan::Folder& folder, std::string_view lan);

}  // namespace naru::gateway
