"""Running a benchmark program: its JSON line, and its instructions where they can be counted."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


class Unavailable(Exception):
    """A contestant cannot run on this machine; the text says why."""


@dataclass
class Result:
    """What one run of one contestant gave."""

    value: float
    cpu_ns: float | None = None  # of both ends, for one unit of work
    work: float = 0  # units of work done
    per: str | None = None  # what a unit of work is: "segment"
    instructions: float | None = None  # user mode, for one unit of work
    p99_us: float | None = None  # how long the slowest hundredth of requests took, at least


def find(tool):
    """Where a program is, in the folders of root's programs, too."""
    path = shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        raise Unavailable(f"{tool} is not there")
    return path


def require(*tools):
    for tool in tools:
        find(tool)


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no output"


def run(command, timeout=300, environment=None):
    """Runs one program to its end; the JSON line that it printed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False,
                              env={**os.environ, **(environment or {})})
    except FileNotFoundError as error:
        raise Unavailable(f"{error.filename} is not there") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{Path(command[0]).name} did not end in {timeout} s") from None
    if done.returncode != 0:
        raise Unavailable(last_line(done.stderr))
    return json.loads(last_line(done.stdout))


def measure(command):
    """One timed run."""
    line = run(command)
    return Result(line["value"], line.get("ns_per_work"), line.get("work", 0), line.get("per"),
                  line.get("instructions_per_work"))


def count_instructions(command, units):
    """Instructions for one unit of work, by callgrind, over a reduced run of the same program.

    The program starts and stops the counting around its measured region. callgrind counts
    `rep movsb` once a byte, a processor once: the C library is kept from using it.
    """
    if not shutil.which("valgrind"):
        raise Unavailable("valgrind is not there")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        line = run(["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no",
                    f"--callgrind-out-file={out}", *command, "--count", str(units)],
                   environment={"GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1000000000"})
        total = re.search(r"^totals: (\d+)", out.read_text(), re.MULTILINE)
    if not total or not line.get("work"):
        raise Unavailable("callgrind counted nothing")
    return int(total.group(1)) / line["work"], line["per"]
