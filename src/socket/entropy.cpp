#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sys/random.h>

#include <naru/socket/entropy.hpp>

namespace naru {

Random::Key entropy() {
  Random::Key key;
  std::size_t have = 0;
  while (have < key.size()) {
    const ssize_t n = ::getrandom(key.data() + have, key.size() - have, 0);
    if (n > 0) have += static_cast<std::size_t>(n);
    if (n < 0 && errno != EINTR) {
      // Guessable sequence numbers would be worse than no host at all (RFC 6528).
      std::perror("naru: getrandom");
      std::abort();
    }
  }
  return key;
}

}  // namespace naru
