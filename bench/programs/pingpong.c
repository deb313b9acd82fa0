// pingpong: one request and its answer, again and again, on one connection.
//
//   pingpong serve PORT [HOW]
//   pingpong ask HOST PORT COUNT [HOW] [SIZE] [PAUSE]
//
// HOW a side waits for bytes: block (in recv), spin (recv that does not wait), poll,
// epoll. PAUSE: up to so many microseconds between one round trip and the next. `ask`
// prints median, p99, largest and mean time in ns, and the CPU time of its process. A plain program
// of the C library: it runs on the kernel's sockets, or unmodified on naru's.
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536 };

static int epoll_fd = -1;

static void die(const char* what) {
  perror(what);
  exit(1);
}

static long long now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void wait_readable(int fd, char how) {
  if (how == 'p') {
    struct pollfd p = {fd, POLLIN, 0};
    poll(&p, 1, -1);
  } else if (how == 'e') {
    struct epoll_event event = {EPOLLIN, {.fd = fd}};
    if (epoll_fd < 0) {
      epoll_fd = epoll_create1(0);
      epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
    epoll_wait(epoll_fd, &event, 1, -1);
  }
}

// False at the end of the stream.
static int receive(int fd, char* to, size_t size, char how) {
  for (size_t got = 0; got < size;) {
    if (how == 'p' || how == 'e') wait_readable(fd, how);
    ssize_t n = recv(fd, to + got, size - got, how == 's' ? MSG_DONTWAIT : 0);
    if (n == 0) return 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR) die("recv");
    if (n > 0) got += (size_t)n;
  }
  return 1;
}

static void send_all(int fd, const char* from, size_t size) {
  while (size > 0) {
    ssize_t n = send(fd, from, size, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) die("send");
    if (n > 0) from += n, size -= (size_t)n;
  }
}

// The size of a request goes ahead of the first.
static int serve(int port, char how) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  if (bind(listener, (struct sockaddr*)&at, sizeof at) != 0) die("bind");
  if (listen(listener, 16) != 0) die("listen");
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) die("accept");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  static char bytes[MOST];
  unsigned size = 0;
  if (!receive(fd, (char*)&size, sizeof size, 'b') || size > MOST) return 1;
  while (receive(fd, bytes, size, how)) send_all(fd, bytes, size);
  return 0;
}

static int connect_to(const char* host, const char* port) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct addrinfo* found = NULL;
  int error = getaddrinfo(host, port, &hints, &found);
  if (error != 0) {
    fprintf(stderr, "%s: %s\n", host, gai_strerror(error));
    exit(1);
  }
  for (int tries = 0; tries < 1000; ++tries) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, found->ai_addr, found->ai_addrlen) == 0) return fd;
    close(fd);
    usleep(10000);
  }
  die("connect");
  return -1;
}

static int compare(const void* a, const void* b) {
  long long x = *(const long long*)a, y = *(const long long*)b;
  return (x > y) - (x < y);
}

static int ask(const char* host, const char* port, long count, char how, unsigned size,
               unsigned pause) {
  int fd = connect_to(host, port);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  send_all(fd, (char*)&size, sizeof size);
  static char there[MOST], back[MOST];
  long long* took = malloc(sizeof *took * (size_t)count);
  if (took == NULL) die("malloc");
  long long begin = 0, cpu = 0;
  const long warm = count / 10 + 1;
  for (long i = -warm; i < count; ++i) {
    if (i == 0) begin = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (pause != 0) usleep((unsigned)rand() % pause);
    memcpy(there, &i, sizeof i < size ? sizeof i : size);
    long long start = now_ns(CLOCK_MONOTONIC);
    send_all(fd, there, size);
    if (!receive(fd, back, size, how)) die("the server has gone");
    if (i >= 0) took[i] = now_ns(CLOCK_MONOTONIC) - start;
    if (memcmp(there, back, size) != 0) {
      fprintf(stderr, "the answer is not what was sent\n");
      return 1;
    }
  }
  long long mean = (now_ns(CLOCK_MONOTONIC) - begin) / count;
  cpu = (now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count;
  qsort(took, (size_t)count, sizeof *took, compare);
  printf("median %lld p99 %lld max %lld mean %lld cpu %lld\n", took[count / 2],
         took[count * 99 / 100], took[count - 1], mean, cpu);
  return 0;
}

int main(int argc, char** argv) {
  if (argc >= 3 && strcmp(argv[1], "serve") == 0) {
    return serve(atoi(argv[2]), argc > 3 ? argv[3][0] : 'b');
  }
  if (argc >= 5 && strcmp(argv[1], "ask") == 0) {
    unsigned size = argc > 6 ? (unsigned)atoi(argv[6]) : 64;
    if (size == 0 || size > MOST) size = 64;
    const unsigned pause = argc > 7 ? (unsigned)atoi(argv[7]) : 0;
    return ask(argv[2], argv[3], atol(argv[4]), argc > 5 ? argv[5][0] : 'b', size, pause);
  }
  fprintf(stderr,
          "pingpong serve PORT [HOW] | pingpong ask HOST PORT COUNT [HOW] [SIZE] [PAUSE]\n");
  return 2;
}
