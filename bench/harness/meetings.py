"""Where the programs of a measurement run, and how client and server meet."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import programs


def cpu_ns(pid):
    """CPU time of a process and of its children that live."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((task / "schedstat").read_text().split()[0])
            for child in (task / "children").read_text().split():
                total += cpu_ns(int(child))
    return total


class Host:
    """Starts programs somewhere; `prefix` says where."""

    def __init__(self, address, prefix=lambda command: command):
        self.address = address
        self.prefix = prefix

    def start(self, command, **options):
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        try:
            return subprocess.Popen(self.prefix([str(c) for c in command]),
                                    stdin=subprocess.DEVNULL, text=True, **options)
        except FileNotFoundError as error:
            raise programs.Unavailable(f"{error.filename} is not there") from None

    def run(self, command, timeout=120):
        """What it said, and its CPU time in ns."""
        process = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise programs.Unavailable(f"{command[0]} did not end in {timeout} s") from None
        if process.returncode != 0:
            raise programs.Unavailable(f"{command[0]}: {programs.last_line(err or out)}")
        return out

    def wait_for_port(self, port):
        probe = f"import socket; socket.create_connection(('{self.address}', {port}), 1)"
        for _ in range(100):
            if self.start([sys.executable, "-c", probe]).wait(30) == 0:
                return
            time.sleep(0.1)
        raise programs.Unavailable(f"nothing answers at {self.address}:{port}")


class Session:
    """A session of naru run, held open by a shell that waits; ended with the block."""

    def __init__(self, naru, runtime, *flags, prefix=lambda command: command):
        environment = {**os.environ, "XDG_RUNTIME_DIR": runtime}
        self.prefix = prefix
        self.holder = subprocess.Popen(
            prefix([naru, "run", *flags, "--", "sh", "-c",
                    'echo "$NARU_SESSION"; echo "$LD_PRELOAD"; exec cat']),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment)
        file, library = (self.holder.stdout.readline().strip() for _ in range(2))
        if not library:
            raise programs.Unavailable(programs.last_line(self.holder.stderr.read()))
        self.variables = [f"NARU_SESSION={file}", f"LD_PRELOAD={library}"]

    def host(self, address):
        # Not in our environment: what the prefix starts first is no program of the session.
        return Host(address, lambda command: self.prefix(["env", *self.variables, *command]))

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(10)


class Meeting:
    """`server` and `client` are Hosts; the client's address is where it finds the server."""

    def __init__(self, server, client, keepers=()):
        self.server = server
        self.client = client
        self.keepers = keepers


def _network(places):
    if places.network is None:
        raise programs.Unavailable("no network namespaces can be made here")
    return places.network


@contextlib.contextmanager
def kernel(places):
    """Both on the loopback of a namespace of our own: nobody else's rules and defaults."""
    network = _network(places)
    host = Host("127.0.0.1", lambda command: network.inside(network.client, command))
    yield Meeting(host, host)


@contextlib.contextmanager
def veth(places):
    """The kernel's TCP at both ends of a veth pair, each in a namespace of its own."""
    network = _network(places)
    yield Meeting(Host(network.SERVER, lambda command: network.inside(network.server, command)),
                  Host(network.SERVER, lambda command: network.inside(network.client, command)))


@contextlib.contextmanager
def tap(places):
    """A session of naru run on a tap device; the client is the kernel's."""
    network = _network(places)
    flags = network.session_flags()
    inside = lambda command: network.inside(network.client, command)
    with _sessions(places, flags, prefix=inside) as (sessions, keepers):
        yield Meeting(sessions[0].host(network.TAP_NARU), Host(network.TAP_NARU, inside), keepers)


@contextlib.contextmanager
def _sessions(places, *flags_of_each, prefix=lambda command: command):
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="naru-bench-", dir=memory) as runtime, \
            contextlib.ExitStack() as stack:
        naru = places.program("naru")
        sessions = []
        for flags in flags_of_each:
            sessions.append(Session(naru, runtime, *flags, prefix=prefix))
            stack.callback(sessions[-1].close)
        said = subprocess.run([naru, "ps"], env={**os.environ, "XDG_RUNTIME_DIR": runtime},
                              capture_output=True, text=True, check=True).stdout
        keepers = [int(line.split()[-3]) for line in said.splitlines()[1:]]
        yield sessions, keepers
        stack.close()
        _wait_for_end(keepers)


def _wait_for_end(keepers):
    """The keepers remove their files, which the folder must not lose before."""
    for _ in range(200):
        if not any(Path(f"/proc/{k}").exists() for k in keepers):
            return
        time.sleep(0.1)


@contextlib.contextmanager
def session(places):
    """Both in one session of naru run, over its loopback."""
    with _sessions(places, ()) as (sessions, keepers):
        host = sessions[0].host("127.0.0.1")
        yield Meeting(host, host, keepers)


@contextlib.contextmanager
def lan(places):
    """A session for each, over the lan."""
    said = subprocess.run([places.program("naru"), "run", "--help"], capture_output=True,
                          text=True, check=True).stdout
    if not re.search(r"--net\b", said):
        raise programs.Unavailable("this naru run knows no lan")
    with _sessions(places, ("--name", "server"), ("--name", "client")) as (sessions, keepers):
        yield Meeting(sessions[0].host("server"), sessions[1].host("server"), keepers)
