// naru demo: a browser and a web server in one process, and the way of one request.
#pragma once

namespace naru::cli {

// Prints the journey. The exit status; throws Failure.
int demo();

}  // namespace naru::cli
