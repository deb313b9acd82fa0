#!/usr/bin/env python3
"""The same service in Python: a server for one client at a time, and a client.

    echo.py server [HOST] [-p PORT]
    echo.py client HOST [-p PORT] [-n REQUESTS] [-b BYTES]
"""

import argparse
import os
import socket
import statistics
import time


def serve(host, port):
    with socket.create_server((host, port)) as listener:
        while True:
            client, _ = listener.accept()
            with client:
                try:
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while data := client.recv(65_536):
                        client.sendall(data)
                except ConnectionError:
                    pass  # one client's misfortune


def receive_exactly(server, count):
    answer = b""
    while len(answer) < count:
        piece = server.recv(count - len(answer))
        if not piece:
            raise SystemExit("echo.py: the server hangs up")
        answer += piece
    return answer


def ask(host, port, requests, size):
    times = []
    with socket.create_connection((host, port)) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(requests):
            data = os.urandom(size)
            begin = time.perf_counter()
            server.sendall(data)
            answer = receive_exactly(server, size)
            times.append(time.perf_counter() - begin)
            if answer != data:
                raise SystemExit("echo.py: the answer is not what was sent")
    print(f"{requests / sum(times):.0f} requests/s; median {statistics.median(times) * 1e6:.1f} us")


def main():
    parser = argparse.ArgumentParser(description="An echo server and its client.")
    parser.add_argument("role", choices=("server", "client"))
    parser.add_argument("host", nargs="?", default="0.0.0.0",
                        help="where the server listens, or is")
    parser.add_argument("-p", dest="port", metavar="PORT", type=int, default=1060)
    parser.add_argument("-n", dest="requests", metavar="REQUESTS", type=int, default=10_000)
    parser.add_argument("-b", dest="bytes", metavar="BYTES", type=int, default=64)
    chosen = parser.parse_args()
    if chosen.role == "server":
        serve(chosen.host, chosen.port)
    else:
        ask(chosen.host, chosen.port, chosen.requests, chosen.bytes)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
