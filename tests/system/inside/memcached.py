"""ADDRESS PORT: a client of memcached: the data over TCP and UDP, from many at a time."""

import random
import socket
import struct
import sys
import threading

SERVER = (sys.argv[1], int(sys.argv[2]))
PATIENCE = 20
UDP_HEADER = struct.Struct(">HHHH")  # request, number, how many, reserved (memcached's protocol.txt)


def value_of(key):
    return random.Random(key).randbytes(random.Random(key).randrange(1, 60_000))


class Client:
    def __init__(self):
        self.socket = socket.create_connection(SERVER, PATIENCE)
        self.stream = self.socket.makefile("rwb")

    def line(self, words=None, data=None):
        if words is not None:
            self.stream.write(words.encode() + b"\r\n" + (data + b"\r\n" if data else b""))
            self.stream.flush()
        return self.stream.readline().decode().rstrip()

    def set(self, key):
        value = value_of(key)
        assert self.line(f"set {key} 0 0 {len(value)}", value) == "STORED"

    def get(self, key):
        head = self.line(f"get {key}")
        if head == "END":
            return None
        value = self.stream.read(int(head.split()[3]) + 2)[:-2]
        assert self.line() == "END"
        return value


def over_tcp(number):
    client = Client()
    keys = [f"key-{number}-{i}" for i in range(30)]
    for key in keys:
        client.set(key)
    for key in keys:
        assert client.get(key) == value_of(key), key
    assert client.line(f"delete {keys[0]}") == "DELETED" and client.get(keys[0]) is None
    assert client.line("nonsense") == "ERROR"
    client.socket.close()


def over_udp(number):
    """A value that needs many datagrams, each with its place in the answer."""
    key = f"key-{number}-1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect(SERVER)
        client.send(UDP_HEADER.pack(number, 0, 1, 0) + f"get {key}\r\n".encode())
        pieces, total = {}, 1
        while len(pieces) < total:
            data = client.recv(65_536)
            request, place, total, _ = UDP_HEADER.unpack_from(data)
            assert request == number
            pieces[place] = data[UDP_HEADER.size:]
        answer = b"".join(pieces[i] for i in range(total))
        head, _, rest = answer.partition(b"\r\n")
        assert head.split()[:2] == [b"VALUE", key.encode()], head
        assert rest == value_of(key) + b"\r\nEND\r\n"


def counter(clients):
    one = Client()
    assert one.line("set count 0 0 1", b"0") == "STORED"

    def count():
        client = Client()
        for _ in range(50):
            client.line("incr count 1")

    at_once([count] * clients)
    assert one.get("count") == str(50 * clients).encode()


def at_once(acts):
    failures = []

    def guarded(act):
        try:
            act()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=guarded, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


at_once([lambda n=n: over_tcp(n) for n in range(10)])
at_once([lambda n=n: over_udp(n) for n in range(10)])
counter(10)
print(Client().line("version"))
