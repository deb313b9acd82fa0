// Publishing ports: the side of the program that asks a gateway to.
#pragma once

#include <span>
#include <string>

#include <naru/link/lan.hpp>

#include "gateway/publication.hpp"

namespace naru::gateway {

// A descriptor (close-on-exec): the ports are published until the last copy of it is
// closed. Starts the lan's gateway where there is none. The error is one line for the
// person who asked, such as "127.0.0.1:8080/tcp: Address already in use".
link::OpenResult<int> publish(const std::string& lan, const link::LanDirectory& directory,
                              std::span<const Publication> publications);

}  // namespace naru::gateway
