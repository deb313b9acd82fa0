"""naru serve with one page, at an address that it finds out by itself; the kernel's curl."""

import re
import signal
import subprocess
from pathlib import Path

import lab


def make():
    Path("site").mkdir()
    Path("site/page").write_text("hello\n")


def serve(*flags):
    """The program, and the address where it says that it serves."""
    process = lab.start(lab.PROGRAM, "serve", "site", *flags, "--port", "80",
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    line = process.stdout.readline()
    found = re.search(r"http://\[?([0-9a-f.:]+)\]?:80/", line)
    lab.check(found, f"naru serve: {line}")
    return process, found[1]


def fetch(address, *flags):
    host = f"[{address}]" if ":" in address else address
    got = lab.run("curl", "-s", "--max-time", "20", *flags, f"http://{host}/page").stdout
    lab.check(got == "hello\n", f"a page from {address} {flags}: {got!r}")


def stop(process):
    process.send_signal(signal.SIGINT)
    status = process.wait(20)
    lab.check(status == 0, f"naru serve ends with {status}: {process.stdout.read()}")
