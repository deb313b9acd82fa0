#!/usr/bin/env python3
"""Programs of sessions are killed at random, in the middle of traffic, also inside the stack.

NARU_KILLS says how many (50; `make nightly` has 1000). Nothing may be lost, leaked or hung:
no answer is ever wrong, the services answer again, whoever is started again gets its port
at once, and in the end there is no socket, no session and no file.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import lab
import programs

KILLS = int(os.environ.get("NARU_KILLS", 50))
EXAMPLES = lab.BUILD / "examples" / "echo"
SERVERS = {"echo_event_loop": 1060, "echo_preforked": 1061, "echo_thread_per_connection": 1062}
CLIENTS = 4
LOG = Path("killed.log")
WRONG = "not what was sent"


class Cast:
    """Servers and clients under way. Who is killed is replaced."""

    def __init__(self, m):
        self.m = m
        self.tools = {name: shutil.copy(EXAMPLES / name, m.server.bench.folder)
                      for name in (*SERVERS, "echo_client")}
        self.servers = {name: self.serve(name) for name in SERVERS}
        self.clients = [self.ask_for_ever(i) for i in range(CLIENTS)]

    def serve(self, name):
        """On the same port again, at once."""
        return self.m.server.start(self.tools[name], "-p", SERVERS[name], "-w", 16)

    def ask_for_ever(self, number):
        port = random.choice(list(SERVERS.values()))
        return self.m.client.start(self.tools["echo_client"], self.m.address, "-p", port, "-n",
                                   10_000_000, "-c", random.choice((1, 3)), "-b",
                                   random.choice((64, 3000, 100_000)),
                                   stdout=open(f"client{number}.log", "a"), stderr=subprocess.STDOUT)

    def kill_somebody(self):
        kind = random.random()
        if kind < 0.6:
            number = random.randrange(CLIENTS)
            kill(self.clients[number])
            self.clients[number] = self.ask_for_ever(number)
        elif kind < 0.8:
            name = random.choice(list(SERVERS))
            kill_family(self.servers[name])
            self.servers[name] = self.serve(name)
        else:  # the parent replaces it
            for child in children(self.servers["echo_preforked"])[:2]:
                kill_pid(child)

    def look_after(self):
        """Whoever has ended by itself had its connection reset, and nothing worse."""
        for name, server in self.servers.items():
            lab.check(server.poll() is None, f"{name} ends with {server.returncode}: "
                      + Path(f"{name}.log").read_text())
        for number, client in enumerate(self.clients):
            if client.poll() is not None:
                self.clients[number] = self.ask_for_ever(number)

    def everybody_answers(self, seconds=60):
        for name, port in SERVERS.items():
            lab.wait_for(lambda: self.is_answered(port), f"{name} answers", seconds)

    def is_answered(self, port):
        done = self.m.client.try_to_run(self.tools["echo_client"], self.m.address, "-p", port, "-n",
                                        5, "-b", 2000)
        lab.check(WRONG not in done.stderr, "an answer is wrong")
        return done.returncode == 0

    def end(self):
        for server in self.servers.values():
            kill_family(server)
        for client in self.clients:
            kill(client)
        for number in range(CLIENTS):
            lab.check(WRONG not in Path(f"client{number}.log").read_text(), "an answer was wrong")


def children(process):
    try:
        path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]
    except FileNotFoundError:
        return []


def kill(process):
    process.kill()
    process.wait()


def kill_pid(pid):
    with contextlib.suppress(ProcessLookupError):  # an earlier one has just got through
        os.kill(pid, signal.SIGKILL)


def kill_family(process):
    """A parent that stands still has no more children."""
    process.send_signal(signal.SIGSTOP)
    lab.wait_for(lambda: state(process.pid) in "TZ", "standing still", 20)
    family = children(process)
    kill(process)
    for child in family:
        kill_pid(child)
    for child in family:
        lab.wait_for(lambda: state(child) in "ZX", "death", 20)


def state(pid):
    """As proc(5) gives it; X: there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def use_of_memory(m):
    """Bytes of the sessions' files that are there, not only reserved."""
    files = Path(m.server.bench.environment["XDG_RUNTIME_DIR"]).rglob("*.session")
    return sum(f.stat().st_blocks * 512 for f in files)


def random_kills(m):
    random.seed(KILLS)
    cast = Cast(m)
    cast.everybody_answers()
    early = 0
    for number in range(KILLS):
        time.sleep(random.random() * 0.03)
        cast.kill_somebody()
        cast.look_after()
        if number % 10 == 9:
            cast.everybody_answers()
        if number == KILLS // 4:
            early = use_of_memory(m)
    cast.everybody_answers()
    late = use_of_memory(m)
    lab.check(late < 2 * early + (64 << 20), f"memory grew from {early} to {late} bytes")
    cast.end()
    lab.wait_for(lambda: all(line.split()[-2:] == ["1", "0"] for line in m.server.bench.sessions()),
                 f"no process and no socket is left: {m.server.bench.sessions()}", 30)
    inside = LOG.read_text().count("killed inside the stack") if LOG.exists() else 0
    print(f"{KILLS} kills, {inside} of them inside the stack; {late >> 20} MiB")


def nothing_is_left(bench):
    folder = Path(bench.environment["XDG_RUNTIME_DIR"])
    left = [str(f) for f in folder.rglob("*") if f.is_file()]
    lab.check(not left, f"files are left: {left}")


if __name__ == "__main__":
    programs.run(random_kills, log=LOG, after=nothing_is_left)
