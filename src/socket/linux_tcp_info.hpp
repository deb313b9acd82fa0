// struct tcp_info, as Linux fills it for getsockopt(TCP_INFO).
#pragma once

// Linux's own header has the whole struct; <netinet/tcp.h> has half of it.
#include <linux/tcp.h>

#include <naru/config/socket_types.hpp>

namespace naru {

tcp_info to_linux(const TcpInfo& info);

}  // namespace naru
