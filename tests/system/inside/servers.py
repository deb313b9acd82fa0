"""KIND PORT: one of Python's servers; each answers a line with the line in capitals."""

import asyncio
import socketserver
import sys

kind, port = sys.argv[1], int(sys.argv[2])
LIMIT = 4 << 20


class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


class UpperDatagram(socketserver.BaseRequestHandler):
    def handle(self):
        data, end = self.request
        end.sendto(data.upper(), self.client_address)


async def upper(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def serve_async():
    server = await asyncio.start_server(upper, "0.0.0.0", port, limit=LIMIT)
    await server.serve_forever()


def main():
    if kind == "asyncio":
        asyncio.run(serve_async())
    server, handler = {
        "forking": (socketserver.ForkingTCPServer, Upper),
        "threading": (socketserver.ThreadingTCPServer, Upper),
        "udp": (socketserver.ThreadingUDPServer, UpperDatagram),
    }[kind]
    server.allow_reuse_address = True
    server.request_queue_size = 64
    server(("0.0.0.0", port), handler).serve_forever()


main()
