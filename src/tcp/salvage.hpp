// Salvage: the connections, when whoever was changing them has died in the middle of it.
//
//   salvage()  who goes on? ─► what those hold ─► all the rest is free
//   resume()   table, ports, queues, lists and timers again, from the connections' own fields
//
// A connection that is whole goes on as if segments had been lost. The one that was being
// changed is reset, and with it any other that does not make sense; a listening socket
// keeps listening.
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// Bounded by the slabs, and nothing that was left behind is followed before it is checked;
// may itself be cut short and begun again. The packets of those who go on are kept in
// PacketPool, which the caller has let forget() and rebuilds before resume(). False when
// two connections hold the same memory: that is beyond repair.
bool salvage(Tcp& t);
void resume(Tcp& t);

}  // namespace naru::tcp
