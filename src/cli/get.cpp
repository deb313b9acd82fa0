#include "cli/get.hpp"

#include <csignal>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include "cli/download.hpp"
#include "cli/failure.hpp"

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
std::optional<std::string> find_host(const GetOptions& options, const Machine& machine,
                                     const std::string& name) {
  for (const auto& [host, address] : options.hosts) {
    if (host == name) return address;
  }
  const auto member = machine.find_host(name);
  return member ? std::optional(member->to_string()) : std::nullopt;
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

  Download download(
      context,
      {.output = options.output,
       .resume = options.resume,
       .timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout * 1000)),
       .find_host = [&](const std::string& name) { return find_host(options, machine, name); },
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
  machine.farewell();
  machine.finish();
  if (failure) std::rethrow_exception(failure);
  return EXIT_SUCCESS;
}

}  // namespace naru::cli
