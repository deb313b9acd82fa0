#!/usr/bin/env python3
"""The kernel's curl, wget, ping and arping against `naru serve` over a tap."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import lab

GIB = 1 << 30
PARALLEL = 100
URL = f"http://{lab.HOST}"


def fetches_a_gibibyte(digest):
    start = time.monotonic()
    out = subprocess.Popen(["curl", "-sSf", f"{URL}/big"], stdout=subprocess.PIPE)
    got = subprocess.run(["sha256sum"], stdin=out.stdout, capture_output=True, text=True, timeout=lab.LIMIT)
    lab.check(out.wait() == 0 and got.stdout.split()[0] == digest, "curl got other bytes than are served")
    lab.said(f"curl fetched 1 GiB, the same SHA-256, in {time.monotonic() - start:.1f} s")


def uploads_a_gibibyte(digest):
    answer = lab.run("curl", "-sSf", "-T", "site/big", f"{URL}/upload")
    lab.check(digest in answer, f"the upload's hash is another one: {answer}")
    lab.said("curl uploaded 1 GiB, the same SHA-256")


def carries_many_at_once():
    digests = {f"part{i}": lab.random_file(f"site/part{i}", 1_000_000 + 7919 * i) for i in range(PARALLEL)}

    def both_ways(name):
        lab.run("curl", "-sSf", "-o", f"got-{name}", f"{URL}/{name}")
        answer = lab.run("curl", "-sSf", "-T", f"site/{name}", f"{URL}/{name}")
        return lab.sha256(f"got-{name}") == digests[name] and digests[name] in answer

    with ThreadPoolExecutor(PARALLEL) as pool:
        lab.check(all(pool.map(both_ways, digests)), "one of the parallel transfers came out different")
    lab.said(f"{PARALLEL} transfers each way at the same time, all the same SHA-256")


def resumes():
    digest = lab.sha256("site/part0")
    with open("site/part0", "rb") as whole, open("part0", "wb") as begun:
        begun.write(whole.read(400_000))
    lab.run("wget", "-q", "-c", f"{URL}/part0")
    lab.check(lab.sha256("part0") == digest, "wget -c put another file together")
    lab.said("wget -c went on where it had stopped")


def answers_pings():
    out = lab.run("ping", "-f", "-c", "2000", "-W", "5", lab.HOST)
    lab.check(" 0% packet loss" in out, out)
    out = lab.run("ping", "-c", "3", "-i", "0.2", "-s", "20000", lab.HOST)
    lab.check(" 0% packet loss" in out, out)
    lab.said("2000 pings in a flood and 3 of 20 000 bytes (fragments), all answered")
    arping = ["arping", "-c", "3", "-I", "naru0", lab.HOST]
    out = lab.run(*arping, status=None)
    lab.check("3" in out and ("reply" in out.lower() or "bytes from" in out.lower()), out)
    lab.said("arping was answered")


def client_dies():
    """A client that is killed costs the server nothing."""
    curl = subprocess.Popen(["curl", "-sS", "--limit-rate", "1M", "-o", os.devnull, f"{URL}/big"])
    time.sleep(0.5)
    curl.kill()
    curl.wait()
    lab.run("curl", "-sSf", "-o", os.devnull, f"{URL}/part0")
    lab.said("the server goes on when a client is killed in the middle")


def server_dies(server):
    """A server that is killed leaves the kernel's client with an error in time."""
    curl = subprocess.Popen(["curl", "-sS", "--limit-rate", "1M", "--max-time", "20", "-o", os.devnull, f"{URL}/big"])
    time.sleep(0.5)
    server.process.kill()
    start = time.monotonic()
    lab.check(curl.wait(40) != 0, "curl did not notice that the server is gone")
    lab.said(f"curl gave up {time.monotonic() - start:.0f} s after the server was killed")


def refuses_bad_requests():
    lab.check("404" in lab.run("curl", "-s", "-o", os.devnull, "-w", "%{http_code}", f"{URL}/nothing"), "no 404")
    escape = lab.run("curl", "-s", "--path-as-is", "-w", "%{http_code}", f"{URL}/../../etc/passwd")
    lab.check("root:" not in escape and escape[-3:] in ("400", "403", "404"), f"path traversal: {escape}")
    closed = lab.run("curl", "-sS", "--max-time", "5", f"{URL}:81/", status=7)
    lab.check("refused" in closed.lower() or "connect" in closed.lower(), closed)
    lab.said("404 for what is not there, nothing outside the folder, a closed port refuses")


def main():
    lab.enter("curl", "wget", "ping", "arping")
    os.mkdir("site")
    digest = lab.random_file("site/big", GIB)
    with lab.serve("site", "--allow-upload") as server:
        fetches_a_gibibyte(digest)
        uploads_a_gibibyte(digest)
        carries_many_at_once()
        resumes()
        answers_pings()
        refuses_bad_requests()
        client_dies()
        server_dies(server)
    with lab.serve("site", "--capture", "serve.pcapng", "--allow-upload"):
        lab.run("curl", "-sSf", "-o", os.devnull, f"{URL}/part0")
        lab.run("curl", "-sSf", "-T", "site/part1", f"{URL}/part1")
        lab.run("ping", "-c", "1", lab.HOST)
    lab.check_capture("serve.pcapng")


if __name__ == "__main__":
    main()
