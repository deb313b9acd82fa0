// The streams that fdopen(3) has made of sockets. The C library's own reads and writes do
// not come by this library; those of such a stream do.
#pragma once

#include <cstdio>

namespace naru::preload {

class Streams {
 public:
  // nullptr and errno: there is no memory.
  static FILE* open(int fd, const char* mode);
  // What they hold back is written; not of one that a thread is using, which may be for
  // ever.
  static void flush();

  // Around fork(2): the child shall not find them locked.
  static void hold();
  static void let_go();
};

}  // namespace naru::preload
