#!/usr/bin/env python3
"""naru get from a server on the kernel's TCP, which knows ranges and redirects."""

import http.server
import os
import re
import subprocess
import threading
from pathlib import Path

import lab

MIB = 1 << 20
SIZE = (16 if lab.SLOW else 256) * MIB


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if hops := re.fullmatch(r"/hop/(\d+)", self.path):
            left = int(hops[1])
            self.send_response(302)
            self.send_header("Location", f"/hop/{left - 1}" if left > 1 else "/small")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n")
        elif part := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            self.send_rest(int(part[1]))
        else:
            super().do_GET()

    def send_rest(self, first):
        data = Path(self.translate_path(self.path)).read_bytes()
        if first >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        self.wfile.write(data[first:])

    def log_message(self, *_):
        pass


def serve_from_kernel():
    handler = lambda *a: Handler(*a, directory=os.path.abspath("site"))
    server = http.server.ThreadingHTTPServer((lab.KERNEL, 8000), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def get(path, *flags):
    return lab.run(lab.PROGRAM, "get", f"http://{lab.KERNEL}:8000{path}", *lab.host_flags(), *flags)


def works(path, *flags):
    done = get(path, *flags)
    lab.check(done.returncode == 0, f"naru get {path}: {done.stderr.strip()}")
    return done


def main():
    lab.make_tap()
    (lab.work_folder() / "site").mkdir()
    large = lab.write_file("site/large", SIZE)
    small = lab.write_file("site/small", 100_000, seed=2)
    serve_from_kernel()

    with lab.timed(f"naru get of {SIZE // MIB} MiB"):
        works("/large", "-o", "got")
    lab.check(lab.sha256("got") == large, "naru get brought another file")

    works("/hop/10", "-o", "hopped", "--capture", "get.pcapng")
    lab.check(lab.sha256("hopped") == small, "the redirects led to another file")
    lab.check_capture("get.pcapng")
    done = get("/hop/11", "-o", "too-far")
    lab.check(done.returncode == 1 and "more than 10 redirects" in done.stderr,
              f"eleven redirects: {done.stderr!r}")

    lab.check(works("/chunked").stdout == "hello world", "a chunked body came wrong")

    Path("partial").write_bytes(Path("site/small").read_bytes()[:40_000])
    works("/small", "-c", "-o", "partial")
    lab.check(lab.sha256("partial") == small, "the resumed file is another")
    works("/small", "-c", "-o", "partial")
    lab.check(lab.sha256("partial") == small, "a complete file was changed")

    journey = works("/small", "-o", "got", "--journey").stdout
    for step in ("connect to 10.77.0.1:8000", "segment SYN,", "ARP: who has 10.77.0.1?",
                 "SYN-SENT → ESTABLISHED", "write:", "interrupt", "poll takes", "read:", "close",
                 "FIN"):
        lab.check(step in journey, f"the journey has no {step!r}:\n{journey}")


main()
