// Descriptors that the program did not ask for and should never meet.
#pragma once

namespace naru::session {

// Moves `fd` out of the way of a program's numbers, close-on-exec. The new number; or
// `fd` itself where there is no room above. -errno passes through.
int move_away(int fd);

}  // namespace naru::session
