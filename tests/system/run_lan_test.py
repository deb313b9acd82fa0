#!/usr/bin/env python3
"""Sessions on a lan: they meet by name, take each other's frames, die and leave nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import lab

HERE = Path(__file__).resolve().parent
PEERS = HERE / "run_lan_peers.py"
PAGE_BYTES = 3_000_000
CLOCK_TICK = 1 / os.sysconf("SC_CLK_TCK")


def naru(*arguments, seconds=60):
    return lab.run(lab.PROGRAM, *arguments, timeout=seconds, stdin=subprocess.DEVNULL)


def say(*arguments, seconds=60):
    """What a program says in a session of its own. It ends in time, and well."""
    done = naru("run", *arguments, seconds=seconds)
    lab.check(done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def rows(*command):
    return [line.split() for line in lab.sh(lab.PROGRAM, *command).splitlines()[1:]]


def row(name):
    # While it is being made it has no numbers.
    return next((r for r in rows("ps") if r[0] == name and r[3].isdigit()), None)


def members():
    return {r[1]: r[2] for r in rows("lan", "ls") if r[1] != "(no"}


def context_switches(pid):
    words = Path(f"/proc/{pid}/status").read_text().split()
    return sum(int(words[words.index(f"{kind}_ctxt_switches:") + 1])
               for kind in ("voluntary", "nonvoluntary"))


class Session:
    """A program that runs in a session until the end of the block."""

    def __init__(self, name, *command, options=()):
        self.name = name
        self.process = subprocess.Popen(
            [lab.PROGRAM, "run", "--name", name, *options, "--", *map(str, command)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        lab.wait_for(lambda: (row(name) or [""] * 6)[5] not in ("", "0"), f"{name} has a socket")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)
        lab.wait_for(lambda: row(self.name) is None and self.name not in members(),
                     f"{self.name} leaves nothing", 20)

    def keeper(self):
        return int(row(self.name)[3])

    def end(self, number):
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.process.wait()


def web(name="web"):
    return Session(name, sys.executable, "-m", "http.server", "8000")


def fetch(url, *options):
    # A socket need not listen yet.
    curl = "curl -sf --max-time 30 --retry 10 --retry-delay 1 --retry-connrefused"
    return say(*options, "--", "sh", "-c", f"{curl} {url} | cmp - page && echo same")


def meet_by_name():
    with web():
        address = members()["web"]
        for host in ("web", "web.lan", "WEB.LAN", address):
            lab.check(fetch(f"http://{host}:8000/page") == "same\n", f"a page from {host}")
        lab.check(row("web")[1:3] == ["lan0", address], "naru ps shows lan and address")
        done = naru("run", "--net", "none", "--", "curl", "-s", f"http://{address}:8000/")
        lab.check(done.returncode == 7, "without a lan nobody is reached")
        done = naru("run", "--net", "lan1", "--", "curl", "-s", "--max-time", "20", "http://web:8000/")
        lab.check(done.returncode == 6, "names of another lan are not known")


def names_and_addresses():
    with web():
        cases = {
            ("--name", "web"): "the name web is taken",
            ("--ip", members()["web"]): "belongs to web",
            ("--ip", "10.99.0.1"): "no address of a host",
            ("--ip", "10.77.0.300"): "is not an IPv4 address",
            ("--name", "Big"): "small letters",
            ("--net", "Big"): "small letters",
        }
        for options, words in cases.items():
            done = naru("run", *options, "--", "true")
            lab.check(done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1,
                      f"{options}: {done.stderr!r}")
        lab.wait_for(lambda: list(members()) == ["web"] and len(rows("ps")) == 1,
                     "nothing is left behind")
        seen = say("--", "sh", "-c", f"{lab.PROGRAM} run -- sh -c '{lab.PROGRAM} lan ls'")
        names = {line.split()[1] for line in seen.splitlines()[1:]}
        lab.check({"web", "sh", "sh-2"} == names, f"names made from the program's: {names}")
        wanted = say("--ip", "10.77.0.200", "--", lab.PROGRAM, "lan", "ls")
        lab.check("10.77.0.200" in wanted, "a chosen address")


def full_lan():
    sleepers = [lab.start(lab.PROGRAM, "run", "--net", "full", "--", "sleep", "60",
                          stdin=subprocess.DEVNULL) for _ in range(64)]
    try:
        lab.wait_for(lambda: len(rows("lan", "ls", "full")) == 64, "64 members", 60)
        done = naru("run", "--net", "full", "--", "true")
        lab.check(done.returncode == 1 and "it is full" in done.stderr, f"full: {done.stderr!r}")
    finally:
        for process in sleepers:
            process.kill()
            process.wait()
    lab.wait_for(lambda: "full" not in lab.sh(lab.PROGRAM, "lan", "ls"), "the full lan goes")


def peers(how):
    """Two sessions of several threads and processes each that wait in one way."""
    with Session("echo", sys.executable, PEERS, "serve", how):
        answer = say("--", sys.executable, PEERS, "ask", "echo", how, seconds=120)
        lab.check(answer == "all answered\n", f"{how}: {answer!r}")


def idle_costs_nothing():
    def cpu(pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * CLOCK_TICK

    with Session("echo", sys.executable, PEERS, "serve", "block") as echo:
        say("--", sys.executable, PEERS, "ask", "echo", "block")
        time.sleep(1)
        pids = [echo.keeper(), echo.process.pid]
        switches = [context_switches(pid) for pid in pids]
        before = [cpu(pid) for pid in pids]
        time.sleep(3)
        lab.check(sum(cpu(pid) for pid in pids) - sum(before) <= CLOCK_TICK, "idle sessions work")
        woken = sum(context_switches(p) - s for p, s in zip(pids, switches))
        # Who ticks does so 1500 times; a neighbour that is forgotten is a timer.
        lab.check(woken <= 15, f"an idle session woke up {woken} times")


def stopped_member():
    """Who is stopped keeps nobody else from working, and goes on afterwards."""
    with Session("still", sys.executable, PEERS, "serve", "block") as still, \
            Session("echo", sys.executable, PEERS, "serve", "epoll"):
        os.killpg(still.process.pid, signal.SIGSTOP)
        os.kill(still.keeper(), signal.SIGSTOP)
        asker = lab.start(lab.PROGRAM, "run", "--name", "asker", "--", sys.executable, PEERS, "ask",
                          "still", "block", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        answer = say("--", sys.executable, PEERS, "ask", "echo", "epoll", seconds=120)
        lab.check(answer == "all answered\n", "others go on")
        lab.check(asker.poll() is None, "the stopped one answers nobody")
        os.killpg(still.process.pid, signal.SIGCONT)
        os.kill(still.keeper(), signal.SIGCONT)
        lab.check(asker.communicate(timeout=100)[0] == "all answered\n", "it goes on")


def stopped_lookout():
    """Frames call one process of a session; where that is stopped, the keeper comes."""
    with Session("echo", sys.executable, PEERS, "serve", "poll") as echo:
        say("--", sys.executable, PEERS, "ask", "echo", "poll")
        for pid in map(int, lab.sh("pgrep", "-g", echo.process.pid).split()):
            os.kill(pid, signal.SIGSTOP)
            answer = say("--", sys.executable, PEERS, "ask", "echo", "poll", seconds=120)
            lab.check(answer == "all answered\n", f"one process is stopped: {answer!r}")
            os.kill(pid, signal.SIGCONT)


def killed_program():
    """The keeper is left: the peer hears at once."""
    with Session("echo", sys.executable, PEERS, "serve", "block") as echo:
        asker = lab.start(lab.PROGRAM, "run", "--", sys.executable, PEERS, "hold", "echo",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        lab.check(asker.stdout.readline() == "connected\n", "a connection")
        start = time.monotonic()
        echo.end(signal.SIGKILL)
        words = asker.communicate(timeout=60)[0]
        lab.check(words in ("end\n", "ECONNRESET\n"), f"a killed program: {words!r}")
        lab.check(time.monotonic() - start < 10, "the peer hears in time")


def killed_session():
    """Program and keeper: a pulled cable. The seat and the name are free again."""
    with Session("echo", sys.executable, PEERS, "serve", "block") as echo:
        asker = lab.start(lab.PROGRAM, "run", "--", sys.executable, PEERS, "push", "echo",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        lab.check(asker.stdout.readline() == "connected\n", "a connection")
        keeper = echo.keeper()
        os.kill(keeper, signal.SIGKILL)
        echo.end(signal.SIGKILL)
        words = asker.communicate(timeout=60)[0]
        lab.check(words in ("EHOSTUNREACH\n", "ETIMEDOUT\n", "EPIPE\n"), f"a lost peer: {words!r}")
        with web("echo"):
            lab.check(fetch("http://echo:8000/page") == "same\n", "a follower of the same name")


def taken_down():
    with Session("echo", sys.executable, PEERS, "serve", "block"):
        asker = lab.start(lab.PROGRAM, "run", "--", sys.executable, PEERS, "push", "echo",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        lab.check(asker.stdout.readline() == "connected\n", "a connection")
        lab.sh(lab.PROGRAM, "lan", "down", "lan0")
        with web():
            lab.check(fetch("http://web:8000/page") == "same\n", "a new lan of the same name")
        words = asker.communicate(timeout=60)[0]
        lab.check(words in ("ENETUNREACH\n", "ETIMEDOUT\n", "EPIPE\n"), f"a pulled cable: {words!r}")


def corrupted():
    """Random bytes all over the file: frames are lost, nobody crashes."""
    with Session("echo", sys.executable, PEERS, "serve", "poll") as echo:
        asker = lab.start(lab.PROGRAM, "run", "--name", "asker", "--", sys.executable, PEERS, "push",
                          "echo", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        lab.check(asker.stdout.readline() == "connected\n", "a connection")
        keepers = [echo.keeper(), int(row("asker")[3])]
        path = Path(os.environ["XDG_RUNTIME_DIR"]) / "naru/lan0.lan"
        with open(path, "r+b", buffering=0) as file:
            for number in range(2000):
                where = int.from_bytes(os.urandom(4), "little") % (1 << (21 if number % 2 else 19))
                os.pwrite(file.fileno(), os.urandom(64), where)
        time.sleep(1)
        lab.check(echo.process.poll() is None, "the server lives")
        lab.check(asker.poll() in (None, 0), f"the client ended with {asker.poll()}")
        lab.check(all(Path(f"/proc/{k}").exists() for k in keepers), "the keepers live")
        asker.kill()
        asker.wait()
        # Its header may make no sense any more, so that nobody can list it.
        lab.run(lab.PROGRAM, "lan", "down", "lan0")
    with web():
        lab.check(fetch("http://web:8000/page") == "same\n", "a new lan after it")


def other_user_and_root():
    """A server that gives up root and its root folder, and forks then."""
    if os.geteuid() != 0:
        return
    with Session("jail", sys.executable, PEERS, "jail", "block"):
        answer = say("--", sys.executable, PEERS, "ask", "jail", "block", seconds=120)
        lab.check(answer == "all answered\n", f"a server in a jail: {answer!r}")


def main():
    lab.need_preload()
    lab.need("curl")
    os.environ["XDG_RUNTIME_DIR"] = str(lab.work_folder())
    Path("page").write_bytes(os.urandom(PAGE_BYTES))
    for test in (meet_by_name, names_and_addresses, idle_costs_nothing, stopped_member, stopped_lookout,
                 killed_program, killed_session, taken_down, corrupted, other_user_and_root,
                 full_lan):
        test()
    for how in ("block", "poll", "epoll", "select"):
        peers(how)
    lab.wait_for(lambda: not rows("ps") and not rows("lan", "ls"), "nothing is left")


if __name__ == "__main__":
    main()
