"""Programs for naru run, for sessions that meet on a lan.

    serve HOW       answers what it is sent, in processes and threads that wait as HOW says
    jail HOW        the same after giving up root and the root folder
    ask NAME HOW    many requests on several connections, with pauses; data is checked
    hold NAME       connects and waits; says how that ends
    push NAME       connects and sends until that fails or for 5 s nothing is taken; says how
"""

import errno
import os
import random
import select
import socket
import sys
import tempfile
import threading
import time

PORT = 9000
PROCESSES = 2
THREADS = 2
ROUNDS = 400


def wait(end, how):
    if how == "poll":
        p = select.poll()
        p.register(end, select.POLLIN)
        p.poll()
    elif how == "select":
        select.select([end], [], [])
    elif how == "epoll":
        with select.epoll() as e:
            e.register(end, select.EPOLLIN)
            e.poll()


def echo(end, how):
    with end:
        try:
            while True:
                wait(end, how)
                data = end.recv(65_536)
                if not data:
                    return
                end.sendall(data)
        except OSError:
            return


def accept(listener, how):
    while True:
        wait(listener, how)
        try:
            end, _ = listener.accept()
        except BlockingIOError:
            continue
        end.setblocking(True)
        threading.Thread(target=echo, args=(end, how), daemon=True).start()


def serve(how, jail=False):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", PORT))
    if jail:
        os.chroot(tempfile.mkdtemp())
        os.chdir("/")
        os.setgid(65_534)
        os.setuid(65_534)
    listener.listen(64)
    if how != "block":
        listener.setblocking(False)  # another process may be quicker
    for _ in range(PROCESSES - 1):
        if os.fork() == 0:
            break
    accept(listener, how)


def exchange(end, data, how):
    end.sendall(data)
    got = b""
    while len(got) < len(data):
        wait(end, how)
        piece = end.recv(65_536)
        assert piece, "the server has gone"
        got += piece
    assert got == data, "bytes were changed"


def connect(name):
    end = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection((name, PORT), 60)
        except ConnectionRefusedError:  # it does not listen yet
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def ask(name, how):
    errors = []

    def client(number):
        chance = random.Random(number)
        try:
            with connect(name) as end:
                end.settimeout(None)
                for _ in range(ROUNDS):
                    size = chance.choice((1, 64, 1000, 20_000))
                    exchange(end, chance.randbytes(size), how)
                    if chance.random() < 0.2:
                        time.sleep(chance.random() * 0.005)
        except Exception as error:
            errors.append(repr(error))

    clients = [threading.Thread(target=client, args=(n,)) for n in range(THREADS * PROCESSES)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    print(errors or "all answered")


def tell_end(act):
    try:
        act()
        print("end")
    except OSError as error:
        print(errno.errorcode[error.errno])


def connected(name):
    end = connect(name)
    end.settimeout(None)
    exchange(end, b"hello", "block")
    print("connected", flush=True)
    return end


def hold(name):
    end = connected(name)
    tell_end(lambda: end.recv(1))


def push(name):
    end = connected(name)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5000)
    errors = []

    def until_error(act):
        try:
            while act():
                pass
        except OSError as error:
            errors.append(errno.errorcode[error.errno])

    reader = threading.Thread(target=until_error, args=(lambda: end.recv(65_536),))
    reader.start()
    until_error(lambda: end.sendall(bytes(10_000)) is None)
    reader.join(10)
    # The error is told once, and a broken pipe from then on.
    print(([e for e in errors if e != "EPIPE"] or errors)[0])


def main():
    act, *arguments = sys.argv[1:]
    if act == "jail":
        serve(*arguments, jail=True)
    else:
        {"serve": serve, "ask": ask, "hold": hold, "push": push}[act](*arguments)


if __name__ == "__main__":
    main()
