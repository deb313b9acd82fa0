#include "gateway/control.hpp"

namespace naru::gateway {

std::string control_path(const link::lan::Folder& folder, std::string_view lan) {
  return "/proc/self/fd/" + std::to_string(folder.descriptor()) + "/" +
         link::lan::gateway_name(lan);
}

}  // namespace naru::gateway
