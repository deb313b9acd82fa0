// Door: what a publication is while it lasts: the socket of the kernel's at which
// the outside knocks.
#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include "gateway/publication.hpp"

namespace naru::gateway {

class Door {
 public:
  Door() = default;
  virtual ~Door() = default;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // Nobody else comes in; those who are in stay.
  virtual void close() = 0;
};

// Connections and conversations of one door at a time. Who comes later waits in the
// kernel's queue, or takes the place of the conversation that was silent longest.
inline constexpr std::size_t kMaxGuests = 1024;

// Open doors. Throw boost::system::system_error, such as address_in_use.
std::shared_ptr<Door> open_tcp_door(boost::asio::io_context& context,
                                    const Publication& publication);
std::shared_ptr<Door> open_udp_door(boost::asio::io_context& context,
                                    const Publication& publication);

}  // namespace naru::gateway
