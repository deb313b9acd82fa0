// lwIP as a contestant. MTU and checksums are fixed when lwIP is compiled, so there is
// one program for each combination.
#include <algorithm>

#include "contestant_main.hpp"
#include "hosts.hpp"
#include "world.hpp"

namespace naru::bench::lwip {

LwipWorld::LwipWorld(const WorldConfig& config) : client_(client_host()), server_(server_host()) {
  const unsigned bound = config.bounded ? config.connections : 0;
  if (config.path) {
    if (client_.api().real_clock) fail("Debian's liblwip knows no virtual time");
    to_server_ = std::make_unique<Path>(*config.path);
    PathConfig back = *config.path;
    ++back.seed;
    to_client_ = std::make_unique<Path>(back);
    client_.api().start({1, bound}, onto_server_path, this);
    server_.api().start({2, bound}, onto_client_path, this);
  } else {
    client_.api().start({1, bound}, server_.api().receive, nullptr);
    server_.api().start({2, bound}, client_.api().receive, nullptr);
  }
  for (unsigned i = 0; i < config.ports; ++i) {
    server_.api().listen(static_cast<std::uint16_t>(kFirstPort + i));
  }
}

void LwipWorld::onto_client_path(void* world, Pieces frame) {
  auto& w = *static_cast<LwipWorld*>(world);
  w.to_client_->send(w.now_ns_, frame);
}

void LwipWorld::onto_server_path(void* world, Pieces frame) {
  auto& w = *static_cast<LwipWorld*>(world);
  w.to_server_->send(w.now_ns_, frame);
}

// To the next arrival or timer, whichever comes first.
void LwipWorld::turn_over_path() {
  std::int64_t next = std::min(client_.api().next_deadline_ns(), server_.api().next_deadline_ns());
  for (const auto* path : {to_server_.get(), to_client_.get()}) {
    next = std::min(next, path->next_arrival().value_or(next));
  }
  now_ns_ = std::max(now_ns_, next);
  while (const auto frame = to_server_->receive(now_ns_)) {
    const Piece piece{frame->data(), frame->size()};
    server_.api().receive(nullptr, {&piece, 1});
  }
  while (const auto frame = to_client_->receive(now_ns_)) {
    const Piece piece{frame->data(), frame->size()};
    client_.api().receive(nullptr, {&piece, 1});
  }
  server_.api().poll(now_ns_);
  client_.api().poll(now_ns_);
}

}  // namespace naru::bench::lwip

int main(int argc, char** argv) {
  using namespace naru::bench;
  return contestant_main(argc, argv, "lwip", [](const WorldConfig& config) {
    const lwip::HostApi& compiled = lwip::client_host();
    if (config.mtu != compiled.mtu || config.checksums != compiled.checksums) {
      fail("this program was compiled for another MTU or choice of checksums");
    }
    return std::make_unique<lwip::LwipWorld>(config);
  });
}
