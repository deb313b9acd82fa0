"""A program for naru run: an echo service whose processes are killed in the middle of it.

A client that dies costs its own connections, also when it dies inside the stack, which it
drives for everybody: of the connections of others at most the one is reset that was being
changed. The service answers again, and nobody hangs.
"""

import os
import random
import signal
import socket
import threading
import time

PORT = 9000
QUIET_PORT = 9001  # of a service that nobody kills
BYSTANDERS = 12
KILLS = 150
PATIENCE = 10


def serve(port=PORT):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
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


class Bystanders:
    """Connections between processes that live, over the stack in which others die."""

    def __init__(self):
        self.connections = [None] * BYSTANDERS
        self.resets = 0

    def connect(self):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", QUIET_PORT), PATIENCE)
            except ConnectionError:
                assert time.monotonic() < end, "the quiet service does not answer"
                time.sleep(0.01)

    def talk(self):
        """Every connection carries something; the lost ones are replaced, and counted."""
        lost = 0
        for number, connection in enumerate(self.connections):
            data = os.urandom(3000)
            try:
                if connection is None:
                    raise BrokenPipeError
                connection.sendall(data)
                got = connection.recv(len(data), socket.MSG_WAITALL)
                if len(got) < len(data):
                    raise ConnectionResetError
                assert got == data, "bytes were changed"
            except ConnectionError:
                lost += connection is not None
                self.connections[number] = self.connect()
        self.resets += lost
        return lost


def main():
    random.seed(1)
    quiet_server = in_child(lambda: serve(QUIET_PORT))
    server = in_child(serve)
    clients = [in_child(ask_for_ever) for _ in range(3)]
    bystanders = Bystanders()
    bystanders.talk()
    for number in range(KILLS):
        time.sleep(random.random() * 0.02)
        if number % 10 == 0:
            kill(server)
            server = in_child(serve)
        else:
            victim = random.randrange(len(clients))
            kill(clients[victim])
            clients[victim] = in_child(ask_for_ever)
        lost = bystanders.talk()
        assert lost <= 1, f"{lost} connections of others were lost by one death"
        if number % 15 == 0:
            assert is_answered(), f"no answer after {number} kills"
    for pid in clients + [server, quiet_server]:
        kill(pid)
    print("survived", KILLS, "kills; connections of others that were reset:", bystanders.resets)


if __name__ == "__main__":
    main()
