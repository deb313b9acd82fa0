"""A network namespace of the test's own with a tap device, naru on one side of it
and the kernel on the other. The test script runs itself again inside."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NARU = Path(os.environ.get("NARU_BUILD", "build/release")) / "naru"
KERNEL, HOST = "10.77.0.1", "10.77.0.2"  # the two ends of the tap
SKIPPED = 77
LIMIT = 240  # seconds for one command


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            skip(f"there is no {tool}")


def enter(*tools):
    """Returns only inside a namespace with the tap up, in an empty folder."""
    if os.environ.get("NARU_LAB") == "inside":
        for command in (
            "ip link set lo up",
            "ip tuntap add dev naru0 mode tap",
            f"ip addr add {KERNEL}/24 dev naru0",
            "ip link set naru0 up",
        ):
            run(*command.split())
        return
    need("ip", "unshare", *tools)
    if not os.path.exists("/dev/net/tun"):
        skip("there is no /dev/net/tun")
    namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*namespace, "ip", "tuntap", "add", "dev", "naru0", "mode", "tap"], capture_output=True).returncode:
        skip("no network namespace with a tap for this user")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NARU_LAB": "inside", "NARU_BUILD": str(NARU.parent.resolve())}
        script = str(Path(sys.argv[0]).resolve())
        sys.exit(subprocess.run([*namespace, sys.executable, script], cwd=folder, env=environment).returncode)


def run(*command, status=0, limit=LIMIT):
    """The output of a command that must end with the status."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=limit)
    if status is not None and done.returncode != status:
        fail(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def fail(what):
    print(f"FAILED: {what}")
    sys.exit(1)


def check(condition, what):
    if not condition:
        fail(what)


def said(what):
    print(f"ok: {what}", flush=True)


def random_file(path, size):
    with open(path, "wb") as file:
        while size > 0:
            piece = os.urandom(min(size, 1 << 20))
            file.write(piece)
            size -= len(piece)
    return sha256(path)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Program:
    """A program in the background, ended by signal at the end of the block."""

    def __init__(self, *command, ready=None):
        self.command = [str(c) for c in command]
        self.ready = ready
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while self.ready is not None and not re.search(self.ready, self.output()):
            check(self.process.poll() is None, f"{self.command} ended: {self.output()}")
            check(time.monotonic() < deadline, f"{self.command} does not start: {self.output()}")
            time.sleep(0.02)
        return self

    def output(self):
        return Path(self.log.name).read_text(errors="replace")

    def stop(self, how=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)

    def __exit__(self, *_):
        self.stop()
        self.log.close()


def serve(folder, *arguments):
    return Program(NARU, "serve", folder, "--link", "tap:naru0", "--ip", f"{HOST}/24", *arguments, ready="serving")


def get(url, *arguments, status=0):
    return run(NARU, "get", url, "--link", "tap:naru0", "--ip", f"{HOST}/24", *arguments, status=status)


def check_capture(path):
    """tshark finds nothing malformed and no checksum wrong."""
    if shutil.which("tshark") is None:
        print("left out: the look at the capture (there is no tshark)")
        return
    fault = '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad"'
    out = subprocess.run(
        ["tshark", "-r", str(path), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", fault],
        capture_output=True, text=True, timeout=LIMIT)
    check(out.returncode == 0 and out.stdout == "", f"tshark on {path}: {out.stdout[:2000]}{out.stderr[:2000]}")
    said("tshark finds nothing wrong in the capture")
