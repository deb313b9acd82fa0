#include "cli/get.hpp"

#include <csignal>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <naru/resolver/resolver.hpp>

#include "cli/download.hpp"
#include "cli/failure.hpp"
#include "wire/dns.hpp"

namespace naru::cli {

namespace net = boost::asio;

void GetOptions::add_to(CLI::App& app) {
  app.add_option("URL", url, "what to fetch: http://host[:port]/path")->required();
  app.add_option("-o,--output", output, "the file to write; - is standard output")
      ->capture_default_str()
      ->type_name("FILE");
  app.add_flag("-c,--continue", resume, "go on where an earlier download of FILE ended");
  app.add_option("--timeout", timeout, "give up after so long without progress")
      ->check(CLI::Range(0.1, 86'400.0))
      ->capture_default_str()
      ->type_name("SECONDS");
  app.add_option("--resolve", hosts, "the address of a host name, instead of the system's")
      ->type_name("HOST ADDRESS");
  machine.add_to(app);
}

namespace {

// --resolve first, then the names of the lan.
std::vector<IpAddr> find_host(const GetOptions& options, const Machine& machine,
                              const std::string& name) {
  std::vector<IpAddr> given;
  for (const auto& [host, text] : options.hosts) {
    if (host != name) continue;
    const auto address = IpAddr::parse(text);
    if (!address) throw Failure(fmt::format("--resolve {} {}: not an address", host, text));
    given.push_back(*address);
  }
  return given.empty() ? machine.find_host(name) : given;
}

// Over our own link, where its network has told us whom to ask.
std::unique_ptr<Resolver> make_resolver(Machine& machine) {
  if (machine.name_servers().empty()) return nullptr;
  ResolverConfig config;
  for (const IpAddr& server : machine.name_servers()) {
    if (config.servers.size() < ResolverConfig::kMaxServers) {
      config.servers.push_back({server, wire::kDnsPort});
    }
  }
  config.search.assign(machine.search().begin(), machine.search().end());
  std::ifstream hosts("/etc/hosts");
  config.hosts = HostsFile::parse(std::string{std::istreambuf_iterator<char>(hosts), {}});
  return std::make_unique<Resolver>(machine.host().stack(), std::move(config),
                                    Random::secure(entropy()));
}

}  // namespace

int get(const GetOptions& options) {
  const auto url = Url::parse(options.url);
  if (!url) throw Failure(url.error());
  if (options.resume && options.output == "-") {
    throw Failure("--continue needs a file to go on with (-o FILE)");
  }
  // Standard output has one user.
  Machine machine(options.machine, options.output == "-" ? stderr : stdout);
  net::io_context& context = machine.context();

  std::unique_ptr<Resolver> resolver = make_resolver(machine);
  Download download(
      context,
      {.output = options.output,
       .resume = options.resume,
       .timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout * 1000)),
       .find_host = [&](const std::string& name) { return find_host(options, machine, name); },
       .resolver = resolver.get(),
       .note = [&](auto room, const auto& text) { machine.note(room, text); }});
  std::exception_ptr failure;
  net::co_spawn(context, download.run(*url), [&](const std::exception_ptr& error) {
    failure = error;
    context.stop();
  });
  net::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& ec, int) {
    if (!ec) download.interrupt();
  });
  context.run();
  signals.cancel();
  // Its connections end with the others.
  asio::with_stack(context, [&](Stack&) { resolver.reset(); });
  machine.farewell();
  machine.finish();
  if (failure) std::rethrow_exception(failure);
  return EXIT_SUCCESS;
}

}  // namespace naru::cli
