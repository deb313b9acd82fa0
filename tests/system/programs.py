"""Programs on naru: the hosts that they run on, the users that they run as, how they meet.

A test is a function of a Meeting. `run(tests)` calls each with server and client in two
sessions on a lan, as an ordinary user, and in one session, as root where it may.
"""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import lab

INSIDE = Path(__file__).resolve().parent / "inside"
# Not what a developer's shell has in front: everybody must be able to run it.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
LIBRARY = "libnaru-posix.so"


class Host:
    """Where programs run: on the kernel's sockets."""

    def __init__(self, bench):
        self.bench = bench
        self.processes = []
        self.environment = bench.environment

    def _start(self, command, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return lab.start(*command, env=self.environment, **self.bench.user, **options)

    def start(self, *command, **options):
        """A program that goes on. What it says is in the test's folder, under its name."""
        if "stdout" not in options:
            options["stdout"] = open(f"{Path(str(command[0])).name}.log", "w")
            options["stderr"] = subprocess.STDOUT
        process = self._start(command, **options)
        self.processes.append(process)
        return process

    def run(self, *command, seconds=60, status=0, input=None):
        """What a program says that ends, in time, with the status that it should (None: any)."""
        done = self.try_to_run(*command, seconds=seconds, input=input)
        lab.check(status is None or done.returncode == status,
                  f"{done.args} ends with {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    def try_to_run(self, *command, seconds=60, input=None):
        process = self._start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              **({"stdin": subprocess.PIPE} if input is not None else {}))
        said = " ".join(map(str, command))[:200]
        try:
            out, err = process.communicate(input, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            lab.check(False, f"{said} did not end in {seconds} s: {out[-1000:]}{err[-1000:]}")
        return subprocess.CompletedProcess(said, process.returncode, out, err)

    def python(self, script, *arguments, **options):
        return self.run("python3", "-B", self.bench.folder / "inside" / script, *arguments,
                        **options)

    def start_python(self, script, *arguments, **options):
        return self.start("python3", "-B", self.bench.folder / "inside" / script, *arguments,
                          **options)

    def end(self):
        """Programs that a test has left running are ended as init would end them."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()


class Session(Host):
    """A session of naru run, held open; programs are started in it as a shell in it would."""

    def __init__(self, bench, *flags):
        super().__init__(bench)
        self.holder = self._start([bench.naru, "run", *flags, "--", "sh", "-c",
                                   'echo "$NARU_SESSION"; echo "$LD_PRELOAD"; exec cat'],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        file, library = (self.holder.stdout.readline().strip() for _ in range(2))
        lab.check(library, "naru run starts its program")
        self.environment = {**bench.environment, "NARU_SESSION": file, "LD_PRELOAD": library}

    def end(self):
        super().end()
        self.holder.stdin.close()
        self.holder.wait()


class Meeting:
    """Where servers are, where clients are, and at which address clients find them."""

    def __init__(self, server, client, address):
        self.server = server
        self.client = client
        self.address = address

    def url(self, path="/", port=8080):
        return f"http://{self.address}:{port}{path}"

    def wait_for_port(self, port, seconds=20):
        """Until the server listens there."""
        self.client.run("python3", "-c", f"""
import socket, time
end = time.monotonic() + {seconds}
while True:
    try:
        socket.create_connection(("{self.address}", {port}), 5).close()
        break
    except OSError:
        if time.monotonic() > end: raise
        time.sleep(0.05)""", seconds=seconds + 10)


class Bench:
    """A folder with copies of naru and of what runs inside, and the user of it all."""

    def __init__(self, uid=None):
        self.folder = lab.work_folder()
        self.folder.chmod(0o755)
        self.user = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        self.work = self._make_folder("work", uid)
        runtime = self._make_folder("runtime", uid)
        # The build may be where only its owner may look.
        self.naru = shutil.copy(lab.PROGRAM, self.folder)
        shutil.copy(lab.BUILD / LIBRARY, self.folder)
        shutil.copytree(INSIDE, self.folder / "inside", ignore=shutil.ignore_patterns("__pycache__"))
        self.environment = {"PATH": PATH, "HOME": str(self.work), "LANG": "C.UTF-8",
                            "XDG_RUNTIME_DIR": str(runtime)}
        if "NARU_LOG" in os.environ:
            self.environment["NARU_LOG"] = os.environ["NARU_LOG"]
        os.chdir(self.work)

    def _make_folder(self, name, uid):
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        if uid is not None:
            os.chown(folder, uid, uid)
        return folder

    def sessions(self):
        done = subprocess.run([self.naru, "ps"], env=self.environment, capture_output=True,
                              text=True, check=True, **self.user)
        return done.stdout.splitlines()[1:]

    def keepers(self):
        """Their process ids."""
        return [int(line.split()[-3]) for line in self.sessions()]

    def give(self, path):
        """The user owns the file, too."""
        if self.user:
            os.chown(path, self.user["user"], self.user["group"])
        return path


@contextlib.contextmanager
def on_the_kernel(bench):
    """For comparison: what holds there holds for the test and not for naru."""
    lab.sh("ip", "link", "set", "lo", "up")
    host = Host(bench)
    yield Meeting(host, host, "127.0.0.1")
    host.end()
    lab.sh("ip", "link", "set", "lo", "down")


@contextlib.contextmanager
def in_one_session(bench):
    session = Session(bench)
    yield Meeting(session, session, "127.0.0.1")
    session.end()


@contextlib.contextmanager
def over_the_lan(bench):
    server = Session(bench, "--name", "server")
    client = Session(bench, "--name", "client")
    yield Meeting(server, client, "server")
    client.end()
    server.end()


def matrix():
    """Who, and how: an ordinary user (one that no account has, where we may choose) over the
    lan, and root in one session. Without root this user both ways."""
    if os.geteuid() != 0:
        return [(None, over_the_lan), (None, in_one_session)]
    return [(ordinary_user(), over_the_lan), (None, in_one_session)]


def ordinary_user():
    return 200_000 + os.getpid() % 100_000


def run(*tests, needs=(), ways=None, also=(), log=None, after=lambda bench: None):
    """`ways`: instead of the matrix; `also`: further ways of meeting; `log`: where the library
    says what it has to say; `after`: looks at what is left when the sessions have ended."""
    lab.need_preload()
    lab.need(*needs)
    for uid, way in (*(ways or matrix()), *((None, way) for way in also)):
        bench = Bench(uid)
        if log is not None:
            bench.environment["NARU_LOG"] = str(bench.work / log)
        for test in tests:
            begin = time.monotonic()
            with way(bench) as meeting:
                test(meeting)
            seconds = time.monotonic() - begin
            lab.wait_for(lambda: not bench.sessions(), f"{test.__name__}: the sessions end",
                         seconds=30)
            after(bench)
            who = "an ordinary user" if uid else "this user"
            print(f"{test.__name__}, {way.__name__.replace('_', ' ')}, as {who}: {seconds:.1f} s",
                  flush=True)
