"""A network namespace of our own, with a tap device between naru and the kernel.

    kernel 10.77.0.1  naru0 ══ tap ══ naru 10.77.0.2

A test imports this module first: it starts itself again inside a new namespace, and ends
with status 77 ("skipped"), the reason on one line, where the machine allows none.
"""

import atexit
import contextlib
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

KERNEL = "10.77.0.1"
NARU = "10.77.0.2"
DEVICE = "naru0"

BUILD = Path(os.environ.get("NARU_BUILD", Path(__file__).resolve().parents[2] / "build/release"))
PROGRAM = os.environ.get("NARU_PROGRAM", str(BUILD / "naru"))
# Sanitizers make everything slower: they get less of the same.
SLOW = BUILD.name == "asan"

_processes = []
_folders = []


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            skip(f"there is no {tool} (scripts/setup test installs it)")


def can_preload():
    """Programs that were not built with the sanitizers cannot load a library that was."""
    return b"libasan" not in (BUILD / "libnaru-posix.so").read_bytes()


def need_preload():
    if not can_preload():
        skip("libnaru-posix.so is built with the address sanitizer, the programs are not")


def enter_namespace():
    """Returns inside the namespace; does not return outside."""
    if os.environ.get("NARU_LAB") == str(os.getpid()):
        return
    need("unshare", "ip")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        skip("/dev/net/tun is not there or may not be opened")
    unshare = ["unshare", "--net"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    if subprocess.run(unshare + ["true"], capture_output=True).returncode != 0:
        skip("no network namespaces for this user")
    os.environ["NARU_LAB"] = str(os.getpid())  # unshare keeps the process id
    os.execvp(unshare[0], unshare + [sys.executable, *sys.argv])


def run(*command, **options):
    options.setdefault("timeout", 120)
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)


def sh(*command):
    """Runs what must work."""
    done = run(*command)
    check(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def check(condition, words):
    if not condition:
        print(f"FAILED: {words}")
        sys.exit(1)


def start(*command, **options):
    process = subprocess.Popen([str(c) for c in command], text=True, **options)
    _processes.append(process)
    return process


@atexit.register
def _clean_up():
    """Also when a check has failed: nothing stays, and what holds our output lets go of it."""
    for process in _processes:
        if process.poll() is None:
            process.kill()
            process.wait()
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(condition, words, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    check(False, f"{words} within {seconds} s")


def make_tap():
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "tuntap", "add", "dev", DEVICE, "mode", "tap")
    sh("ip", "addr", "add", f"{KERNEL}/24", "dev", DEVICE)
    sh("ip", "link", "set", DEVICE, "up")


def work_folder():
    folder = Path(tempfile.mkdtemp(prefix="naru-system-"))
    _folders.append(folder)
    os.chdir(folder)
    return folder


def host_flags():
    return ["--link", f"tap:{DEVICE}", "--ip", f"{NARU}/24"]


def start_serve(folder, *flags):
    """naru serve, once it says that it serves."""
    process = start(PROGRAM, "serve", folder, *host_flags(), *flags,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    line = process.stdout.readline()
    check(line.startswith("naru: serving"), f"naru serve says {line!r}")
    return process


def end(process, seconds=10):
    """Ends naru serve as a user does; it must do so with status 0."""
    process.send_signal(signal.SIGINT)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        check(False, f"naru serve does not end within {seconds} s of SIGINT")
    check(status == 0, f"naru serve ends with status {status}: {process.stdout.read()}")


def write_file(path, size, seed=1):
    """`size` bytes that repeat nowhere near; gives their SHA-256."""
    digest = hashlib.sha256()
    block = hashlib.shake_256(str(seed).encode()).digest(1 << 20)
    with open(path, "wb") as file:
        number = 0
        while size > 0:
            piece = (number.to_bytes(8, "big") + block[8:])[:size]
            file.write(piece)
            digest.update(piece)
            size -= len(piece)
            number += 1
    return digest.hexdigest()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def check_capture(path, but=None):
    """tshark reads the capture and finds nothing malformed and no wrong checksum, but for the
    packets of one kind."""
    if shutil.which("tshark") is None:
        print("left out: tshark's look at the capture (there is no tshark)")
        return
    wrong = '_ws.malformed || tcp.checksum.status == "Bad" || ip.checksum.status == "Bad"' \
            ' || udp.checksum.status == "Bad" || icmp.checksum.status == "Bad"'
    if but:
        wrong = f"({wrong}) && !({but})"
    # Each packet by itself: where the kernel sent data twice (a busy machine), tshark's own
    # putting together of the stream complains, and not of the packets.
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
              "-o", "udp.check_checksum:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    done = run("tshark", "-r", path, *checks, "-Y", wrong, timeout=300)
    check(done.returncode == 0, f"tshark cannot read {path}: {done.stderr.strip()}")
    check(done.stdout == "", f"tshark finds wrong packets in {path}:\n{done.stdout[:2000]}")
    count = re.search(r"Number of packets: +(\d+)", sh("capinfos", "-M", "-c", path))
    frames = int(count[1]) if count else 0
    check(frames > 0, f"{path} is empty")
    print(f"tshark read {frames} frames of {path}: nothing malformed, no checksum wrong")


@contextlib.contextmanager
def timed(words, at_least=0.0, at_most=float("inf")):
    begin = time.monotonic()
    yield
    seconds = time.monotonic() - begin
    check(at_least <= seconds <= at_most,
          f"{words} took {seconds:.2f} s, not {at_least} to {at_most} s")
    print(f"{words}: {seconds:.2f} s")


enter_namespace()
