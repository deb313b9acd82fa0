#!/usr/bin/env python3
"""`naru get` from a web server on the kernel, over a tap; and its errors."""

import os
import signal
import subprocess
import sys
import time

import lab

URL = f"http://{lab.KERNEL}:8000"


def kernel_server():
    return lab.Program(sys.executable, "-u", "-m", "http.server", "--directory", "site", "8000", ready="Serving")


def fetches(digest):
    lab.get(f"{URL}/file", "-o", "got", "--capture", "get.pcapng")
    lab.check(lab.sha256("got") == digest, "naru get got other bytes than are served")
    lab.said("naru get fetched 64 MiB from the kernel, the same SHA-256")
    lab.check_capture("get.pcapng")


def server_dies():
    """The connection ends in the middle: an error, not a short file called whole."""
    with kernel_server() as server:
        getter = subprocess.Popen(
            [lab.NARU, "get", f"{URL}/huge", "-o", os.devnull, "--link", "tap:naru0", "--ip", f"{lab.HOST}/24",
             "--timeout", "5"], stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        os.kill(server.process.pid, signal.SIGKILL)
        _, words = getter.communicate(timeout=60)
    lab.check(getter.returncode != 0, "a short file was called whole")
    lab.check(words.strip() != "", "naru get failed without a word")
    lab.said(f"naru get says what happened when the server dies: {words.strip().splitlines()[-1]}")


def errors():
    """One line that names the thing, and a status that is not 0."""
    for url, word in ((f"http://{lab.KERNEL}:9/", "refused"),
                      ("http://10.77.0.99/", "no route"),
                      (f"{URL}/nothing", "404"),
                      ("nonsense", "nonsense"),
                      ("ftp://10.77.0.1/", "ftp")):
        words = lab.get(url, "-o", "none", "--timeout", "10", status=None)
        lab.check(word in words.lower(), f"naru get {url}: {words!r} does not say {word!r}")
        lab.check(not os.path.exists("none"), f"naru get {url} left a file behind")
    lab.said("refused, unreachable, 404, no URL and a wrong scheme each give their own error")


def main():
    lab.enter()
    os.mkdir("site")
    digest = lab.random_file("site/file", 64 << 20)
    with open("site/huge", "wb") as huge:
        huge.truncate(1 << 40)  # holes: more than can be sent while the test lasts
    with kernel_server():
        fetches(digest)
        errors()
    server_dies()


if __name__ == "__main__":
    main()
