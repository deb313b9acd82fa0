#!/usr/bin/env python3
"""Unmodified programs under naru run: their sockets are naru's, their work is done."""

import os
import subprocess
import sys
from pathlib import Path

import lab

HERE = Path(__file__).resolve().parent
PAGE_BYTES = 3_000_000


def session(*command, seconds=60, **options):
    """What a program says, in a session of its own. It ends in time, and well."""
    done = subprocess.run([lab.PROGRAM, "run", "--", *map(str, command)], capture_output=True,
                          text=True, timeout=seconds, stdin=subprocess.DEVNULL, **options)
    lab.check(done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def leaves_nothing_behind():
    lab.wait_for(lambda: len(lab.sh(lab.PROGRAM, "ps").splitlines()) == 1, "every session ends")


def python_and_curl():
    answer = session("sh", "-c", """
        python3 -m http.server 8000 >/dev/null 2>&1 &
        curl -sf --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8000/page >copy
        kill $!; cmp page copy && echo same""")
    lab.check(answer == "same\n", f"python3 and curl: {answer!r}")


def no_kernel_socket():
    """Nothing listens in the kernel while the program does on naru."""
    answer = session("sh", "-c", """
        python3 -m http.server 8000 >/dev/null 2>&1 &
        curl -sf -o /dev/null --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8000/page
        cat /proc/net/tcp; kill $!""")
    lab.check(":1F40 " not in answer, "port 8000 is the kernel's")


def exit_status_and_name():
    done = lab.run(lab.PROGRAM, "run", "--", "sh", "-c", "exit 7")
    lab.check(done.returncode == 7, "the program's exit status")
    done = lab.run(lab.PROGRAM, "run", "--", "/no/such/program")
    lab.check(done.returncode == 127 and "/no/such/program" in done.stderr, "a program that is not")
    inner = session(lab.PROGRAM, "run", "--", "echo", "inner")
    lab.check(inner == "inner\n", "a session started from within a session")
    for _ in range(10):  # a name is free when its program has ended
        lab.sh(lab.PROGRAM, "run", "--name", "again", "--", "true")


def a_session_is_shown_when_it_is_made():
    """naru ps, all the time that sessions come and go, shows only whole ones."""
    makers = [subprocess.Popen(["sh", "-c", f"""
        for i in $(seq 40); do {lab.PROGRAM} run --net none -- {program} || exit 1; done"""],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for program in ("true", "date")]
    while any(maker.poll() is None for maker in makers):
        rows = lab.sh(lab.PROGRAM, "ps").splitlines()[1:]
        bad = [row for row in rows if len(row.split()) != 6]
        lab.check(not bad, f"naru ps: {bad}")
    lab.check(all(maker.returncode == 0 for maker in makers), "the sessions start")


def descriptors_in_python():
    session(sys.executable, HERE / "run_sockets.py", seconds=120)


def deaths():
    session(sys.executable, HERE / "run_deaths.py", seconds=120)


def main():
    lab.need_preload()
    lab.need("curl")
    folder = lab.work_folder()
    os.chmod(folder, 0o755)
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # only our own sessions are there
    Path("page").write_bytes(os.urandom(PAGE_BYTES))
    python_and_curl()
    no_kernel_socket()
    exit_status_and_name()
    a_session_is_shown_when_it_is_made()
    descriptors_in_python()
    deaths()
    leaves_nothing_behind()


if __name__ == "__main__":
    main()
