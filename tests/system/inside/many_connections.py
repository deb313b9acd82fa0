"""ADDRESS PORT COUNT: holds that many connections to a web server open, and uses each twice."""

import socket
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
REQUEST = b"GET /small HTTP/1.1\r\nHost: test\r\n\r\n"


def answer(client):
    """One answer, by its length."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = client.recv(4096)
        assert piece, "the server closes"
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    while len(body) < 6:
        body += client.recv(4096)
    assert body == b"hello\n", body


clients = [socket.create_connection((address, port), 30) for _ in range(count)]
for _ in range(2):
    for client in clients:
        client.sendall(REQUEST)
    for client in reversed(clients):
        answer(client)
