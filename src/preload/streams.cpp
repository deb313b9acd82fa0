#include "preload/streams.hpp"

#include <memory>
#include <pthread.h>
#include <unistd.h>

#include "base/list.hpp"

namespace naru::preload {
namespace {

struct OfAll;

struct Stream : ListHook<OfAll> {
  int fd = -1;
  FILE* file = nullptr;
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
List<Stream, OfAll> all;

int descriptor_of(void* cookie) { return static_cast<Stream*>(cookie)->fd; }

ssize_t read_stream(void* cookie, char* bytes, size_t size) {
  return ::read(descriptor_of(cookie), bytes, size);
}
ssize_t write_stream(void* cookie, const char* bytes, size_t size) {
  return ::write(descriptor_of(cookie), bytes, size);
}
int close_stream(void* cookie) {
  const std::unique_ptr<Stream> stream(static_cast<Stream*>(cookie));
  Streams::hold();
  all.remove(stream.get());
  Streams::let_go();
  return ::close(stream->fd);
}

}  // namespace

FILE* Streams::open(int fd, const char* mode) {
  auto stream = std::make_unique<Stream>();
  stream->fd = fd;
  const cookie_io_functions_t functions{read_stream, write_stream, nullptr, close_stream};
  FILE* file = ::fopencookie(stream.get(), mode, functions);
  if (file == nullptr) return nullptr;
  stream->file = file;
  hold();
  all.push_back(stream.release());
  let_go();
  return file;
}

void Streams::flush() {
  hold();
  for (Stream* s = all.front(); s != nullptr; s = all.next(s)) {
    if (::ftrylockfile(s->file) != 0) continue;
    ::fflush_unlocked(s->file);
    ::funlockfile(s->file);
  }
  let_go();
}

void Streams::hold() { ::pthread_mutex_lock(&mutex); }
void Streams::let_go() { ::pthread_mutex_unlock(&mutex); }

}  // namespace naru::preload
