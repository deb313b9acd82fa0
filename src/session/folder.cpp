#include "session/folder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <naru/link/lan.hpp>

namespace naru::session {
namespace {

constexpr std::string_view kMemorySuffix = ".session";
}  // namespace

Said<std::string> runtime_folder() {
  std::string folder = link::runtime_folder();
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(folder + ": " + std::strerror(errno));
  }
  struct stat s {};
  // lstat: a link that somebody else has put there leads nowhere.
  if (::lstat(folder.c_str(), &s) != 0) {
    return std::unexpected(folder + ": " + std::strerror(errno));
  }
  if (!S_ISDIR(s.st_mode) || s.st_uid != ::geteuid() || (s.st_mode & 0077U) != 0) {
    return std::unexpected(folder + " is not a folder of yours alone (mode 0700)");
  }
  return folder;
}

std::string memory_file(const std::string& folder, const std::string& name) {
  return folder + "/" + name + std::string(kMemorySuffix);
}

std::string socket_file(const std::string& memory_file) { return memory_file + ".sockets"; }

std::string device_file(const std::string& memory_file) { return memory_file + ".device"; }

void remove_files(const std::string& memory_file) {
  // The session's own last: it says that there is one.
  for (const std::string& file :
       {device_file(memory_file), socket_file(memory_file), memory_file}) {
    ::unlink(file.c_str());
  }
}

std::vector<std::string> session_names(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  while (dir) {
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view file(entry->d_name);
    if (!file.ends_with(kMemorySuffix)) continue;
    names.emplace_back(file.substr(0, file.size() - kMemorySuffix.size()));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace naru::session
