// Measures an echo server: how many requests a second, and how long one takes.
//
//   client HOST [-p PORT] [-c CONNECTIONS] [-n REQUESTS] [-t SECONDS] [-b BYTES] [-s] [-j]
//
// Each connection has a thread that sends REQUESTS times BYTES bytes, or for so long, and
// waits for each answer, sleeping or (-s) spinning. Every answer is compared with what was
// sent. -j prints JSON.

#include <algorithm>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string host = "127.0.0.1";
  std::string port = "1060";
  std::size_t connections = 1;
  std::size_t requests = 10'000;
  double seconds = 3600;
  std::size_t bytes = 64;
  bool spins = false;
  bool json = false;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "client: %s: %s\n", what, std::strerror(errno));
  std::exit(EXIT_FAILURE);
}

Settings settings(int argc, char** argv) {
  Settings found;
  const auto number = [] { return std::max<std::size_t>(1, std::strtoul(optarg, nullptr, 10)); };
  for (int option; (option = ::getopt(argc, argv, "p:c:n:t:b:sj")) != -1;) {
    if (option == 'p') found.port = optarg;
    if (option == 'c') found.connections = number();
    if (option == 'n') found.requests = number();
    if (option == 't') found.seconds = std::strtod(optarg, nullptr);
    if (option == 'b') found.bytes = number();
    if (option == 's') found.spins = true;
    if (option == 'j') found.json = true;
    if (option == '?') std::exit(EXIT_FAILURE);
  }
  if (optind < argc) found.host = argv[optind];
  return found;
}

int connect_to(const Settings& settings) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(settings.host.c_str(), settings.port.c_str(), &hints, &found);
  if (error != 0) {
    std::fprintf(stderr, "client: %s: %s\n", settings.host.c_str(), ::gai_strerror(error));
    std::exit(EXIT_FAILURE);
  }
  const int server = ::socket(found->ai_family, found->ai_socktype, 0);
  if (server < 0) fail("socket");
  if (::connect(server, found->ai_addr, found->ai_addrlen) != 0) fail("connect");
  ::freeaddrinfo(found);
  const int on = 1;
  ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return server;
}

// Sends the request and reads the answer meanwhile, so that one of any size gets through:
// no more than a window's worth is on its way.
void exchange(int server, const std::vector<char>& request, std::vector<char>& answer, bool spins) {
  constexpr std::size_t kWindow = 32'768;
  std::size_t sent = 0;
  for (std::size_t got = 0; got < answer.size();) {
    while (sent < request.size() && sent - got < kWindow) {
      const std::size_t most = std::min(request.size() - sent, kWindow - (sent - got));
      const ssize_t n = ::send(server, request.data() + sent, most, MSG_NOSIGNAL);
      if (n < 0) fail("send");
      sent += static_cast<std::size_t>(n);
    }
    const ssize_t n =
        ::recv(server, answer.data() + got, answer.size() - got, spins ? MSG_DONTWAIT : 0);
    if (n < 0 && (errno == EINTR || (spins && errno == EAGAIN))) continue;
    if (n < 0) fail("recv");
    if (n == 0) {
      errno = ECONNRESET;
      fail("the server hangs up");
    }
    got += static_cast<std::size_t>(n);
  }
}

// No two requests of a connection are alike.
void fill(std::vector<char>& request, std::size_t connection, std::size_t number) {
  std::uint64_t state = connection << 32U | number;
  for (char& c : request) {
    state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX
    c = static_cast<char>(state >> 56U);
  }
}

// Nanoseconds that each request took.
std::vector<std::uint64_t> talk(int server, const Settings& settings, std::size_t connection) {
  std::vector<std::uint64_t> times;
  std::vector<char> request(settings.bytes), answer(settings.bytes);
  const Clock::time_point end =
      Clock::now() + std::chrono::nanoseconds(static_cast<std::int64_t>(settings.seconds * 1e9));
  for (Clock::time_point now; times.size() < settings.requests && now < end;) {
    fill(request, connection, times.size());
    const Clock::time_point begin = Clock::now();
    exchange(server, request, answer, settings.spins);
    now = Clock::now();
    times.push_back(static_cast<std::uint64_t>((now - begin).count()));
    if (answer != request) {
      errno = EBADMSG;
      fail("the answer is not what was sent");
    }
  }
  return times;
}

struct Measured {
  double seconds = 0;
  std::vector<std::uint64_t> times;  // of all connections, in order of length

  double microseconds_at(double share) const {
    const auto at = static_cast<std::size_t>(share * static_cast<double>(times.size() - 1));
    return static_cast<double>(times[at]) / 1e3;
  }
  double rate() const { return static_cast<double>(times.size()) / seconds; }
};

Measured measure(const Settings& settings) {
  std::vector<int> servers(settings.connections);
  for (int& server : servers) server = connect_to(settings);
  std::vector<std::vector<std::uint64_t>> times(settings.connections);
  std::barrier ready(static_cast<std::ptrdiff_t>(settings.connections) + 1);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    threads.emplace_back([&, i] {
      ready.arrive_and_wait();
      times[i] = talk(servers[i], settings, i);
    });
  }
  ready.arrive_and_wait();
  const Clock::time_point begin = Clock::now();
  threads.clear();  // joins them
  Measured measured;
  measured.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  for (const auto& some : times) {
    measured.times.insert(measured.times.end(), some.begin(), some.end());
  }
  std::sort(measured.times.begin(), measured.times.end());
  for (const int server : servers) ::close(server);
  return measured;
}

// CPU time of this process, in microseconds for one request.
double cpu_of(const Measured& measured) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const double microseconds =
      static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
      static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  return microseconds / static_cast<double>(measured.times.size());
}

}  // namespace

int main(int argc, char** argv) {
  const Settings chosen = settings(argc, argv);
  const Measured measured = measure(chosen);
  const char* format =
      chosen.json ? "{\"requests\": %zu, \"rate\": %.1f, \"median\": %.3f, \"p99\": %.3f, "
                    "\"longest\": %.3f, "
                    "\"cpu\": %.3f}\n"
                  : "%zu requests, %.0f a second; median %.1f us, p99 %.1f us, longest %.1f us; "
                    "%.1f us of CPU a request\n";
  std::printf(format, measured.times.size(), measured.rate(), measured.microseconds_at(0.5),
              measured.microseconds_at(0.99), measured.microseconds_at(1), cpu_of(measured));
}
