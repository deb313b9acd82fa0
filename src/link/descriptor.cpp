#include "link/descriptor.hpp"

#include <unistd.h>

namespace naru::link {

Descriptor::~Descriptor() {
  if (is_open()) ::close(number_);
}

}  // namespace naru::link
