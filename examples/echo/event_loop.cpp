// One thread for all clients, by epoll. What a client does not take yet is kept, and no
// more is read from it meanwhile: memory stays bounded, and TCP tells it to wait.

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>

#include "echo.hpp"

namespace {

class Conversation {
 public:
  explicit Conversation(int client) : client_(client) {}
  ~Conversation() { ::close(client_); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Goes on as far as it can without waiting. False: it is over.
  bool go_on();
  // What it waits for now.
  std::uint32_t events() const { return begin_ < end_ ? EPOLLOUT : EPOLLIN; }

 private:
  int client_;
  std::size_t begin_ = 0;  // data_[begin_, end_) is still to be given back
  std::size_t end_ = 0;
  char data_[65536];
};

bool Conversation::go_on() {
  for (;;) {
    if (begin_ == end_) {
      const ssize_t n = ::recv(client_, data_, sizeof data_, 0);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      if (n == 0) return false;
      begin_ = 0;
      end_ = static_cast<std::size_t>(n);
    }
    const ssize_t n = ::send(client_, data_ + begin_, end_ - begin_, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    begin_ += static_cast<std::size_t>(n);
    if (begin_ < end_) return true;
  }
}

class Loop {
 public:
  explicit Loop(int listener) : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) echo::fail("epoll_create1");
    // A client may be gone again before it is accepted.
    ::fcntl(listener_, F_SETFL, O_NONBLOCK);
    control(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  // `timeout` is that of epoll_wait(2): 0 spins.
  [[noreturn]] void run(int timeout) {
    for (;;) {
      epoll_event ready[64];
      const int count = ::epoll_wait(epoll_, ready, 64, timeout);
      if (count < 0 && errno != EINTR) echo::fail("epoll_wait");
      for (int i = 0; i < count; ++i) on_ready(ready[i].data.fd);
    }
  }

 private:
  void control(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, operation, fd, &event) != 0) echo::fail("epoll_ctl");
  }

  void on_ready(int fd) {
    if (fd == listener_) {
      const int client = echo::accept_from(listener_);
      if (client < 0) return;
      ::fcntl(client, F_SETFL, O_NONBLOCK);
      conversations_.emplace(client, std::make_unique<Conversation>(client));
      control(EPOLL_CTL_ADD, client, EPOLLIN);
      return;
    }
    Conversation& conversation = *conversations_.at(fd);
    const std::uint32_t before = conversation.events();
    if (!conversation.go_on()) {
      conversations_.erase(fd);  // closes it, and so takes it out of the set
    } else if (conversation.events() != before) {
      control(EPOLL_CTL_MOD, fd, conversation.events());
    }
  }

  int listener_;
  int epoll_;
  std::unordered_map<int, std::unique_ptr<Conversation>> conversations_;
};

}  // namespace

int main(int argc, char** argv) {
  const echo::Settings settings = echo::settings(argc, argv);
  Loop(echo::listen_at(settings)).run(settings.spins ? 0 : -1);
}
