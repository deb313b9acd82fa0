// The one table between naru's errors and errno.
#pragma once

#include <naru/base/result.hpp>

namespace naru {

// Error::none is 0.
int to_errno(Error error);
// Error::io for a number that the table does not hold.
Error from_errno(int number);

}  // namespace naru
