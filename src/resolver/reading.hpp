// What a response says about a question.
#pragma once

#include <naru/resolver/resolver.hpp>

#include "wire/dns.hpp"

namespace naru::resolver {

inline constexpr unsigned kMaxChain = 16;        // aliases that are followed
inline constexpr std::size_t kMaxRecords = 100;  // of one answer

struct Reading {
  enum class Kind : std::uint8_t {
    answer,
    follow,    // an alias leads to `end`, of which the message says nothing
    unusable,  // the server could not, would not, or does not know
  };

  Kind kind = Kind::unusable;
  NameAnswer answer;
  wire::DnsName end;  // where the aliases lead; the question's name without any
  Duration ttl{0};    // how long this may be remembered: not at all
};

// Only the answer section is believed, and of it only what belongs to the question or to
// its aliases (RFC 2181 5.4.1); from the authority section comes how long a name is missing.
Reading read_response(const wire::DnsMessageView& response, const wire::DnsQuestion& question);

}  // namespace naru::resolver
