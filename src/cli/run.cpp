#include "cli/run.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/cable_choice.hpp"
#include "cli/failure.hpp"
#include "cli/link_options.hpp"
#include "cli/scribe.hpp"
#include "cli/session_lease.hpp"
#include "cli/session_lease6.hpp"
#include "gateway/client.hpp"
#include "session/keeper.hpp"
#include "session/session.hpp"

namespace naru::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kNotFound = 127;  // as shells say it
constexpr int kNotExecutable = 126;

template <class T>
T must(session::Said<T> said) {
  if (!said) throw Failure(said.error());
  if constexpr (!std::is_void_v<T>) return std::move(*said);
}

// Beside this program, as it is built and installed.
std::string library_path() {
  if (const char* path = std::getenv("NARU_POSIX_LIBRARY"); path != nullptr && *path != '\0') {
    if (!fs::exists(path)) throw Failure(fmt::format("NARU_POSIX_LIBRARY: there is no {}", path));
    return fs::absolute(path);
  }
  std::error_code ec;
  const fs::path self = fs::read_symlink("/proc/self/exe", ec).parent_path();
  for (const fs::path& place : {self, self / "../lib/naru"}) {
    const fs::path library = place / "libnaru-posix.so";
    if (fs::exists(library, ec)) return library;
  }
  throw Failure(
      fmt::format("there is no libnaru-posix.so beside {} (NARU_POSIX_LIBRARY says where else)",
                  self.string()));
}

// A session has one name, for naru ps and for its neighbours on the lan: as a host's
// (RFC 1123 2.1), in small letters.
std::string name_of_program(const std::string& program) {
  constexpr std::size_t kLongest = 24;  // leaves room for a number
  std::string name;
  for (const char c : fs::path(program).filename().string()) {
    const bool is_capital = c >= 'A' && c <= 'Z';
    const bool fits = is_capital || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += is_capital ? static_cast<char>(c - 'A' + 'a') : fits ? c : '-';
  }
  name.resize(std::min(name.size(), kLongest));
  const auto first = name.find_first_not_of('-');
  if (first == std::string::npos) return "program";
  return name.substr(first, name.find_last_not_of('-') - first + 1);
}

void set_environment(const std::string& file, const std::string& library) {
  ::setenv("NARU_SESSION", file.c_str(), 1);
  std::string preload = library;
  if (const char* others = std::getenv("LD_PRELOAD"); others != nullptr && *others != '\0') {
    preload += fmt::format(":{}", others);
  }
  ::setenv("LD_PRELOAD", preload.c_str(), 1);
}

// Inside a session its memory is where a new one would be: this program starts again
// outside of it.
void leave_session(const std::string& library) {
  if (std::getenv("NARU_SESSION") == nullptr) return;
  ::unsetenv("NARU_SESSION");
  std::string preload = std::getenv("LD_PRELOAD") != nullptr ? std::getenv("LD_PRELOAD") : "";
  if (const auto at = preload.find(library); at != std::string::npos) {
    preload.erase(at, library.size());
  }
  ::setenv("LD_PRELOAD", preload.c_str(), 1);
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  throw Failure(fmt::format("cannot start outside of the session: {}", std::strerror(errno)));
}

// What another session of this name has left behind is cleared away; a live one is not.
bool is_free(const std::string& file) {
  if (!fs::exists(file)) return true;
  if (const auto old = session::glance(file); old && old->is_alive) return false;
  session::remove_files(file);
  return true;
}

std::vector<gateway::Publication> publications(const RunOptions& options) {
  std::vector<gateway::Publication> all;
  for (const std::string& text : options.publish) {
    const auto publication = gateway::parse_publication(text);
    if (!publication) {
      throw Failure(fmt::format("-p {}: not as 8080:80, 0.0.0.0:8080:80 or 5353:53/udp", text));
    }
    all.push_back(*publication);
  }
  return all;
}

// In the keeper: the ports are published as long as the session lasts.
session::Preparation publish_ports(std::vector<gateway::Publication> wanted) {
  if (wanted.empty()) return {};
  return [wanted = std::move(wanted)](const session::Port& port) mutable -> link::OpenResult<void> {
    for (gateway::Publication& publication : wanted) publication.inside.addr = port.address.addr;
    const auto lease = gateway::publish(port.name, {}, wanted);
    // Whatever it is, another name for the session does not help.
    if (!lease) return std::unexpected(link::OpenError{EIO, lease.error().message});
    return {};
  };
}

// --ip dhcp, --ip6 auto, --ip6 dhcp: a lease is asked for and kept.
session::AddressSourceMaker address_sources(const RunOptions& options) {
  return [takes = options.name_servers.empty(), v4 = options.address, v6 = options.address_v6] {
    session::AddressSources sources;
    if (v4 == kByDhcp) sources.push_back(std::make_unique<SessionLease>(takes));
    if (v6 == kByDhcp || v6 == kByRouters) {
      sources.push_back(std::make_unique<SessionLease6>(v6 == kByDhcp, takes));
    }
    return sources;
  };
}

// What somebody wants to see. An empty capture, for which each process then adds its part.
session::Watching watching(const RunOptions& options) {
  session::Watching watching{.capture = {}, .keeps_trace = options.journey};
  if (options.capture.empty()) return watching;
  watching.capture = fs::absolute(options.capture);
  const std::ofstream file(watching.capture, std::ios::trunc);
  if (!file) throw Failure(fmt::format("{}: {}", options.capture, std::strerror(errno)));
  return watching;
}

session::NameServers name_servers(const RunOptions& options) {
  session::NameServers servers;
  if (options.name_servers.size() > session::NameServers::kMost) {
    throw Failure(fmt::format("--dns: at most {} name servers", session::NameServers::kMost));
  }
  for (const std::string& text : options.name_servers) {
    const auto address = IpAddr::parse(text);
    if (!address) throw Failure(fmt::format("--dns: {} is not an address", text));
    servers.addresses[servers.count++] = *address;
  }
  return servers;
}

// What a session is to be, but for its name.
struct Plan {
  std::string folder;
  session::KeeperDuties duties;
  session::NameServers name_servers;
  session::Watching watching;
};

// A session of this name, with its keeper. Its file; none: the name is taken.
std::optional<std::string> try_start(const Plan& plan, const std::string& name) {
  const std::string file = session::memory_file(plan.folder, name);
  if (!is_free(file)) return std::nullopt;
  must(session::Session::create(plan.folder, name, plan.watching, plan.name_servers));
  const auto started = session::start_keeper(file, plan.duties);
  if (started) return file;
  session::remove_files(file);
  if (started.error().number == EEXIST) return std::nullopt;
  throw Failure(started.error().message);
}

// One after the other: what is half made looks as if it were left behind. The kernel
// opens the lock when its holder dies.
class StartLock {
 public:
  explicit StartLock(const std::string& folder)
      : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ < 0 || ::flock(fd_, LOCK_EX) != 0) {
      throw Failure(fmt::format("{}: {}", folder, std::strerror(errno)));
    }
  }
  ~StartLock() { ::close(fd_); }
  StartLock(const StartLock&) = delete;
  StartLock& operator=(const StartLock&) = delete;

 private:
  int fd_;
};

// Nobody lives there any more, though the keeper may not have heard of it yet.
bool is_deserted(const std::string& file) {
  const auto visited = session::Session::visit(file);
  if (!visited) return true;
  session::Session& session = **visited;
  const session::Inside inside(session);
  session.drop_dead();
  return session.tables().processes.in_use() == 0;
}

// The program of such a session has ended, and its keeper delivers what is left: that
// does not take long.
void wait_for_farewell(const std::string& file) {
  constexpr int kTries = 600;
  constexpr auto kPause = std::chrono::milliseconds(20);
  for (int i = 0; i < kTries && fs::exists(file); ++i) {
    const auto old = session::glance(file);
    if (!old || !old->is_alive || (old->processes != 0 && !is_deserted(file))) return;
    std::this_thread::sleep_for(kPause);
  }
}

std::string start_session(const RunOptions& options) {
  std::optional<StartLock> lock;  // until the session stands
  const Plan plan{.folder = must(session::runtime_folder()),
                  .duties = {.cable = cable_choice(options),
                             .address_sources = address_sources(options),
                             .prepare = publish_ports(publications(options)),
                             .on_standing = [&lock] { lock.reset(); }},
                  .name_servers = name_servers(options),
                  .watching = watching(options)};
  if (!options.name.empty()) wait_for_farewell(session::memory_file(plan.folder, options.name));
  lock.emplace(plan.folder);
  if (!options.name.empty()) {
    const std::string& name = options.name;
    if (!link::is_lan_name(name)) {
      throw Failure("--name: 1 to 31 small letters, digits and hyphens inside");
    }
    if (const auto file = try_start(plan, name)) return *file;
    throw Failure(fmt::format("the name {} is taken (naru ps, naru lan ls)", name));
  }
  constexpr int kMost = 1000;
  const std::string base = name_of_program(options.command.front());
  for (int i = 1; i <= kMost; ++i) {
    const std::string name = i == 1 ? base : fmt::format("{}-{}", base, i);
    if (const auto file = try_start(plan, name)) return *file;
  }
  throw Failure(fmt::format("all names from {} on are taken", base));
}

}  // namespace

void RunOptions::add_to(CLI::App& app) {
  app.add_option("--net", net, "the lan that the session joins, or none (default: lan0)")
      ->type_name("NAME");
  app.add_option("--link", link,
                 "instead of a lan: tap:NAME (a wire to the kernel) or packet:INTERFACE")
      ->type_name("LINK");
  app.add_option("--name", name, "the session's name, also on the lan; without: the program's")
      ->type_name("NAME");
  app.add_option("--ip", address,
                 "its address on the lan (without: the next free one), or with --link as "
                 "10.0.0.2/24, or dhcp to ask for one")
      ->type_name("ADDRESS[/LENGTH]");
  app.add_option("--ip6", address_v6,
                 "its IPv6 address with --link, as fd00::2/64, or auto for what routers say, or "
                 "dhcp to ask for one (without: none); none on a lan, where it has one else")
      ->type_name("ADDRESS/LENGTH");
  app.add_option("--gw", gateway, "with --link: the default gateway")->type_name("ADDRESS");
  app.add_option("--gw6", gateway_v6, "with --link: that of IPv6")->type_name("ADDRESS");
  add_routes_to(app, routes);
  app.add_option("--mac", mac, "with --link: its Ethernet address")->type_name("MAC");
  app.add_option("--dns", name_servers,
                 "whom to ask for names that neither the lan nor the hosts file knows (without: "
                 "with --link the servers of /etc/resolv.conf); may be repeated")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  app.add_option("-p,--publish", publish,
                 "let the kernel's 127.0.0.1:OUTSIDE (or ADDRESS:OUTSIDE) lead to the program's "
                 "port INSIDE; may be repeated")
      ->type_name("OUTSIDE:INSIDE[/udp]")
      ->allow_extra_args(false);  // one for each -p: what follows may be the program
  app.add_option("--capture", capture, "write every frame to FILE (pcapng, for Wireshark)")
      ->type_name("FILE");
  app.add_flag("--journey", journey, "print each step of each request to standard error");
  app.add_option("PROGRAM", command, "the program and its arguments, best after --")->required();
  app.footer(
      "The program's TCP and UDP sockets, and those of all that it starts, live on naru.\n"
      "Programs of one session meet at 127.0.0.1; sessions on one lan by name or address.\n"
      "naru ps and naru lan ls show both. From outside, published ports are reached (-p).\n"
      "With --link they are on the kernel's network instead, at the address --ip.\n"
      "NARU_LOG=stderr or NARU_LOG=FILE makes the library say what goes wrong.");
}

int run_program(const RunOptions& options) {
  const std::string library = library_path();
  leave_session(library);
  const std::string file = start_session(options);
  if (options.journey) start_scribe(file, fs::path(file).stem());
  // Joined here, so that the keeper has somebody to wait for until the program is loaded.
  must(session::Session::attach(file)).release();
  set_environment(file, library);
  std::vector<char*> arguments;
  for (const std::string& word : options.command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  const int error = errno;
  fmt::print(stderr, "naru: {}: {}\n", options.command.front(), std::strerror(error));
  return error == ENOENT ? kNotFound : kNotExecutable;
}

int list_sessions() {
  const std::string folder = must(session::runtime_folder());
  const StartLock lock(folder);
  fmt::print("{:<31} {:<12} {:<15} {:>8} {:>10} {:>8}\n", "session", "link", "address", "keeper",
             "processes", "sockets");
  for (const std::string& name : session::session_names(folder)) {
    const std::string file = session::memory_file(folder, name);
    const auto seen = session::glance(file);
    if (!seen && !fs::exists(file)) continue;  // it has just ended
    if (!seen) {
      fmt::print("{:<31} {}\n", name, seen.error());
      continue;
    }
    const bool has_cable = !seen->cable.empty();
    fmt::print("{:<31} {:<12} {:<15} {:>8} {:>10} {:>8}{}\n", name, has_cable ? seen->cable : "-",
               has_cable ? seen->address.to_string() : "-", seen->keeper, seen->processes,
               seen->sockets, seen->is_alive ? "" : "  (dead)");
  }
  return EXIT_SUCCESS;
}

}  // namespace naru::cli
