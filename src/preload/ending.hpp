// The ways in which a process ends by itself.
#pragma once

namespace naru::preload {

// Before any other code of the program asks to be called at the end: what was asked for
// first is called last.
void be_called_at_end();

}  // namespace naru::preload
