"""PORT: a name server (RFC 1035) of one zone, over UDP and TCP.

    a<N>.test      A      10.0.x.y, of N
    <x>.<y>.0.10.in-addr.arpa  PTR  its name
    alias.test     CNAME  a1.test, with its address
    hundred.test   A      a hundred addresses
    many.test      TXT    more than a datagram may hold: over UDP the answer is truncated
    silent.test    never answered
"""

import selectors
import socket
import struct
import sys

PORT = int(sys.argv[1])
A, CNAME, PTR, TXT, IN = 1, 5, 12, 16, 1
TRUNCATED, NO_SUCH_NAME = 0x0200, 3
UDP_LIMIT = 512  # RFC 1035 2.3.4


def question(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind, = struct.unpack_from(">H", query, at + 1)
    return ".".join(labels), kind, query[12:at + 5]


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(kind, data, owner=b"\xc0\x0c"):
    return owner + struct.pack(">HHIH", kind, IN, 60, len(data)) + data


def records(name, kind):
    """None: there is no such name."""
    if name == "many.test":
        return [record(TXT, b"\xc8" + b"%03d" % i + b"x" * 197) for i in range(60)]
    if name == "hundred.test":
        return [record(A, bytes([10, 0, 9, i])) for i in range(100)] if kind == A else []
    if name == "alias.test":
        target = encoded("a1.test")
        return [record(CNAME, target), *([record(A, b"\x0a\0\0\1", target)] if kind == A else [])]
    if name.endswith(".0.10.in-addr.arpa"):
        low, high = map(int, name.split(".")[:2])
        return [record(PTR, encoded(f"a{high << 8 | low}.test"))] if kind == PTR else []
    if name.startswith("a") and name.endswith(".test") and name[1:-5].isdigit():
        number = int(name[1:-5])
        return [record(A, bytes([10, 0, number >> 8, number & 255]))] if kind == A else []
    return None


def answer(query, limit):
    name, kind, asked = question(query)
    if name == "silent.test":
        return None
    found = records(name, kind)
    flags = 0x8580 | (NO_SUCH_NAME if found is None else 0)
    body = b"".join(found or [])
    if 12 + len(asked) + len(body) > limit:
        flags, found, body = flags | TRUNCATED, [], b""
    return query[:2] + struct.pack(">HHHHH", flags, 1, len(found or []), 0, 0) + asked + body


def exactly(end, count):
    data = b""
    while len(data) < count:
        piece = end.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data


def serve_stream(end):
    end.settimeout(20)
    with end:
        while length := exactly(end, 2):
            reply = answer(exactly(end, struct.unpack(">H", length)[0]), 65_535)
            if reply is not None:
                end.sendall(struct.pack(">H", len(reply)) + reply)


def serve_datagram(end):
    query, source = end.recvfrom(4096)
    reply = answer(query, UDP_LIMIT)
    if reply is not None:
        end.sendto(reply, source)


streams = socket.create_server(("0.0.0.0", PORT))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("0.0.0.0", PORT))
ready = selectors.DefaultSelector()
ready.register(streams, selectors.EVENT_READ)
ready.register(datagrams, selectors.EVENT_READ)
while True:
    for key, _ in ready.select():
        if key.fileobj is streams:
            serve_stream(streams.accept()[0])
        else:
            serve_datagram(datagrams)
