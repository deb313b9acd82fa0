// A network of stacks and devices on memory wires, in virtual time.
#pragma once

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <naru/device/device.hpp>
#include <naru/link/fault.hpp>
#include <naru/stack/stack.hpp>

#include "station.hpp"

namespace naru::device::test {

// A stack in memory of its own.
class Node {
 public:
  using Settings = std::vector<std::pair<Option, std::int64_t>>;

  Node(std::uint8_t number, const Settings& settings)
      : config_(make_config(number, settings)),
        mapping_(ArenaMapping::map_private(arena_size(config_)).value()),
        stack_(Stack::create(mapping_.arena(), config_, Time(1s)).value()) {}

  Stack& operator*() { return *stack_; }
  Stack* operator->() { return stack_.get(); }

  // A new interface at the end of a wire.
  void attach(link::Link& end, const Prefix& address) {
    const std::uint8_t interface = stack_->add_interface("eth", end).value();
    EXPECT_TRUE(stack_->add_address(interface, address));
  }

 private:
  static StackConfig make_config(std::uint8_t number, const Settings& settings) {
    StackConfig config;
    config.random = Random::seeded(number);
    config.trace_events = 4'096;
    for (const auto& [option, value] : settings) EXPECT_TRUE(config.options.set(option, value));
    return config;
  }

  StackConfig config_;
  ArenaMapping mapping_;
  std::unique_ptr<Stack> stack_;
};

// Lets all of them do what they can, and then the time go on.
class Network {
 public:
  Node& add(std::uint8_t number, const Node::Settings& settings = {}) {
    return nodes_.emplace_back(number, settings);
  }
  void add(std::initializer_list<Device*> devices) { devices_.insert(devices_.end(), devices); }
  // A new interface of a node, whose frames meet these faults. The far end of its wire goes
  // into a device, or is attached to another node.
  link::Link& plug(Node& node, const Prefix& address, const link::FaultOptions& faults = {}) {
    cables_.push_back(std::make_unique<Cable>(cables_.size(), faults));
    node.attach(cables_.back()->near, address);
    return cables_.back()->wire.b();
  }
  // The Ethernet address of the interface that was plugged as the n-th.
  static MacAddr mac_of(std::size_t n) { return mac(static_cast<std::uint32_t>(2 * n)); }

  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (Node& node : nodes_) more |= node->poll(now);
      for (Device* device : devices_) more |= device->poll(now);
      more |= has_frames();
    }
  }
  void go_on() {
    Time next = kTimeNever;
    for (Node& node : nodes_) next = std::min(next, node->next_deadline());
    for (const Device* device : devices_) next = std::min(next, device->next_deadline());
    now = std::clamp(next, now + 1ns, now + 100ms);
  }

  Time now = Time(1s);

 private:
  struct Cable {
    Cable(std::size_t number, const link::FaultOptions& faults)
        : wire({.mac_a = mac_of(number), .mac_b = mac(static_cast<std::uint32_t>(2 * number + 1))}),
          near(wire.a(), faults) {}

    link::MemoryWire wire;
    link::FaultLink near;
  };

  bool has_frames() {
    return std::ranges::any_of(cables_, [](const auto& c) {
      return c->wire.waiting_count(c->wire.a()) + c->wire.waiting_count(c->wire.b()) != 0;
    });
  }

  std::vector<std::unique_ptr<Cable>> cables_;  // outlive the stacks, which use them
  std::deque<Node> nodes_;
  std::vector<Device*> devices_;
};

// One connection: the client sends these bytes and the server gives them back, each to its end.
class Echo {
 public:
  static constexpr std::uint16_t kPort = 80;

  Echo(Network& network, Node& client, Node& server, const IpAddr& address, std::size_t size)
      : network_(network), client_(client), server_(server), sent_(size), buffer_(16'384) {
    Random::seeded(3).fill(sent_);
    listener_ = server_->open_tcp().value();
    EXPECT_TRUE(server_->bind(listener_, {IpAddr::any_v4(), kPort}));
    EXPECT_TRUE(server_->listen(listener_, 1));
    socket_ = client_->open_tcp().value();
    EXPECT_EQ(client_->connect(socket_, {address, kPort}).error(), Error::in_progress);
  }

  // True when all has come back as it was.
  bool run() {
    std::size_t out = 0;
    std::size_t echoed = 0;
    Frame there;
    Frame back;
    while (back.size() < sent_.size() && network_.now < Time(1'000s)) {
      network_.settle();
      out += send(*client_, socket_, Bytes(sent_).subspan(out));
      if (const auto a = server_->accept(listener_)) {
        accepted_ = a->socket;
        peer_ = a->peer;
      }
      if (accepted_) {
        receive(*server_, *accepted_, there);
        echoed += send(*server_, *accepted_, Bytes(there).subspan(echoed));
      }
      receive(*client_, socket_, back);
      network_.go_on();
    }
    return back == sent_;
  }
  // Who the server believes to talk to.
  const Endpoint& peer() const { return peer_; }

 private:
  static std::size_t send(Stack& stack, SocketId socket, Bytes data) {
    if (data.empty()) return 0;
    return stack.send(socket, data).value_or(0);
  }
  void receive(Stack& stack, SocketId socket, Frame& to) {
    while (const auto n = stack.recv(socket, buffer_)) {
      if (*n == 0) return;
      to.insert(to.end(), buffer_.begin(), buffer_.begin() + static_cast<long>(*n));
    }
  }

  Network& network_;
  Node& client_;
  Node& server_;
  Frame sent_;
  Frame buffer_;
  SocketId listener_{};
  SocketId socket_{};
  std::optional<SocketId> accepted_;
  Endpoint peer_;
};

}  // namespace naru::device::test
