#include <array>
#include <cstddef>

#include <naru/base/result.hpp>

namespace naru {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 29> kWords = {
    "no error",
    "operation would block",
    "operation in progress",
    "operation already in progress",
    "already connected",
    "not connected",
    "connection refused",
    "connection reset by peer",
    "connection aborted",
    "connection timed out",
    "broken pipe",
    "no route to host",
    "network is unreachable",
    "network is down",
    "address already in use",
    "cannot assign requested address",
    "destination address required",
    "message too long",
    "permission denied",
    "invalid argument",
    "operation not supported",
    "protocol option not available",
    "protocol error",
    "no buffer space available",
    "out of memory",
    "bad socket handle",
    "address family not supported",
    "not found",
    "input/output error",
};
static_assert(kWords.size() == static_cast<std::size_t>(Error::io) + 1);
static_assert(kWords[static_cast<std::size_t>(Error::refused)] == "connection refused");
static_assert(kWords[static_cast<std::size_t>(Error::message_size)] == "message too long");

}  // namespace

std::string_view to_string(Error error) {
  const auto index = static_cast<std::size_t>(error);
  return index < kWords.size() ? kWords[index] : "unknown error";
}

}  // namespace naru
