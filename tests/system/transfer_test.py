#!/usr/bin/env python3
"""The kernel's curl and naru serve: one large file each way, then a hundred at once."""

import re
import subprocess

import lab

MIB = 1 << 20
LARGE = (64 if lab.SLOW else 1024) * MIB
PARALLEL = 100


def fetch_large(digest):
    with lab.timed(f"curl fetched {LARGE // MIB} MiB"):
        lab.sh("curl", "-sSf", "-o", "got", f"http://{lab.NARU}/large")
    lab.check(lab.sha256("got") == digest, "the file that came is another")


def upload_large(digest):
    with lab.timed(f"curl uploaded {LARGE // MIB} MiB"):
        answer = lab.sh("curl", "-sSf", "-T", "site/large", f"http://{lab.NARU}/sink")
    lab.check(answer == f"{LARGE} bytes, SHA-256 {digest}\n", f"naru took {answer!r}")


def fetch_in_parallel(digest):
    with lab.timed(f"{PARALLEL} parallel downloads"):
        curls = [lab.start("curl", "-sSf", "-o", f"got.{i}", f"http://{lab.NARU}/small")
                 for i in range(PARALLEL)]
        lab.check(all(c.wait(60) == 0 for c in curls), "a parallel download failed")
    lab.check(all(lab.sha256(f"got.{i}") == digest for i in range(PARALLEL)),
              "a parallel download brought another file")


def upload_in_parallel(digest):
    with lab.timed(f"{PARALLEL} parallel uploads"):
        curls = [lab.start("curl", "-sSf", "-T", "site/small", f"http://{lab.NARU}/sink",
                           stdout=subprocess.PIPE) for _ in range(PARALLEL)]
        answers = [c.communicate(timeout=60)[0] for c in curls]
    lab.check(all(re.search(digest, a) for a in answers), "a parallel upload was damaged")


def main():
    lab.need("curl")
    lab.make_tap()
    (lab.work_folder() / "site").mkdir()
    large = lab.write_file("site/large", LARGE)
    small = lab.write_file("site/small", 2 * MIB, seed=2)

    server = lab.start_serve("site", "--allow-upload")
    fetch_large(large)
    upload_large(large)
    lab.end(server)

    server = lab.start_serve("site", "--allow-upload", "--capture", "parallel.pcapng")
    fetch_in_parallel(small)
    upload_in_parallel(small)
    lab.end(server)
    lab.check_capture("parallel.pcapng")


main()
