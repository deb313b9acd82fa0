"""nginx under wrk: a web server on the kernel's TCP over veth."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import programs
from .rows import Contestant, Row

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


class Nginx:
    """nginx with one worker on CPU 0, inside the server's namespace."""

    def __init__(self, veth):
        self.folder = Path(tempfile.mkdtemp(prefix="naru-bench-nginx-"))
        self.folder.chmod(0o755)
        (self.folder / "page.html").write_bytes(PAGE)
        config = self.folder / "nginx.conf"
        config.write_text(CONFIGURATION.format(folder=self.folder, address=veth.SERVER, port=PORT))
        self.master = subprocess.Popen(
            veth.inside(veth.server, ["nginx", "-c", str(config), "-p", str(self.folder),
                                      "-e", "stderr"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.worker = self._wait_for_worker()
        except programs.Unavailable:
            self.close()
            raise

    def _wait_for_worker(self):
        children = Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children")
        for _ in range(100):
            time.sleep(0.05)
            if self.master.poll() is not None:
                raise programs.Unavailable(programs.last_line(self.master.stderr.read()))
            found = children.read_text().split()
            if found:
                return int(found[0])
        raise programs.Unavailable("nginx started no worker")

    def cpu_ns(self):
        """User and system time of the worker."""
        fields = Path(f"/proc/{self.worker}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1e9 / os.sysconf("SC_CLK_TCK")

    def close(self):
        if self.master.poll() is None:
            self.master.terminate()
            self.master.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def wrk(veth, cpu, seconds, keep_alive):
    """Requests that wrk got answered, and how many a second."""
    command = ["taskset", "-c", str(cpu), "wrk", "-t1", "-c64", f"-d{max(1, round(seconds))}s"]
    if not keep_alive:
        command += ["-H", "Connection: close"]
    done = subprocess.run(
        veth.inside(veth.client, [*command, f"http://{veth.SERVER}:{PORT}/page.html"]),
        capture_output=True, text=True, timeout=120, check=False)
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if done.returncode != 0 or not requests or not rate:
        raise programs.Unavailable(f"wrk: {programs.last_line(done.stderr or done.stdout)}")
    if "Non-2xx" in done.stdout:
        raise programs.Unavailable("wrk was answered with errors")
    return int(requests.group(1)), float(rate.group(1))


def nginx(places, cores, keep_alive):
    def run():
        for tool in ("nginx", "wrk", "taskset"):
            if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
                raise programs.Unavailable(f"{tool} is not there")
        if places.veth is None:
            raise programs.Unavailable("no network namespaces can be made here")
        server = Nginx(places.veth)
        try:
            before = server.cpu_ns()
            requests, rate = wrk(places.veth, cores - 1, places.web_seconds, keep_alive)
            cpu = server.cpu_ns() - before
        finally:
            server.close()
        return programs.Result(rate, cpu / requests, requests, "request")

    return Contestant("nginx veth", run)


def rows(places):
    for cores in (1, 2):
        where = "one core" if cores == 1 else "two cores"
        for keep_alive in (True, False):
            kind = "64 connections" if keep_alive else "a connection a request"
            yield Row(f"HTTP under wrk, {where}", f"HTTP, {kind}, {where}", "requests/s", True,
                      [nginx(places, cores, keep_alive)], two_cores=cores == 2,
                      goal="1.3 x nginx" if keep_alive else "")
