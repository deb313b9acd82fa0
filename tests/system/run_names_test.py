#!/usr/bin/env python3
"""Names under naru run: what a name server says comes out of getaddrinfo and its kin."""

import json
import os
import subprocess
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


# checks: DNS-029
FLAGS = """
import json
from socket import *
def told(name, family, flags):
    try: return [a[4][0] for a in getaddrinfo(name, 80, family, SOCK_STREAM, 0, flags)]
    except gaierror as error: return error.args[0]
print(json.dumps([told(*question) for question in (
    ("a1.test", AF_INET, 0), ("a1.test", AF_INET6, AI_V4MAPPED), ("a1.test", AF_INET6, 0),
    ("a1.test", AF_INET6, AI_V4MAPPED | AI_ALL), ("a1.test", AF_INET, AI_NUMERICHOST),
    ("a1.test", AF_UNSPEC, AI_ADDRCONFIG), ("none.test", AF_INET6, AI_V4MAPPED),
    ("a1.test.", AF_INET, 0), ("www.invalid", AF_INET, 0), ("no host.test", AF_INET, 0))]))"""


def flags(client):
    """What getaddrinfo's flags make of the names that a server knows."""
    said = json.loads(client.run("python3", "-c", FLAGS))
    mapped, here = ["::ffff:10.0.0.1"], ["10.0.0.1"]
    no_data, no_name = -5, -2
    lab.check(said == [here, mapped, no_data, mapped, no_name, here, no_name, here, no_name, no_name],
              f"flags: {said}")


def localhost(client):
    """Of both families and without a server, also where the hosts file has IPv4 alone."""
    said = client.run("python3", "-c", """
from socket import *
def told(name, family): return [a[4][0] for a in getaddrinfo(name, 80, family, SOCK_STREAM)]
print(told("localhost", AF_INET6), told("www.localhost", AF_INET), gethostbyname("a.localhost"),
      "127.0.0.1" in told("localhost", AF_UNSPEC))""")
    lab.check(said == "['::1'] ['127.0.0.1'] 127.0.0.1 True\n", f"localhost: {said}")


# Asks twice, and waits in between for a line; a child asks once more.
TWICE = """
import os, socket
def told(name):
    try: return socket.getaddrinfo(name, 80)[0][4][0]
    except socket.gaierror as error: return error.args[0] == socket.EAI_NONAME
print(told("a513.test"), told("none.test"), flush=True)
input()
print(told("a513.test"), told("none.test"), told("A513.TEST"), flush=True)
if os.fork() == 0: print("child:", told("a513.test"), flush=True)
else: os.wait()"""


def remembered(client, server_process):
    """What a process has been told it knows when the server is gone."""
    asking = client.start("python3", "-c", TWICE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lab.check(asking.stdout.readline() == "10.0.2.1 True\n", "the first answers")
    server_process.kill()
    server_process.wait()
    said = asking.communicate("\n", timeout=60)[0]
    # That there is no such name is not remembered: the server sends no SOA (RFC 2308 5).
    lab.check(said == "10.0.2.1 False 10.0.2.1\nchild: 10.0.2.1\n", f"remembered: {said}")


def over_the_lan(bench):
    """The name server is a program of another session."""
    server = programs.Session(bench, "--name", "names", "--ip", "10.77.0.53")
    serving = serve(server)
    localhost(server)
    client = session(bench, server="10.77.0.53")
    programs.Meeting(server, client, "names").wait_for_port(PORT)
    answers(client)
    flags(client)
    lab.check(client.run("python3", "-c", "import socket; print(socket.gethostbyname('names'))")
              == "10.77.0.53\n", "names of the lan come first")
    many_threads(client)
    localhost(client)
    remembered(client, serving)
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
