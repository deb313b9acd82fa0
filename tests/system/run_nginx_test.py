#!/usr/bin/env python3
"""nginx under naru run: one worker and several, reload, restart, proxy, many connections."""

import os
import re
import signal
import time
from pathlib import Path

import lab
import programs

BIG_BYTES = 30_000_000
MANY = 400

CONFIGURATION = """
daemon off; {processes} {user} pid {folder}/nginx.pid; error_log {folder}/error.log info;
events {{ worker_connections 2048; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_max_body_size 100m; client_body_temp_path t1; proxy_temp_path t2;
  fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  upstream itself {{ server 127.0.0.1:8081; keepalive 8; }}
  server {{
    listen 8080 {listen}; root {folder}/pages; add_header Version {version}; add_header Worker $pid;
    location /proxy/ {{
      proxy_pass http://itself/; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
  server {{ listen 127.0.0.1:8081; root {folder}/pages; }}
}}
"""

ONE = "master_process off;"
TWO = "worker_processes 2;"


def write_configuration(processes, version=1, listen=""):
    # Workers of root's nginx become nobody, as they do on every server.
    user = "user nobody nogroup;" if os.stat(".").st_uid == 0 else ""
    Path("nginx.conf").write_text(CONFIGURATION.format(
        processes=processes, version=version, listen=listen, user=user, folder=os.getcwd()))


def start(m, processes, listen=""):
    pages = Path("pages")
    if not pages.exists():
        pages.mkdir()
        os.chmod(".", 0o755)
        lab.write_file(pages / "big", BIG_BYTES)
        (pages / "small").write_text("hello\n")
        (pages / "index.html").write_text("index\n")
    write_configuration(processes, listen=listen)
    server = m.server.start("nginx", "-p", os.getcwd(), "-c", "nginx.conf", "-e", "error.log")
    m.wait_for_port(8080)
    return server


def stop(server, number=signal.SIGQUIT):
    server.send_signal(number)
    lab.check(server.wait(30) == 0, f"nginx ends with {server.returncode} after {number}")


def fetch(m, path, *flags):
    return m.client.run("curl", "-sS", "--max-time", "50", *flags, m.url(path))


def big_is_whole(m, path="/big", *flags):
    fetch(m, path, "-o", "copy", *flags)
    lab.check(lab.sha256("copy") == lab.sha256("pages/big"), f"{path} is not what was sent")


def ab(m, requests, clients, *flags):
    """ab checks the length of every answer."""
    said = m.client.run("ab", "-q", "-n", requests, "-c", clients, *flags, m.url("/small"))
    counted = dict(re.findall(r"^(.+?): +(\d+)", said, re.MULTILINE))
    lab.check(counted["Complete requests"] == str(requests), f"ab: {said}")
    lab.check(counted["Failed requests"] == "0" and "Non-2xx responses" not in counted, f"ab: {said}")
    return counted


def one_worker(m):
    server = start(m, ONE)
    big_is_whole(m)
    lab.check(fetch(m, "/small") == "hello\n", "a small file")
    fetch(m, "/big", "-r", "29000000-29999999", "-o", "part")
    lab.check(Path("part").read_bytes() == Path("pages/big").read_bytes()[29_000_000:], "a range")
    lab.check(fetch(m, "/none", "-o", "/dev/null", "-w", "%{http_code}") == "404", "404")
    lab.check(re.search("content-length: 30000000", fetch(m, "/big", "-I"), re.IGNORECASE), "HEAD")
    big_is_whole(m, "/proxy/big")
    big_is_whole(m, "/big", "--limit-rate", "20M")
    stop(server)
    server = start(m, ONE)  # the port is free at once
    lab.check(fetch(m, "/small") == "hello\n", "after a restart")
    stop(server, signal.SIGTERM)
    m.client.run("curl", "-sS", m.url("/small"), status=7)


def connections(m):
    server = start(m, ONE, "backlog=1024")
    lab.check(ab(m, 5000, 16, "-k")["Keep-Alive requests"] == "5000", "connections are kept")
    ab(m, 2000, 64)
    said = m.client.run("wrk", "-t1", "-c64", "-d1s", m.url("/small"))
    lab.check("Socket errors" not in said and "Non-2xx" not in said, f"wrk: {said}")
    m.client.python("many_connections.py", m.address, 8080, MANY)
    stop(server)


def clients_that_give_up(m):
    """Whoever goes away in the middle of an answer costs nobody anything."""
    server = start(m, ONE)
    for _ in range(5):
        m.client.run("sh", "-c", f"curl -sS {m.url('/big')} | head -c 100000 >/dev/null")
        m.client.run("curl", "-sS", "--limit-rate", "1M", "--max-time", "0.3", "-o", "/dev/null",
                     m.url("/big"), status=28)
    big_is_whole(m)
    stop(server)


def workers(m):
    return set(re.findall(r"Worker: (\d+)", "".join(
        fetch(m, "/small", "-i", "-H", "Connection: close") for _ in range(4))))


def master_and_workers(m, listen=""):
    server = start(m, TWO, listen)
    big_is_whole(m)
    ab(m, 3000, 32)
    old = workers(m)
    lab.check(old and str(server.pid) not in old, f"workers answer: {old}")
    for worker in old:  # the master starts others in their place
        os.kill(int(worker), signal.SIGKILL)
    lab.wait_for(lambda: workers_differ(m, old), "new workers answer", seconds=20)
    reload(m, server)
    big_is_whole(m)
    stop(server)


def workers_differ(m, old):
    try:
        return not workers(m) & old
    except SystemExit:
        return False


def reload(m, server):
    """The new configuration is in force at once, and no request of the meantime is lost."""
    old = workers(m)
    write_configuration(TWO, version=2)
    load = m.client.start("ab", "-q", "-n", "4000", "-c", "8", m.url("/small"))
    time.sleep(0.1)
    server.send_signal(signal.SIGHUP)
    lab.check(load.wait(60) == 0, "ab during the reload")
    lab.check(re.search("Failed requests: +0", Path("ab.log").read_text()), "requests were lost")
    lab.wait_for(lambda: "Version: 2" in fetch(m, "/small", "-i"), "the new configuration")
    lab.wait_for(lambda: not workers(m) & old, "the old workers end", seconds=20)


def workers_with_a_listener_each(m):
    master_and_workers(m, "reuseport")


def idle(m):
    """With 64 connections that say nothing, nobody uses the processor: nginx, client, keepers."""
    server = start(m, ONE)
    client = m.client.start("python3", "-c", f"""
import socket, time
ends = [socket.create_connection(({m.address!r}, 8080), 30) for _ in range(64)]
for end in ends:
    end.sendall(b"GET /small HTTP/1.1\\r\\nHost: test\\r\\n\\r\\n")
    assert b"hello" in end.recv(4096)
print("connected", flush=True)
time.sleep(1000)""", stdout=open("idle.log", "w"))
    lab.wait_for(lambda: Path("idle.log").read_text(), "64 connections", 30)
    time.sleep(2)  # delayed acknowledgements and the like have been sent
    everybody = [server.pid, client.pid, *m.server.bench.keepers()]
    before = sum(map(cpu_seconds, everybody))
    time.sleep(3)
    used = sum(map(cpu_seconds, everybody)) - before
    lab.check(used <= 0.03, f"idle programs use {used / 3:.1%} of a core")
    client.kill()
    client.wait()
    stop(server)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    programs.run(one_worker, connections, idle, clients_that_give_up, master_and_workers,
                 workers_with_a_listener_each, needs=("nginx", "curl", "ab", "wrk"))
