#include "posix/library.hpp"

#include <sys/random.h>

#include "session/deferral.hpp"

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

std::unique_ptr<resolver::SharedCache> Library::empty_cache() {
  constexpr std::size_t kMostNames = 1024;
  SipKey key;
  (void)::getrandom(&key, sizeof key, 0);
  return std::make_unique<resolver::SharedCache>(kMostNames, key);
}

void Library::after_fork_in_child() {
  fds.after_fork_in_child();
  if (names->is_whole()) return;
  (void)names.release();
  names = empty_cache();
}

// A copy that the session was not told of has nothing to close. Nor has who is inside, in
// the handler of a fault: what is left half changed there is found by the next one.
void Library::end() {
  if (!session::Deferral::is_inside() && session_->is_of_this_process()) fds.close_all();
}

}  // namespace naru::posix
