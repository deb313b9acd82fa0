// Words: one trace event as a step that a reader of TCP/IP textbooks knows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <naru/trace/event.hpp>

namespace naru::observe {

struct Step {
  std::string_view room;  // where it happens: socket, tcp, udp, ip, neighbour, groups, link
  std::string text;
};

// A connection in TIME-WAIT goes on as a small record; that is no step of the protocol.
bool is_bookkeeping(const trace::Event& event);

// Holds what the words of one host's events depend on: initial sequence numbers,
// so that the numbers shown count from 0.
class Words {
 public:
  Step describe(const trace::Event& event);

 private:
  struct Numbers {
    std::uint32_t local = 0;   // the first that we sent
    std::uint32_t remote = 0;  // the first that the peer sent
    bool local_known = false;
    bool remote_known = false;
    std::size_t order = 0;  // 1 is the first connection that was seen
  };

  Step words_for(const trace::Event& event);
  Numbers& connection_of(const trace::Event& event);
  Numbers& learn_numbers(const trace::Event& event);
  std::string segment(const trace::Event& event);

  std::map<std::pair<std::string, std::string>, Numbers> connections_;
};

// "SYN+ACK", of the flags in a TCP header.
std::string flag_names(std::uint16_t flags);
// "1 048 576"
std::string grouped(std::uint64_t number);
// "1 byte", "2 bytes", "1 048 576 bytes"
std::string counted(std::uint64_t number, std::string_view unit);

}  // namespace naru::observe
