#!/usr/bin/env python3
"""memcached under naru run: its threads, TCP and UDP, a limit of connections, restart."""

import os

import lab
import programs

PORT = 11211


def start(m, *flags):
    user = ["-u", "nobody"] if os.stat(".").st_uid == 0 else []
    server = m.server.start("memcached", "-p", PORT, "-U", PORT, "-t", 4, "-l", "0.0.0.0", *user,
                            *flags)
    m.wait_for_port(PORT)
    return server


def stop(server):
    server.terminate()
    lab.check(server.wait(20) == 0, f"memcached ends with {server.returncode}")


def data(m):
    for _ in range(2):  # and again, on the same port, after a restart
        server = start(m)
        said = m.client.python("memcached.py", m.address, PORT)
        lab.check(said.startswith("VERSION"), f"memcached: {said!r}")
        stop(server)


def full_server(m):
    """With its limit of connections reached, it takes others when some have gone."""
    server = start(m, "-c", 60)
    m.client.run("python3", "-c", f"""
import socket, time
address = ({m.address!r}, {PORT})
def ask(client):
    client.settimeout(20)
    client.sendall(b"version\\r\\n")
    return client.recv(100)
clients = [socket.create_connection(address, 20) for _ in range(100)]
first = clients[0]
assert ask(first).startswith(b"VERSION")
for client in clients[1:]:
    client.close()
# Its threads hear of the ends in their own time; until then it turns clients away.
for _ in range(200):
    until = time.monotonic() + 20
    while True:
        with socket.create_connection(address, 20) as late:
            if ask(late).startswith(b"VERSION"):
                break
        assert time.monotonic() < until
""")
    stop(server)


if __name__ == "__main__":
    programs.run(data, full_server, needs=("memcached",))
