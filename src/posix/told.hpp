// What recvmsg(2) tells beside the bytes, where a program has asked for it by an option.
#pragma once

#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>

namespace naru::posix::told {

inline constexpr std::uint32_t kTimestamp = 1;    // SO_TIMESTAMP
inline constexpr std::uint32_t kTimestampNs = 2;  // SO_TIMESTAMPNS
inline constexpr std::uint32_t kLost = 4;         // SO_RXQ_OVFL
inline constexpr std::uint32_t kInfo = 8;         // IP_PKTINFO
inline constexpr std::uint32_t kTtl = 16;         // IP_RECVTTL
inline constexpr std::uint32_t kTos = 32;         // IP_RECVTOS
inline constexpr std::uint32_t kOriginal = 64;    // IP_RECVORIGDSTADDR
inline constexpr std::uint32_t kInfo6 = 128;      // IPV6_RECVPKTINFO
inline constexpr std::uint32_t kHops6 = 1024;     // IPV6_RECVHOPLIMIT
inline constexpr std::uint32_t kClass6 = 2048;    // IPV6_RECVTCLASS
// Kept, and nothing is told: options of IP are read and left alone (RFC 7126).
inline constexpr std::uint32_t kOptions = 256;        // IP_RECVOPTS
inline constexpr std::uint32_t kReturnOptions = 512;  // IP_RETOPTS

// The bit of an option; 0: it is not one of these.
inline std::uint32_t bit_of(int level, int name) {
  switch (level) {
    case SOL_SOCKET:
      return name == SO_TIMESTAMP     ? kTimestamp
             : name == SO_TIMESTAMPNS ? kTimestampNs
             : name == SO_RXQ_OVFL    ? kLost
                                      : 0;
    case IPPROTO_IP:
      return name == IP_PKTINFO           ? kInfo
             : name == IP_RECVTTL         ? kTtl
             : name == IP_RECVTOS         ? kTos
             : name == IP_RECVORIGDSTADDR ? kOriginal
             : name == IP_RECVOPTS        ? kOptions
             : name == IP_RETOPTS         ? kReturnOptions
                                          : 0;
    case IPPROTO_IPV6:
      return name == IPV6_RECVPKTINFO    ? kInfo6
             : name == IPV6_RECVHOPLIMIT ? kHops6
             : name == IPV6_RECVTCLASS   ? kClass6
                                         : 0;
    default:
      return 0;
  }
}

}  // namespace naru::posix::told
