#!/usr/bin/env python3
"""From outside into a session: published ports; and what can be seen of a session."""

import hashlib
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import lab
import programs

PAGE_BYTES = 5_000_000
SERVED = 8000


class Outside:
    """The kernel's network of this test, and the programs on naru that it reaches."""

    def __init__(self, bench):
        self.host = programs.Host(bench)
        self.naru = bench.naru

    def start_site(self, name, *flags):
        return self.host.start(self.naru, "run", "--name", name, *flags, "--",
                               "python3", "-m", "http.server", SERVED, stdout=subprocess.DEVNULL)

    def fetch(self, port, path="page"):
        return self.host.run("curl", "-sSf", "--retry", 30, "--retry-delay", 1,
                             "--retry-all-errors", "-m", 60, "-o", "got",
                             f"http://127.0.0.1:{port}/{path}", seconds=120)

    def error_of(self, *flags):
        done = self.host.try_to_run(self.naru, "run", *flags, "--", "true")
        lab.check(done.returncode == 1 and done.stderr.count("\n") == 1, f"{done}")
        return done.stderr


def sha256(name):
    return hashlib.sha256(Path(name).read_bytes()).hexdigest()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def knock(port):
    """What becomes of a connection. A reset may be seen by connect(2) or by what follows."""
    try:
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            return "answered" if connection.recv(1) else "closed"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "reset"


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # let in, and sent away before connect(2) returned
        pass
    return True


def pages_come_through(outside):
    port, second = free_port(), free_port()
    site = outside.start_site("site", "-p", f"{port}:{SERVED}", "-p", f"127.0.0.1:{second}:{SERVED}")
    for published in (port, second):
        outside.fetch(published)
        lab.check(sha256("got") == sha256("page"), "another page came")
    urls = [f"http://127.0.0.1:{port}/page" for _ in range(40)]
    many = outside.host.run("curl", "-sSf", "--parallel", "--parallel-max", 20, "-m", 60, "-w",
                            "%{size_download}\n", *(w for u in urls for w in ("-o", "/dev/null", u)))
    lab.check(many.split() == [str(PAGE_BYTES)] * len(urls), f"40 at a time: {many.split()}")
    # Nothing listens there in the session: who comes in is sent away.
    closed = free_port()
    empty = outside.start_site("empty", "-p", f"{closed}:9")
    lab.wait_for(lambda: is_open(closed), "the second port is published")
    became = knock(closed)
    lab.check(became == "reset", f"a connection to a port without a server: {became}")
    for process in (empty, site):
        process.terminate()
        process.wait(20)
    lab.wait_for(lambda: not is_open(port), "the port goes with its session", 30)


def errors_are_named(outside):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = outside.error_of("-p", f"{port}:80")
        lab.check(said == f"naru: 127.0.0.1:{port}/tcp: Address already in use\n", said)
    lab.check("-p 80" in outside.error_of("-p", "80"), "half a port")
    lab.check("lan" in outside.error_of("--net", "none", "-p", "8080:80"), "without a lan")
    lab.check("/nowhere/file" in outside.error_of("--capture", "/nowhere/file"), "no folder")


def frames_and_steps_are_seen(outside):
    port = free_port()
    site = outside.start_site("site", "-p", f"{port}:{SERVED}", "--capture", "site.pcapng")
    outside.fetch(port, "small")
    done = outside.host.try_to_run(outside.naru, "run", "--journey", "--", "curl", "-sSf", "-m", 30,
                                   "-o", "got", f"http://site:{SERVED}/small")
    lab.check(done.returncode == 0, f"{done}")
    for words in ("connect to 10.77.0.", r"segment SYN, seq 0", "ESTABLISHED", "frame of",
                  "from the receive buffer", "close"):
        lab.check(re.search(words, done.stderr), f"the journey lacks {words!r}: {done.stderr}")
    site.terminate()
    site.wait(20)
    if shutil.which("tshark") is None:
        return
    seen = outside.host.run("tshark", "-r", "site.pcapng", "-Y", "http.request", "-T", "fields",
                            "-e", "ip.src", "-e", "http.request.uri").split("\n")
    lab.check(seen[0] == "10.77.0.1\t/small" and re.fullmatch(r"10\.77\.0\.\d+\t/small", seen[1]),
              f"requests in the capture: {seen}")
    bad = outside.host.run("tshark", "-r", "site.pcapng", "-o", "tcp.check_checksum:TRUE", "-Y",
                           '_ws.malformed || tcp.checksum.status == "Bad"')
    lab.check(bad == "", f"bad frames in the capture: {bad}")


def main():
    lab.need_preload()
    lab.need("curl", "python3")
    lab.sh("ip", "link", "set", "lo", "up")
    bench = programs.Bench(200_000 + os.getpid() % 100_000 if os.geteuid() == 0 else None)
    for name, size in (("page", PAGE_BYTES), ("small", 1000)):
        Path(name).write_bytes(os.urandom(size))
        Path(name).chmod(0o644)
    outside = Outside(bench)
    for test in (pages_come_through, errors_are_named, frames_and_steps_are_seen):
        test(outside)
    outside.host.end()
    lab.wait_for(lambda: not bench.sessions(), "every session ends", 30)


if __name__ == "__main__":
    main()
