#include "posix/library.hpp"

#include <sys/random.h>

namespace naru::posix {

session::Said<std::unique_ptr<Library>> Library::open(const std::string& memory_file) {
  auto session = Session::attach(memory_file);
  if (!session) return std::unexpected(session.error());
  std::uint64_t bell_data = 0;
  (void)::getrandom(&bell_data, sizeof bell_data, 0);
  Session& entered = **session;
  std::unique_ptr<Library> library(new Library(std::move(*session), bell_data));
  if (!library->fds.init(entered)) return std::unexpected("no memory");
  return library;
}

}  // namespace naru::posix
