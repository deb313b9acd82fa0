#include <dlfcn.h>

#include "hosts.hpp"
#include "measure.hpp"

namespace naru::bench::lwip {
namespace {

// The shared object of host.cpp in a namespace of its own, with a liblwip (and a C
// library) of its own.
const HostApi& load() {
  void* object = dlmopen(LM_ID_NEWLM, LWIP_BENCH_HOST_OBJECT, RTLD_NOW | RTLD_LOCAL);
  const void* api = object == nullptr ? nullptr : dlsym(object, "lwip_host");
  if (api == nullptr) fail(dlerror());
  return *static_cast<const HostApi*>(api);
}

}  // namespace

const HostApi& client_host() {
  static const HostApi& host = load();
  return host;
}

const HostApi& server_host() {
  static const HostApi& host = load();
  return host;
}

}  // namespace naru::bench::lwip
