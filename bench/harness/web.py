"""Web servers under wrk: naru serve over a tap, nginx on the kernel's TCP over veth."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import programs
from .rows import OWN, Contestant, Goal, Row

PORT = 8080
PAGE = b"naru " * 128  # 640 bytes

# A server as fast as nginx gets with one worker: no log, descriptors kept open. In a user
# namespace there is nobody but root.
CONFIGURATION = """
daemon off; user root root; worker_processes 1; pid {folder}/pid; error_log stderr crit;
worker_cpu_affinity 01;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000;
  open_file_cache max=16; open_file_cache_valid 1h; default_type text/html;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen {address}:{port} backlog=4096; root {folder}; }}
}}
"""


class Server:
    """A process with a folder to serve, in a namespace; `worker` is whose CPU time counts."""

    def __init__(self, network, namespace, address):
        self.address = address
        self.folder = Path(tempfile.mkdtemp(prefix="naru-bench-web-"))
        self.folder.chmod(0o755)
        (self.folder / "page.html").write_bytes(PAGE)
        try:
            self.process = subprocess.Popen(
                network.inside(namespace, self.command()), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                self.worker = self._wait_for_worker()
                self._wait_until_it_answers(network)
            except programs.Unavailable:
                self.process.terminate()
                raise
        except (OSError, programs.Unavailable):
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _check(self):
        if self.process.poll() is not None:
            raise programs.Unavailable(programs.last_line(self.process.stderr.read()))

    def _wait_for_worker(self):
        for _ in range(200):
            self._check()
            if worker := self.find_worker():
                return worker
            time.sleep(0.05)
        raise programs.Unavailable(f"{self.process.args[-1]} started no worker")

    def _wait_until_it_answers(self, network):
        probe = network.inside(network.client, [
            "python3", "-c", f"import socket; socket.create_connection(('{self.address}', {PORT}), 1)"])
        for _ in range(50):
            self._check()
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise programs.Unavailable(f"nothing answers on {self.address}")

    def cpu_ns(self):
        """User and system time of the worker."""
        fields = Path(f"/proc/{self.worker}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1e9 / os.sysconf("SC_CLK_TCK")

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Server):
    """nginx with one worker on CPU 0, inside the server's namespace."""

    def __init__(self, network):
        super().__init__(network, network.server, network.SERVER)

    def command(self):
        config = self.folder / "nginx.conf"
        config.write_text(CONFIGURATION.format(folder=self.folder, address=self.address, port=PORT))
        return ["nginx", "-c", str(config), "-p", str(self.folder), "-e", "stderr"]

    def find_worker(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = children.read_text().split()
        return int(found[0]) if found else None


class NaruServe(Server):
    """naru serve on CPU 0, at the other end of the client's tap device."""

    def __init__(self, network, program):
        self.program = program
        self.link = network.TAP
        if network.no_tap:
            raise programs.Unavailable(network.no_tap)
        super().__init__(network, network.client, network.TAP_NARU)

    def command(self):
        return ["taskset", "-c", "0", self.program, "serve", str(self.folder), "--link",
                f"tap:{self.link}", "--ip", f"{self.address}/24", "--port", str(PORT)]

    def find_worker(self):
        # nsenter and taskset have become the program itself.
        return self.process.pid


def wrk(network, address, cpu, seconds, keep_alive):
    """Requests that wrk got answered, and how many a second."""
    command = ["taskset", "-c", str(cpu), "wrk", "-t1", "-c64", f"-d{max(1, round(seconds))}s"]
    if not keep_alive:
        command += ["-H", "Connection: close"]
    done = subprocess.run(
        network.inside(network.client, [*command, f"http://{address}:{PORT}/page.html"]),
        capture_output=True, text=True, timeout=120, check=False)
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if done.returncode != 0 or not requests or not rate:
        raise programs.Unavailable(f"wrk: {programs.last_line(done.stderr or done.stdout)}")
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise programs.Unavailable("wrk met errors: " + " ".join(
            l.strip() for l in done.stdout.splitlines() if "Non-2xx" in l or "Socket errors" in l))
    return int(requests.group(1)), float(rate.group(1))


def contestant(places, name, make_server, cores, keep_alive):
    """wrk on the client's host, against the server that make_server() starts."""
    def run():
        programs.require("wrk", "taskset")
        if places.network is None:
            raise programs.Unavailable("no network namespaces can be made here")
        server = make_server()
        try:
            before = server.cpu_ns()
            requests, rate = wrk(places.network, server.address, cores - 1, places.web_seconds,
                                 keep_alive)
            cpu = server.cpu_ns() - before
        finally:
            server.close()
        return programs.Result(rate, cpu / requests, requests, "request")

    return Contestant(name, run)


def rows(places):
    def nginx():
        programs.require("nginx")
        return Nginx(places.network)

    def naru():
        return NaruServe(places.network, places.program("naru"))

    for cores, where in ((1, "one core"), (2, "two cores")):
        for keep_alive in (True, False):
            kind = "64 connections" if keep_alive else "a connection a request"
            yield Row(f"HTTP under wrk, {where}", f"HTTP, {kind}, {where}", "requests/s", True,
                      [contestant(places, OWN, naru, cores, keep_alive),
                       contestant(places, "nginx veth", nginx, cores, keep_alive)],
                      two_cores=cores == 2,
                      goal=Goal(ratios={"nginx veth": 1.3}) if keep_alive else Goal())
