// Both ends of HTTP/1.1 (RFC 9112), as much of it as one page needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <naru/stack/stack.hpp>

namespace naru::road {

// Serves one page, on both families.
class PageServer {
 public:
  PageServer(Stack& stack, std::string page);

  void poll();

 private:
  struct Visitor {
    SocketId socket;
    std::string request;
    std::string answer;  // what is still to be sent
    bool over = false;
  };
  void serve(Visitor& visitor);

  Stack& stack_;
  std::string page_;
  SocketId listener_;
  std::vector<Visitor> visitors_;
};

// Asks for a page, takes it, and closes.
class Fetch {
 public:
  Fetch(Stack& stack, const Endpoint& server, const std::string& host);

  void poll();
  bool is_done() const { return !socket_; }
  // What came; none: something went wrong.
  const std::optional<std::string>& page() const { return page_; }

 private:
  void close();

  Stack& stack_;
  SocketId socket_;
  std::string request_;  // what is still to be sent
  std::string answer_;
  std::optional<std::string> page_;
};

}  // namespace naru::road
