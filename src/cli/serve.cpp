#include "cli/serve.hpp"

#include <csignal>
#include <cstring>

#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include "cli/failure.hpp"
#include "cli/web/server.hpp"

namespace naru::cli {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

void add_seconds(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                 const std::string& help) {
  app.add_option_function<double>(
         name,
         [&value](double seconds) {
           value = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
         },
         help)
      ->check(CLI::Range(0.1, 86'400.0))
      ->type_name("SECONDS")
      ->default_str(fmt::format("{}", value.count() / 1000));
}

web::Folder open_folder(const std::string& path) {
  auto folder = web::Folder::open(path);
  if (!folder) throw Failure(fmt::format("{}: {}", path, std::strerror(folder.error())));
  return std::move(*folder);
}

}  // namespace

void ServeOptions::add_to(CLI::App& app) {
  app.add_option("DIR", folder, "the folder to serve")->required();
  machine.add_to(app);
  app.add_option("--port", port, "the TCP port to listen on")->capture_default_str();
  app.add_flag("--allow-upload", server.allow_upload,
               "take PUT: count and hash what comes, keep nothing");
  add_seconds(app, "--header-time", server.header_time, "how long a request's header may take");
  add_seconds(app, "--idle-time", server.idle_time, "how long a connection may be idle");
  app.add_option("--header-bytes", server.header_bytes, "how long a request's header may be")
      ->check(CLI::Range(256U, 1U << 20U))
      ->capture_default_str();
}

int serve(const ServeOptions& options) {
  web::Folder folder = open_folder(options.folder);
  Machine machine(options.machine);
  net::io_context& context = machine.context();

  // Of both families where the machine has both.
  const auto second = machine.second_address();
  const IpAddr at = second ? IpAddr::any_v6() : machine.address();
  const ip::tcp::endpoint endpoint(ip::make_address(at.to_string()), options.port);
  std::optional<web::Server> server;
  try {
    server.emplace(context, endpoint, std::move(folder), options.server);
  } catch (const boost::system::system_error& error) {
    throw Failure(fmt::format("cannot listen on {}:{}: {}", endpoint.address().to_string(),
                              endpoint.port(), error.code().message()));
  }
  server->start();
  const auto url = [&](const IpAddr& addr) {
    return fmt::format("http://{}/", Endpoint{addr, server->endpoint().port()}.to_string());
  };
  fmt::print("naru: serving {} on {}{} over {}\n", options.folder, url(machine.address()),
             second ? " and " + url(*second) : "", options.machine.link);
  std::fflush(stdout);

  net::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](const error_code&, int) {
    server->stop();
    context.stop();
  });
  context.run();
  machine.farewell();
  machine.finish();
  return EXIT_SUCCESS;
}

}  // namespace naru::cli
