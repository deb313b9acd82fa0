#!/usr/bin/env python3
"""Everyday tools against naru: ping, ping -f, arping, wget -c, curl with ranges."""

import re
from pathlib import Path

import lab


def ping(*flags, count):
    answer = lab.run("ping", "-c", count, "-W", "2", *flags, lab.NARU).stdout
    received = re.search(r"(\d+) received", answer)
    lab.check(received and int(received[1]) == count, f"ping {flags}: {answer.strip()}")


def main():
    lab.need("curl", "wget", "ping", "arping")
    lab.make_tap()
    (lab.work_folder() / "site").mkdir()
    digest = lab.write_file("site/file", 3_000_000)
    Path("site/list").mkdir()
    server = lab.start_serve("site", "--capture", "tools.pcapng")

    ping(count=3)
    ping("-f", count=2000)
    ping("-s", "1472", "-M", "do", count=2)   # a full frame
    ping("-s", "8000", count=2)               # fragments both ways
    ping("-s", "0", count=2)
    print("ping: alone, 2000 in a flood, a full frame, in fragments, empty")

    answer = lab.run("arping", "-c", "3", "-I", lab.DEVICE, lab.NARU)
    replies = len(re.findall(r"(?:reply from|bytes from) ", answer.stdout))
    lab.check(answer.returncode == 0 and replies == 3, f"arping: {answer.stdout} {answer.stderr}")
    print("arping: 3 replies")

    Path("file").write_bytes(Path("site/file").read_bytes()[:1_234_567])
    done = lab.run("wget", "-c", f"http://{lab.NARU}/file")
    lab.check(done.returncode == 0 and "206 Partial Content" in done.stderr, f"wget: {done.stderr}")
    lab.check(lab.sha256("file") == digest, "wget -c put together another file")
    print("wget -c: went on where the file ended")

    part = lab.sh("curl", "-sSf", "-r", "100-199", "-o", "part", "-w", "%{http_code}",
                  f"http://{lab.NARU}/file")
    lab.check(part == "206" and Path("part").read_bytes() == Path("site/file").read_bytes()[100:200],
              f"curl -r: {part}")
    head = lab.sh("curl", "-sSfI", f"http://{lab.NARU}/file")
    lab.check("Content-Length: 3000000" in head, f"curl -I: {head}")
    listing = lab.sh("curl", "-sSfL", f"http://{lab.NARU}/list")
    lab.check("<h1>/list/</h1>" in listing, f"a listing: {listing}")
    two = lab.sh("curl", "-sSf", "-w", "%{num_connects} ", "-o", "a", f"http://{lab.NARU}/file",
                 "-o", "b", f"http://{lab.NARU}/file")
    lab.check(two.split() == ["1", "0"], f"curl made connections: {two}")
    print("curl: a range, HEAD, a listing, two files over one connection")

    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/nothing"):
        status = lab.sh("curl", "-sS", "--path-as-is", "-o", "wrong", "-w", "%{http_code}",
                        f"http://{lab.NARU}{path}")
        lab.check(status in ("400", "404") and "root:" not in Path("wrong").read_text(),
                  f"{path} was answered with {status}")
    refused = lab.run("curl", "-sS", "-m", "5", f"http://{lab.NARU}:81/")
    lab.check(refused.returncode == 7, f"a closed port: {refused.stderr}")
    print("curl: nothing outside of the folder, and a closed port refuses")

    lab.end(server)
    lab.check_capture("tools.pcapng")


main()
