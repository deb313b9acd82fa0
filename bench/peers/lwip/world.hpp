// Two lwIP hosts as a World (contestant.hpp).
#pragma once

#include <memory>
#include <optional>

#include "contestant.hpp"
#include "host.hpp"

namespace naru::bench::lwip {

class LwipHost {
 public:
  using Socket = Connection*;
  explicit LwipHost(const HostApi& api) : api_(api) {}

  std::optional<Socket> accept() {
    Socket s = api_.accept();
    return s == nullptr ? std::nullopt : std::optional(s);
  }
  bool established(Socket s) { return api_.established(s); }
  std::size_t send(Socket s, const std::uint8_t* data, std::size_t size) {
    return api_.send(s, data, size);
  }
  std::size_t recv(Socket s, std::uint8_t* data, std::size_t size) {
    return api_.recv(s, data, size);
  }
  bool at_end(Socket s) { return api_.at_end(s); }
  void close(Socket s) { api_.close(s); }
  const HostApi& api() const { return api_; }

 private:
  const HostApi& api_;
};

class LwipWorld {
 public:
  using HostType = LwipHost;
  explicit LwipWorld(const WorldConfig& config);
  LwipWorld(const LwipWorld&) = delete;
  LwipWorld& operator=(const LwipWorld&) = delete;

  LwipHost& client() { return client_; }
  LwipHost& server() { return server_; }
  LwipHost::Socket connect(std::uint16_t port) { return client_.api().connect(2, port); }
  std::int64_t now_ns() const { return now_ns_; }
  double bytes_per_connection() const { return static_cast<double>(server_.api().idle_bytes()); }

  void turn() {
    if (to_server_) return turn_over_path();
    now_ns_ += 1000;
    server_.api().poll(now_ns_);
    client_.api().poll(now_ns_);
  }

 private:
  void turn_over_path();
  static void onto_client_path(void* world, Pieces frame);
  static void onto_server_path(void* world, Pieces frame);

  LwipHost client_;
  LwipHost server_;
  std::unique_ptr<Path> to_client_;
  std::unique_ptr<Path> to_server_;
  std::int64_t now_ns_ = 0;
};

}  // namespace naru::bench::lwip
