#include <cstdlib>
#include <sys/statvfs.h>
#include <unistd.h>

#include <naru/link/lan.hpp>

namespace naru::link {

namespace {

constexpr std::uint64_t kRoomy = std::uint64_t{1} << 30U;

bool is_roomy(const char* folder) {
  struct statvfs s;
  return ::statvfs(folder, &s) == 0 && std::uint64_t{s.f_bavail} * s.f_frsize >= kRoomy &&
         ::access(folder, W_OK) == 0;
}

}  // namespace

std::string runtime_folder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/' && ::access(runtime, W_OK) == 0) {
    return std::string(runtime) + "/naru";
  }
  const char* above = is_roomy("/dev/shm") ? "/dev/shm" : "/tmp";
  return std::string(above) + "/naru-" + std::to_string(::geteuid());
}

}  // namespace naru::link
