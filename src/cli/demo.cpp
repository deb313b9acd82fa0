#include "cli/demo.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <naru/link/memory.hpp>

#include "cli/download.hpp"
#include "cli/failure.hpp"
#include "cli/machine.hpp"
#include "cli/web/server.hpp"
#include "observe/journey.hpp"

namespace naru::cli {
namespace {

namespace net = boost::asio;
namespace fs = std::filesystem;

constexpr std::string_view kName = "web.naru";
constexpr std::string_view kServerAddress = "10.0.0.2";
constexpr auto kPatience = std::chrono::seconds(20);

// A folder that is gone when the demo ends.
struct TemporaryFolder {
  TemporaryFolder() {
    // mkdtemp(3) puts its own letters where the X are.
    std::string name = (fs::temp_directory_path() / "naru-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Failure(name + ": cannot make a folder");
    path = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

// A step of the journey, on its way to the time axis that both hosts share.
struct Recorded {
  std::size_t host = 0;
  trace::Event event;
};

// One of the two hosts, driven by a context of its own.
struct Side {
  Side(std::size_t index, link::Link& link, const char* address, std::vector<Recorded>& record) {
    Host::Config config;
    config.stack.trace_events = 4096;
    auto made = Host::create(std::move(config));
    if (!made) throw Failure(fmt::format("cannot make a host: {}", to_string(made.error())));
    host = std::move(*made);
    Stack& stack = host->stack();
    const auto interface = stack.add_interface("eth0", link);
    if (!interface || !stack.add_address(*interface, *Prefix::parse(address))) {
      throw Failure(fmt::format("cannot give a host the address {}", address));
    }
    stack.set_trace(true);
    link::Link* const links[] = {&link};
    asio::use_stack(context, stack, links);
    asio::observe_turns(context, [&record, index](Stack& s) {
      while (const trace::Event* event = s.next_trace()) record.push_back({index, *event});
    });
  }
  bool is_quiet() {
    return asio::with_stack(context, [](Stack& stack) { return stack.usage().connections == 0; });
  }

  std::unique_ptr<Host> host;
  net::io_context context{1};
};

std::string make_page() {
  std::string page =
      "<!doctype html>\n<title>naru</title>\n<h1>naru: a landing place for ferries</h1>\n";
  for (int line = 1; page.size() < 12'000; ++line) {
    page += fmt::format("<p>Line {} of a page that needs several segments.</p>\n", line);
  }
  return page;
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Gives both sides their turns, in one thread, until `done`.
template <class Done>
void drive(Side& browser, Side& web, const Done& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    browser.context.restart();
    web.context.restart();
    if (browser.context.poll() + web.context.poll() == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    if (std::chrono::steady_clock::now() > end) throw Failure("the demo takes too long");
  }
}

void print_journey(std::vector<Recorded>& record, const observe::Journey::Options& options) {
  std::ranges::stable_sort(record, {}, [](const Recorded& r) { return r.event.at; });
  observe::Journey journey(options, [](std::string_view line) { fmt::print("{}\n", line); });
  if (record.empty()) throw Failure("nothing was traced");
  journey.note(0, record.front().event.at, "resolve",
               fmt::format("{} is {}", kName, kServerAddress));
  for (const Recorded& step : record) journey.add(step.host, step.event);
  journey.finish();
}

}  // namespace

int demo() {
  const TemporaryFolder folder;
  const std::string page = make_page();
  fs::create_directory(folder.path / "site");
  std::ofstream(folder.path / "site" / "index.html") << page;
  const std::string received = (folder.path / "received.html").string();

  link::MemoryWire wire({.fcs = true});
  std::vector<Recorded> record;
  Side browser(0, wire.a(), "10.0.0.1/24", record);
  Side web(1, wire.b(), "10.0.0.2/24", record);
  web::Server server(web.context, {ip::make_address(std::string(kServerAddress)), 80},
                     *web::Folder::open((folder.path / "site").string()), {});
  server.start();

  fmt::print(
      "GET http://{}/ - a browser and a web server, each on a naru stack of its own,\n"
      "joined by an Ethernet wire in memory (MTU 1500, CRC-32 behind every frame)\n\n",
      kName);
  const auto settled = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  drive(browser, web, [&] { return std::chrono::steady_clock::now() > settled; });

  bool fetched = false;
  std::exception_ptr failure;
  Download download(browser.context, {.output = received, .find_host = [](const std::string&) {
                                        return std::vector{*IpAddr::parse(kServerAddress)};
                                      }});
  net::co_spawn(browser.context, download.run(*Url::parse(fmt::format("http://{}/", kName))),
                [&](const std::exception_ptr& error) {
                  failure = error;
                  fetched = true;
                });
  record.clear();  // of the hosts' own beginnings
  drive(browser, web, [&] { return fetched; });
  if (failure) std::rethrow_exception(failure);
  drive(browser, web, [&] { return browser.is_quiet(); });
  server.stop();
  drive(browser, web, [&] { return web.is_quiet(); });

  print_journey(record, {.hosts = {"browser 10.0.0.1", "web server 10.0.0.2"},
                         .colour = wants_colour(stdout)});
  if (contents(received) != page) throw Failure("the page that came is not the page that was sent");
  const auto to_web = wire.b().stats();
  const auto to_browser = wire.a().stats();
  fmt::print(
      "\n{} bytes, the same at both ends; {} frames to the server, {} to the browser, "
      "{} with a bad FCS\n",
      page.size(), to_web.rx_frames, to_browser.rx_frames,
      to_web.rx_bad_fcs + to_browser.rx_bad_fcs);
  return EXIT_SUCCESS;
}

}  // namespace naru::cli
