#include "gateway/gateway.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <naru/asio.hpp>

#include "gateway/control.hpp"
#include "gateway/door.hpp"

namespace naru::gateway {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::redirect_error;
using net::use_awaitable;
using Local = net::local::stream_protocol;

constexpr std::string_view kName = "gateway";
constexpr std::size_t kMaxClients = 256;
constexpr std::size_t kMaxDoors = 256;  // of one client
// Without leases: time for another client to come, and for what is under way to end.
constexpr auto kPatience = std::chrono::seconds(2);

// The lan is its owner's alone, and so is its gateway.
bool is_ours(Local::socket& client) {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(client.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
         who.uid == ::geteuid();
}

std::unexpected<link::OpenError> failure(int number, std::string words) {
  return std::unexpected(link::OpenError{number, std::move(words)});
}

}  // namespace

class Gateway::Service {
 public:
  Service(link::lan::Folder folder, std::string lan, std::unique_ptr<Host> host)
      : folder_(std::move(folder)),
        lan_(std::move(lan)),
        host_(std::move(host)),
        orders_(context_),
        departure_(context_) {
    asio::use_stack(context_, *host_);
  }
  ~Service();

  // Throws boost::system::system_error.
  void listen();
  void run();

 private:
  using Doors = std::vector<std::shared_ptr<Door>>;

  net::awaitable<void> accept_clients();
  net::awaitable<void> serve(Local::socket client);
  // The line to answer.
  std::string carry_out(std::string_view line, Doors& doors);
  // Leaves a while after the last client has.
  void plan_departure();

  link::lan::Folder folder_;
  std::string lan_;
  std::unique_ptr<Host> host_;
  net::io_context context_{1};
  Local::acceptor orders_;
  net::steady_timer departure_;
  std::size_t clients_ = 0;
};

void Gateway::Service::listen() {
  const std::string path = control_path(folder_, lan_);
  // What a gateway before us has left: the address at the lan is ours alone.
  ::unlink(path.c_str());
  orders_.open();
  orders_.bind(path);
  ::chmod(path.c_str(), S_IRUSR | S_IWUSR);
  orders_.listen();
}

Gateway::Service::~Service() { ::unlink(control_path(folder_, lan_).c_str()); }

void Gateway::Service::run() {
  net::co_spawn(context_, accept_clients(), net::detached);
  plan_departure();
  context_.run();
}

void Gateway::Service::plan_departure() {
  departure_.expires_after(kPatience);
  departure_.async_wait([this](const error_code& ec) {
    if (!ec && clients_ == 0) context_.stop();  // somebody may just have come
  });
}

net::awaitable<void> Gateway::Service::accept_clients() {
  for (;;) {
    error_code ec;
    Local::socket client = co_await orders_.async_accept(redirect_error(use_awaitable, ec));
    if (ec || clients_ >= kMaxClients || !is_ours(client)) continue;
    net::co_spawn(context_, serve(std::move(client)), net::detached);
  }
}

net::awaitable<void> Gateway::Service::serve(Local::socket client) {
  ++clients_;
  departure_.cancel();
  Doors doors;
  std::string text;
  error_code ec;
  while (!ec) {
    const std::size_t n = co_await net::async_read_until(
        client, net::dynamic_buffer(text, kMaxLine), '\n', redirect_error(use_awaitable, ec));
    if (ec) break;
    const std::string answer = carry_out(std::string_view(text).substr(0, n - 1), doors) + '\n';
    text.erase(0, n);
    co_await net::async_write(client, net::buffer(answer), redirect_error(use_awaitable, ec));
  }
  for (const auto& door : doors) door->close();
  if (--clients_ == 0) plan_departure();
}

std::string Gateway::Service::carry_out(std::string_view line, Doors& doors) {
  const auto publication = from_line(line);
  if (!publication) return std::string(kError) + "no such order";
  if (doors.size() >= kMaxDoors) return std::string(kError) + "too many ports";
  try {
    doors.push_back(publication->protocol == Protocol::udp ? open_udp_door(context_, *publication)
                                                           : open_tcp_door(context_, *publication));
    return std::string(kOk);
  } catch (const boost::system::system_error& error) {
    return std::string(kError) + error.code().message();
  }
}

Gateway::Gateway(std::unique_ptr<Service> service) : service_(std::move(service)) {}
Gateway::~Gateway() = default;

link::OpenResult<std::unique_ptr<Gateway>> Gateway::open(const std::string& lan,
                                                         const link::LanDirectory& directory) {
  auto folder = link::lan::Folder::open(directory, true);
  if (!folder) return std::unexpected(folder.error());
  auto host = Host::create({});
  if (!host) return failure(ENOMEM, "no memory for a gateway");
  link::LanOptions options;
  options.directory = directory;
  options.name = kName;
  options.is_gateway = true;
  auto link = link::LanLink::join(lan, options);
  if (!link) return std::unexpected(link.error());
  const Prefix address = (*link)->address();
  const Prefix address_v6 = (*link)->address_v6();
  const auto interface = (*host)->add_link("eth0", std::move(*link), address);
  if (!interface || !(*host)->stack().add_address(*interface, address_v6)) {
    return failure(EADDRNOTAVAIL, "gateway: " + address.to_string() + " cannot be used");
  }
  auto service = std::make_unique<Service>(std::move(*folder), lan, std::move(*host));
  try {
    service->listen();
  } catch (const boost::system::system_error& error) {
    return failure(error.code().value(), std::string("the gateway's socket: ") + error.what());
  }
  return std::unique_ptr<Gateway>(new Gateway(std::move(service)));
}

void Gateway::run() { service_->run(); }

}  // namespace naru::gateway
