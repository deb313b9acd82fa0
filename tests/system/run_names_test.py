#!/usr/bin/env python3
"""Names under naru run: what a name server says comes out of getaddrinfo and its kin."""

import json
import os
import sys

import lab
import programs

PORT = 53
# What a program is told by the C library's name functions, as JSON.
ASK = """
import ctypes, json, socket, sys
def told(f, *a, **k):
    try: return f(*a, **k)
    except OSError as error: return [type(error).__name__, error.args[0]]
name = sys.argv[1]
print(json.dumps({
    "getaddrinfo": told(socket.getaddrinfo, name, "http", type=socket.SOCK_STREAM,
                        flags=socket.AI_CANONNAME),
    "gethostbyname": told(socket.gethostbyname_ex, name),
}))"""


def ask(host, name):
    return json.loads(host.run("python3", "-c", ASK, name))


def session(bench, *flags, server="10.77.0.1"):
    return programs.Session(bench, "--dns", server, *flags)


def serve(host, *arguments):
    return host.start_python("name_server.py", PORT, *arguments)


def answers(client):
    said = ask(client, "a258.test")
    lab.check(said["getaddrinfo"] == [[2, 1, 6, "a258.test", ["10.0.1.2", 80]]], f"an address: {said}")
    lab.check(said["gethostbyname"] == ["a258.test", [], ["10.0.1.2"]], f"of old: {said}")
    said = ask(client, "none.test")
    lab.check(said["getaddrinfo"] == ["gaierror", -2], f"no such name: {said}")
    lab.check(said["gethostbyname"] == ["gaierror", -2] or said["gethostbyname"][0] == "herror",
              f"no such name, of old: {said}")
    # More than a datagram holds: the answer comes over TCP.
    said = ask(client, "hundred.test")
    lab.check(len(said["getaddrinfo"]) == 100, f"many addresses: {len(said['getaddrinfo'])}")
    # An alias, and the name of an address.
    said = ask(client, "alias.test")
    lab.check(said["getaddrinfo"][0][3:] == ["a1.test", ["10.0.0.1", 80]], f"an alias: {said}")
    lab.check(client.run("python3", "-c", "import socket; print(socket.gethostbyaddr('10.0.1.2')[0],"
                         " socket.getnameinfo(('10.0.1.2', 80), 0)[0])") == "a258.test a258.test\n",
              "the name of an address")
    # What is known here is not asked for.
    said = client.run("python3", "-c", "import socket; print(socket.gethostbyname('localhost'))")
    lab.check(said == "127.0.0.1\n", f"localhost: {said}")


def over_the_lan(bench):
    """The name server is a program of another session."""
    server = programs.Session(bench, "--name", "names", "--ip", "10.77.0.53")
    serve(server)
    client = session(bench, server="10.77.0.53")
    programs.Meeting(server, client, "names").wait_for_port(PORT)
    answers(client)
    lab.check(client.run("python3", "-c", "import socket; print(socket.gethostbyname('names'))")
              == "10.77.0.53\n", "names of the lan come first")
    many_threads(client)
    client.end()
    server.end()


def many_threads(client):
    """Sixteen threads ask at once, each for its own names."""
    said = client.run("python3", "-c", """
import socket, threading
wrong = []
def ask(first):
    for i in range(first, first + 50):
        if socket.gethostbyname(f"a{i}.test") != f"10.0.{i >> 8}.{i & 255}": wrong.append(i)
threads = [threading.Thread(target=ask, args=(50 * i,)) for i in range(16)]
[t.start() for t in threads]
[t.join() for t in threads]
print(wrong)""", seconds=120)
    lab.check(said == "[]\n", f"threads: {said}")


def nobody(bench):
    """A server that is not there costs time, and then there is an answer."""
    client = session(bench, server="10.77.0.99")
    with lab.timed("a name server that is not there", 1, 60):
        said = client.run("python3", "-c", """
import socket
try: socket.getaddrinfo("www.test", 80)
except socket.gaierror as error: print(error.args[0] == socket.EAI_AGAIN)""")
    lab.check(said == "True\n", f"no name server: {said}")
    client.end()


def over_a_tap(bench):
    """The name server is the kernel's neighbour, as resolv.conf or --dns has it."""
    lab.make_tap()
    kernel = programs.Host(bench)
    serve(kernel)
    client = session(bench, "--link", f"tap:{lab.DEVICE}", "--ip", f"{lab.NARU}/24",
                     server=lab.KERNEL)
    programs.Meeting(kernel, client, lab.KERNEL).wait_for_port(PORT)
    answers(client)
    client.end()
    kernel.end()
    lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)
    lab.sh("ip", "link", "del", lab.DEVICE)


def main():
    lab.need_preload()
    ways = [(None if os.geteuid() else programs.ordinary_user(), (over_the_lan, nobody))]
    if os.geteuid() == 0:
        ways.append((None, (over_a_tap,)))
    for uid, tests in ways:
        bench = programs.Bench(uid)
        for test in tests:
            test(bench)
            lab.wait_for(lambda: not bench.sessions(), f"{test.__name__}: the sessions end", 30)
            print(f"{test.__name__}: well", flush=True)


if __name__ == "__main__":
    sys.exit(main())
