// The interfaces that a program sees are its session's.

#include "posix/interfaces.hpp"

#include <cstdlib>
#include <cstring>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "preload/state.hpp"

using namespace naru::preload;

namespace {

std::vector<naru::posix::Interface> all() {
  return naru::posix::interfaces(library->fds.session());
}

}  // namespace

// What these give is freed by the C library's own freeifaddrs and if_freenameindex.

NARU_EXPORT int getifaddrs(ifaddrs** list) noexcept {
  if (library == nullptr) return next.getifaddrs(list);
  *list = naru::posix::make_ifaddrs(all());
  return *list != nullptr ? 0 : answer_int(-ENOMEM);
}

NARU_EXPORT unsigned if_nametoindex(const char* name) noexcept {
  if (library == nullptr) return next.if_nametoindex(name);
  for (const auto& i : all()) {
    if (i.name == name) return i.index;
  }
  errno = ENODEV;
  return 0;
}

NARU_EXPORT char* if_indextoname(unsigned index, char* name) noexcept {
  if (library == nullptr) return next.if_indextoname(index, name);
  for (const auto& i : all()) {
    if (i.index != index) continue;
    std::memset(name, 0, IF_NAMESIZE);
    i.name.copy(name, IF_NAMESIZE - 1);
    return name;
  }
  errno = ENXIO;
  return nullptr;
}

NARU_EXPORT struct if_nameindex* if_nameindex() noexcept {
  if (library == nullptr) return next.if_nameindex();
  const auto interfaces = all();
  auto* list = static_cast<struct if_nameindex*>(
      std::calloc(interfaces.size() + 1, sizeof(struct if_nameindex)));
  if (list == nullptr) return nullptr;
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    list[i] = {interfaces[i].index, ::strdup(std::string(interfaces[i].name).c_str())};
  }
  return list;
}
