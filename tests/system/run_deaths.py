"""A program for naru run: an echo service whose processes are killed in the middle of it.

A client that dies costs its own connections; whoever dies inside the stack may cost those
of the others, but never the session: the service answers again, and nobody hangs.
"""

import os
import random
import signal
import socket
import threading
import time

PORT = 9000
KILLS = 150
PATIENCE = 10


def serve():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen(64)

    def echo(end):
        try:
            while data := end.recv(65_536):
                end.sendall(data)
        except OSError:
            pass
        end.close()

    while True:
        threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()


def ask():
    data = os.urandom(20_000)
    with socket.create_connection(("127.0.0.1", PORT), PATIENCE) as client:
        for _ in range(20):
            client.sendall(data)
            got = b""
            while len(got) < len(data):
                piece = client.recv(65_536)
                if not piece:
                    raise ConnectionResetError
                got += piece
            assert got == data, "bytes were changed"


def ask_for_ever():
    while True:
        try:
            ask()
        except ConnectionError:
            time.sleep(0.001)


def in_child(act):
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(1)  # neither returns
    return pid


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "it had ended by itself"


def is_answered():
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            return ask() is None
        except ConnectionError:
            time.sleep(0.01)
    return False


def main():
    random.seed(1)
    server = in_child(serve)
    clients = [in_child(ask_for_ever) for _ in range(3)]
    for number in range(KILLS):
        time.sleep(random.random() * 0.02)
        if number % 10 == 0:
            kill(server)
            server = in_child(serve)
        else:
            victim = random.randrange(len(clients))
            kill(clients[victim])
            clients[victim] = in_child(ask_for_ever)
        if number % 15 == 0:
            assert is_answered(), f"no answer after {number} kills"
    for pid in clients + [server]:
        kill(pid)
    print("survived", KILLS)


if __name__ == "__main__":
    main()
