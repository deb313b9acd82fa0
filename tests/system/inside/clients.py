"""KIND ADDRESS PORT: many clients of servers.py at a time; each checks what it gets."""

import asyncio
import socket
import sys

kind, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
CLIENTS = 30
LINES = [b"line %d " % i + b"x" * (i * 1000) + b"\n" for i in range(40)] + [b"y" * 1_000_000 + b"\n"]


async def ask():
    reader, writer = await asyncio.open_connection(address, port, limit=4 << 20)
    for line in LINES:
        writer.write(line)
        assert await reader.readline() == line.upper()
    writer.write(b"".join(LINES[:10]))  # all at once, and the end
    writer.write_eof()
    assert await reader.read() == b"".join(LINES[:10]).upper()
    writer.close()
    await writer.wait_closed()


async def ask_all():
    await asyncio.gather(*(asyncio.wait_for(ask(), 60) for _ in range(CLIENTS)))


def ask_by_datagrams():
    ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(CLIENTS)]
    for end in ends:
        end.settimeout(20)
        end.connect((address, port))
    for size in (0, 1, 100, 1472, 8000):
        group = max(1, min(CLIENTS, 20_000 // (size + 1)))  # no more than a receive buffer holds
        for first in range(0, CLIENTS, group):
            some = range(first, min(first + group, CLIENTS))
            for number in some:
                ends[number].send(b"d%d " % number + b"z" * size)
            for number in some:
                assert ends[number].recv(65_536) == b"D%d " % number + b"Z" * size


if kind == "udp":
    ask_by_datagrams()
else:
    asyncio.run(ask_all())
print("all is well")
