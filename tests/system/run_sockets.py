"""A program for naru run: sockets that cross processes, and every way to wait for them.

It is plain Python and passes on the kernel's sockets as well.
"""

import asyncio
import os
import select
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time

PATIENCE = 20  # seconds for what happens sooner


def pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server = listener.accept()[0]
    for end in (client, server):
        end.settimeout(PATIENCE)
    return client, server


def in_child(act):
    pid = os.fork()
    if pid == 0:
        act()
        os._exit(0)
    return pid


def ended_well(pid):
    assert os.waitpid(pid, 0)[1] == 0


def forked_child_answers_and_ends():
    client, server = pair()
    child = in_child(lambda: server.sendall(b"child"))
    server.close()
    assert client.recv(10) == b"child"
    assert client.recv(10) == b"", "the child's end is the connection's"
    ended_well(child)


def exec_inherits():
    client, server = pair()
    server.setblocking(True)  # as cat wants it
    cat = subprocess.Popen(["cat"], stdin=server, stdout=server)
    server.close()
    client.sendall(b"through cat")
    assert client.recv(100) == b"through cat"
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    assert cat.wait() == 0
    client, server = pair()
    words = "import socket, sys; socket.socket(fileno=int(sys.argv[1])).sendall(b'inherited')"
    child = subprocess.Popen([sys.executable, "-c", words, str(server.fileno())],
                             pass_fds=[server.fileno()])
    server.close()
    assert client.recv(100) == b"inherited" and child.wait() == 0


def message_carries_a_socket():
    client, server = pair()
    left, right = socket.socketpair()
    socket.send_fds(left, [b"m"], [server.fileno()])
    server.close()
    fds = socket.recv_fds(right, 10, 4)[1]
    with socket.socket(fileno=fds[0]) as passed:
        passed.sendall(b"passed")
    assert client.recv(10) == b"passed" and client.recv(10) == b""


def duplicates():
    client, server = pair()
    copy = server.dup()
    server.close()
    copy.sendall(b"dup")
    assert client.recv(10) == b"dup"
    os.dup2(copy.fileno(), 200)
    copy.close()
    with socket.socket(fileno=200) as other:
        other.sendall(b"dup2")
    assert client.recv(10) == b"dup2" and client.recv(10) == b""


def signals_interrupt():
    client, server = pair()
    client.settimeout(None)

    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        client.recv(1)
        raise AssertionError("nothing was sent")
    except Alarm:
        server.close()


def later(act, seconds=0.05):
    thread = threading.Timer(seconds, act)
    thread.start()
    return thread


def waits_for_both_kinds():
    client, server = pair()
    read, write = os.pipe()
    epoll = select.epoll()
    epoll.register(client, select.EPOLLIN)
    epoll.register(read, select.EPOLLIN)
    outer = select.epoll()
    outer.register(epoll.fileno(), select.EPOLLIN)
    poll = select.poll()
    for fd in (client.fileno(), read):
        poll.register(fd, select.POLLIN)
    ways = {
        "select": lambda t: select.select([client, read], [], [], t)[0],
        "poll": lambda t: [fd for fd, _ in poll.poll(t * 1000)],
        "epoll": lambda t: [fd for fd, _ in epoll.poll(t)],
        "epoll in epoll": lambda t: outer.poll(t) and [fd for fd, _ in epoll.poll(0)],
        "epoll in select": lambda t: select.select([epoll], [], [], t)[0]
        and [fd for fd, _ in epoll.poll(0)],
    }
    for name, wait in ways.items():
        for fd, wake, take in ((client.fileno(), lambda: server.send(b"x"), lambda: client.recv(1)),
                               (read, lambda: os.write(write, b"x"), lambda: os.read(read, 1))):
            epoll.poll(0)
            assert not wait(0.01), name
            timer = later(wake)
            ready = [f if isinstance(f, int) else f.fileno() for f in wait(PATIENCE)]
            timer.join()
            assert ready == [fd], f"{name}: {ready}"
            take()


def refused():
    try:
        socket.create_connection(("127.0.0.1", 9))
        raise AssertionError("nobody listens")
    except ConnectionRefusedError:
        pass
    tried = socket.socket()
    tried.setblocking(False)
    tried.connect_ex(("127.0.0.1", 9))
    assert select.select([], [tried], [], PATIENCE)[1]
    assert tried.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 111


def timeout_of_receive():
    client, _server = pair()
    client.settimeout(None)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100_000))
    start = time.monotonic()
    try:
        client.recv(1)
        raise AssertionError("nothing was sent")
    except BlockingIOError:
        assert time.monotonic() - start >= 0.09


def datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
        to.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"one", to.getsockname())
            sender.connect(to.getsockname())
            sender.send(b"two")
            data, source = to.recvfrom(10)
            assert data == b"one" and source == sender.getsockname()
            assert to.recv(10) == b"two"


def bulk():
    client, server = pair()
    data = os.urandom(5_000_000)
    thread = threading.Thread(target=lambda: (client.sendall(data), client.close()))
    thread.start()
    got = b"".join(iter(lambda: server.recv(65_536), b""))
    thread.join()
    assert got == data


class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


def forking_and_threading_servers():
    for kind in (socketserver.ForkingTCPServer, socketserver.ThreadingTCPServer):
        with kind(("127.0.0.1", 0), Upper) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            clients = [socket.create_connection(server.server_address, PATIENCE) for _ in range(20)]
            for number, client in enumerate(clients):
                client.sendall(b"line %d\n" % number)
            for number, client in enumerate(clients):
                assert client.recv(100) == b"LINE %d\n" % number
                client.shutdown(socket.SHUT_WR)
                assert client.recv(1) == b""
            server.shutdown()


def preforked_workers():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            for _ in range(25):
                end = listener.accept()[0]
                end.sendall(b"%d" % os.getpid())
                end.close()
        workers = [in_child(serve) for _ in range(4)]
        for _ in range(100):
            with socket.create_connection(listener.getsockname(), PATIENCE) as client:
                assert int(client.recv(100)) in workers
        for worker in workers:
            ended_well(worker)


def asyncio_echo():
    async def echo(reader, writer):
        while data := await reader.read(10_000):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def ask(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 100_000)
        writer.write_eof()
        assert len(await reader.read()) == 100_000
        writer.close()

    async def run():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(ask(port) for _ in range(30)))
        server.close()

    asyncio.run(run())


def last_words_are_delivered():
    """A program that ends at once after close: what it has sent arrives."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = ("import socket, sys; "
                 "socket.create_connection(('127.0.0.1', int(sys.argv[1]))).sendall(b'y' * 2_000_000)")
        child = subprocess.Popen([sys.executable, "-c", words, str(listener.getsockname()[1])])
        end = listener.accept()[0]
        end.settimeout(PATIENCE)
        time.sleep(0.2)
        assert sum(len(x) for x in iter(lambda: end.recv(65_536), b"")) == 2_000_000
        assert child.wait() == 0


def main():
    for test in (forked_child_answers_and_ends, exec_inherits, message_carries_a_socket, duplicates,
                 signals_interrupt, waits_for_both_kinds, refused, timeout_of_receive, datagrams,
                 bulk, forking_and_threading_servers, preforked_workers, asyncio_echo,
                 last_words_are_delivered):
        test()
        print("ok", test.__name__, flush=True)


if __name__ == "__main__":
    main()
