"""Unmodified programs under naru run beside the same programs on the kernel's loopback."""

import contextlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import meetings, programs
from .rows import OWN, Contestant, Goal, Row

KERNEL = "kernel loopback"
IN_SESSION = "naru, one session"
WAYS = {OWN: meetings.lan, IN_SESSION: meetings.session, KERNEL: meetings.kernel}
VETH = "kernel veth"
TAP_WAYS = {OWN: meetings.tap, VETH: meetings.veth}

PORT = 8080
PAGE = b"naru " * 128  # 640 bytes
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000;
  open_file_cache max=16; open_file_cache_valid 1h; default_type text/html;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen {port} backlog=4096; root {folder}; }}
}}
"""
NODE = """
const body = Buffer.alloc(640, 'naru ');
require('http').createServer((request, response) => response.end(body)).listen(%d, '0.0.0.0');
"""
NAMES = 1000
NSD = """
server:
  ip-address: 0.0.0.0@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/pid"
  xfrdfile: "{folder}/xfrd"
  zonelistfile: "{folder}/zonelist"
  cookie-secret-file: "{folder}/cookies"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "bench.example"
  zonefile: "zone"
"""
ZONE = """
$TTL 300
$ORIGIN bench.example.
@ SOA ns admin 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.53
"""


def pinned(command, cores):
    """One core for everything, or wherever the kernel puts it."""
    return ["taskset", "-c", "0", *command] if cores == 1 else list(command)


# --- servers: a command, the port where it answers ------------------------------------------


def echo_server(places, folder, spins=False):
    return [places.program("echo_accept_loop"), "-p", PORT, *(["-s"] if spins else [])]


def redis_server(places, folder):
    return ["redis-server", "--port", PORT, "--save", "", "--bind", "0.0.0.0", "--protected-mode",
            "no", "--dir", folder]


def nginx_server(places, folder):
    user = "user root root;" if os.geteuid() == 0 else ""
    Path(folder, "page.html").write_bytes(PAGE)
    Path(folder, "nginx.conf").write_text(NGINX.format(folder=folder, port=PORT, user=user))
    return ["nginx", "-c", f"{folder}/nginx.conf", "-p", folder, "-e", "stderr"]


def node_server(places, folder):
    Path(folder, "server.js").write_text(NODE % PORT)
    return ["node", f"{folder}/server.js"]


def iperf3_server(places, folder):
    return ["iperf3", "-s", "-p", PORT]


def nsd_server(places, folder):
    Path(folder, "zone").write_text(
        ZONE + "".join(f"a{i} A 10.0.{i >> 8}.{i & 255}\n" for i in range(NAMES)))
    Path(folder, "nsd.conf").write_text(NSD.format(folder=folder, port=PORT))
    return [programs.find("nsd"), "-d", "-c", f"{folder}/nsd.conf"]


# --- clients: what they measured -------------------------------------------------------------


class Measured:
    def __init__(self, value, work, p99_us=None):
        self.value = value
        self.work = work
        self.p99_us = p99_us


def echo_client(places, host, cores, spins=False):
    said = json.loads(host.run(pinned(
        [places.program("echo_client"), host.address, "-p", PORT, "-n", 10**7, "-t", places.seconds,
         "-j", *(["-s"] if spins else [])], cores)))
    return Measured(said["median"], said["requests"], said["p99"])


def redis_benchmark(places, host, cores, test, pipeline):
    requests = round((1_000_000 if pipeline > 1 else 120_000) * places.seconds)
    said = host.run(pinned(["redis-benchmark", "-h", host.address, "-p", PORT, "-n", requests, "-t",
                            test, "-P", pipeline, "-c", 50, "--csv"], cores))
    fields = [f.strip('"') for f in programs.last_line(said).split(",")]
    return Measured(float(fields[1]), requests, float(fields[6]) * 1e3)


def wrk(places, host, cores, page, keep_alive=True):
    close = [] if keep_alive else ["-H", "Connection: close"]
    said = host.run(pinned(["wrk", "-t1", "-c64", f"-d{max(1, round(places.web_seconds))}s",
                            "--latency", *close, f"http://{host.address}:{PORT}/{page}"], cores))
    if "Non-2xx" in said or "Socket errors" in said:
        raise programs.Unavailable(f"wrk met errors: {said}")
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    scale = {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    return Measured(float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)),
                    int(re.search(r"(\d+) requests in", said).group(1)), float(value) * scale)


def iperf3(places, host, cores, *flags):
    said = json.loads(host.run(pinned(
        ["iperf3", "-c", host.address, "-p", PORT, "-J", "-C", "cubic", "-t",
         max(1, round(places.web_seconds)), *flags], cores)))
    end = said["end"]["sum_received"]
    return Measured(end["bits_per_second"] / 1e9, end["bytes"] / 1e9)


def dnsperf(places, host, cores):
    """As many questions as are answered, a hundred of them under way."""
    with tempfile.NamedTemporaryFile("w", prefix="naru-bench-names-") as names:
        names.writelines(f"a{i}.bench.example A\n" for i in range(NAMES))
        names.flush()
        os.chmod(names.name, 0o644)
        said = host.run(pinned(["dnsperf", "-f", "inet", "-s", host.address, "-p", PORT, "-d",
                                names.name, "-c", 1, "-T", 1, "-q", 100,
                                "-l", max(1, round(places.web_seconds))], cores))
    completed = int(re.search(r"Queries completed:\s+(\d+)", said).group(1))
    if not re.search(rf"NOERROR {completed} ", said):
        raise programs.Unavailable(f"dnsperf was answered with errors: {said}")
    if int(re.search(r"Queries lost:\s+(\d+)", said).group(1)) > completed / 1000:
        raise programs.Unavailable(f"dnsperf lost questions: {said}")
    return Measured(float(re.search(r"Queries per second:\s+([\d.]+)", said).group(1)), completed)


# --- rows --------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(places, meeting, make_server, cores):
    """A server that answers; its process."""
    folder = tempfile.mkdtemp(prefix="naru-bench-run-")
    os.chmod(folder, 0o755)
    command = make_server(places, folder)
    programs.require(command[0], "taskset")
    server = meeting.server.start(pinned(command, cores))
    try:
        meeting.client.wait_for_port(PORT)
        yield server
    finally:
        end(server)
        shutil.rmtree(folder, ignore_errors=True)


def end(server):
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
        raise programs.Unavailable(f"{server.args[0]} did not end within 20 s") from None


def contestant(places, name, way, cores, make_server, ask, per):
    def run():
        with way(places) as meeting, running(places, meeting, make_server, cores) as server:
            helpers = [server.pid, *meeting.keepers]
            before = sum(map(meetings.cpu_ns, helpers)) + children_cpu_ns()
            measured = ask(places, meeting.client, cores)
            cpu = sum(map(meetings.cpu_ns, helpers)) + children_cpu_ns() - before
        return programs.Result(measured.value, cpu / measured.work, measured.work, per,
                               p99_us=measured.p99_us)

    return Contestant(name, run)


def children_cpu_ns():
    """Of those that have ended: the clients."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e9


def row(places, name, unit, higher, cores, make_server, ask, per="request", goal=None, ways=WAYS):
    where = "one core" if cores == 1 else "two cores"
    *_, kernel = ways
    goals = Goal(ratios={kernel: goal}) if goal else Goal()
    return Row(f"programs under naru run, {where}", f"run: {name}, {where}", unit, higher,
               [contestant(places, *way, cores, make_server, ask, per) for way in ways.items()],
               two_cores=cores == 2, goal=goals)


def idle(places, name):
    """CPU time of nginx with 64 idle connections, of the client that has them, of keepers."""
    def run():
        with WAYS[name](places) as meeting, running(places, meeting, nginx_server, 2) as server:
            hold = f"""
import socket, time
ends = [socket.create_connection(("{meeting.client.address}", {PORT})) for _ in range(64)]
for end in ends:
    end.sendall(b"GET /page.html HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
time.sleep(1000)"""
            client = meeting.client.start([sys.executable, "-c", hold])
            time.sleep(1)
            everybody = [server.pid, client.pid, *meeting.keepers]
            before = sum(map(meetings.cpu_ns, everybody))
            time.sleep(places.web_seconds)
            spent = sum(map(meetings.cpu_ns, everybody)) - before
            client.kill()
            client.wait()
        return programs.Result(spent / 1e3 / places.web_seconds)

    return Contestant(name, run)


def tap_rows(places):
    """The server under naru run on a tap, or on the kernel's TCP over a veth pair; the client
    is the kernel's."""
    for cores in (2, 1):
        yield row(places, "nginx over a tap, 64 connections", "requests/s", True, cores, nginx_server,
                  lambda p, h, c: wrk(p, h, c, "page.html"), goal=1.5, ways=TAP_WAYS)
        for words, flags in (("to naru", ()), ("from naru", ("-R",))):
            yield row(places, f"iperf3 over a tap, {words}", "Gbit/s", True, cores, iperf3_server,
                      lambda p, h, c, f=flags: iperf3(p, h, c, *f), per="gigabyte", goal=1,
                      ways=TAP_WAYS)


def rows(places):
    for cores in (2, 1):
        yield row(places, "64-byte round trip, blocking", "us", False, cores, echo_server,
                  echo_client, goal=20 if cores == 2 else 2.5)
        if cores == 2:
            yield row(places, "64-byte round trip, spinning", "us", False, cores,
                      lambda p, f: echo_server(p, f, True),
                      lambda p, h, c: echo_client(p, h, c, True), goal=5)
        for pipeline in (1, 16):
            for test in ("get", "set"):
                words = f"redis {test.upper()}, " + ("no pipeline" if pipeline == 1 else "-P 16")
                yield row(places, words, "requests/s", True, cores, redis_server,
                          lambda p, h, c, t=test, n=pipeline: redis_benchmark(p, h, c, t, n),
                          goal=3 if pipeline == 1 else 1.2)
        for keep_alive, words, goal in ((True, "64 connections", 3), (False, "a connection a request", 8)):
            yield row(places, f"nginx, {words}", "requests/s", True, cores, nginx_server,
                      lambda p, h, c, k=keep_alive: wrk(p, h, c, "page.html", k), goal=goal)
        yield row(places, "node, 64 connections", "requests/s", True, cores, node_server,
                  lambda p, h, c: wrk(p, h, c, ""), goal=1.5)
        yield row(places, "DNS lookups, nsd and dnsperf", "lookups/s", True, cores, nsd_server, dnsperf,
                  per="lookup", goal=3)
        yield row(places, "iperf3, one stream", "Gbit/s", True, cores, iperf3_server, iperf3,
                  per="gigabyte", goal=1.5)
    yield from tap_rows(places)
    yield Row("programs under naru run, idle", "run: idle nginx and 64 connections", "us/s", False,
              [idle(places, way) for way in WAYS])
