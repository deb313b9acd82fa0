#!/usr/bin/env python3
"""python3 under naru run: its servers, its clients, and curl and wget at http.server."""

import os
import signal
from pathlib import Path

import lab
import programs

PORT = 8080
FILES = 20


def servers(m):
    for kind in ("forking", "threading", "asyncio", "udp"):
        for _ in range(2):  # the port is free again
            server = m.server.start_python("servers.py", kind, PORT)
            if kind == "udp":
                wait_for_datagrams(m)
            else:
                m.wait_for_port(PORT)
            said = m.client.python("clients.py", kind, m.address, PORT)
            lab.check(said == "all is well\n", f"{kind}: {said}")
            server.kill()
            server.wait()


def wait_for_datagrams(m):
    m.client.run("python3", "-c", f"""
import socket
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.settimeout(0.2)
for _ in range(100):
    try:
        end.sendto(b"there?", ({m.address!r}, {PORT}))
        end.recv(100)
        break
    except OSError:
        pass
else:
    raise SystemExit("nobody answers")""")


def pages():
    if not Path("pages").exists():
        os.mkdir("pages")
        os.chmod(".", 0o755)
        for i in range(FILES):
            lab.write_file(f"pages/{i}", 100_000 + i * 50_000, seed=i)
        links = "".join(f'<a href="/{i}">{i}</a>' for i in range(FILES))
        Path("pages/index.html").write_text(f"<html>{links}</html>")


def web_server(m):
    pages()
    server = m.server.start("python3", "-m", "http.server", PORT, "--directory", "pages")
    m.wait_for_port(PORT)
    return server


def own_folder(m, name):
    folder = Path(name)
    if not folder.exists():
        folder.mkdir()
        m.client.bench.give(folder)
    for file in folder.iterdir():
        file.unlink()
    return folder


def same(i, copy):
    lab.check(Path(copy).read_bytes() == Path(f"pages/{i}").read_bytes(), f"{copy} differs")


def urllib(m):
    server = web_server(m)
    m.client.run("python3", "-c", f"""
import concurrent.futures, urllib.error, urllib.request
def fetch(i):
    with urllib.request.urlopen({m.url('/')!r} + str(i), timeout=30) as answer:
        data = answer.read()
    assert len(data) == 100_000 + i * 50_000, (i, len(data))
    return data
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    found = list(pool.map(fetch, list(range({FILES})) * 2))
assert found[:{FILES}] == found[{FILES}:]
try:
    fetch(10_000)
    raise SystemExit("there is no such file")
except urllib.error.HTTPError as error:
    assert error.code == 404
""")
    server.kill()
    server.wait()


def curl(m):
    server = web_server(m)
    folder = own_folder(m, "curl")
    m.client.run("curl", "-sSf", "--parallel", "--parallel-max", 10, "--max-time", 50,
                 m.url(f"/[0-{FILES - 1}]"), "-o", folder / "#1")
    for i in range(FILES):
        same(i, folder / str(i))
    m.client.run("curl", "-sSf", m.url("/none"), status=22)
    m.client.run("curl", "-sS", m.url("/", port=9), status=7)
    server.send_signal(signal.SIGSTOP)  # a server that does not answer
    m.client.run("curl", "-sS", "--max-time", 1, m.url("/1"), status=28)
    server.kill()
    server.wait()
    # The keeper closes what the server had open, a moment after its end.
    lab.wait_for(lambda: m.client.try_to_run("curl", "-sS", m.url("/1")).returncode == 7,
                 "nobody listens")
    # It comes back while curl tries again.
    waiting = m.client.start("curl", "-sSf", "--retry", 20, "--retry-connrefused", "--retry-delay", 1,
                             m.url("/3"), "-o", folder / "late")
    server = web_server(m)
    lab.check(waiting.wait(50) == 0, "curl tries again")
    same(3, folder / "late")
    server.kill()
    server.wait()


def wget(m):
    server = web_server(m)
    folder = own_folder(m, "wget")
    m.client.run("wget", "-q", "-r", "-nd", "-T", 30, "-P", folder, m.url("/"))
    for i in range(FILES):
        same(i, folder / str(i))
    m.client.run("wget", "-q", "-t", 1, "-O", "/dev/null", m.url("/none"), status=8)
    m.client.run("wget", "-q", "-t", 1, "-O", "/dev/null", m.url("/", port=9), status=4)
    server.kill()
    server.wait()


if __name__ == "__main__":
    programs.run(servers, urllib, curl, wget, needs=("python3", "curl", "wget"))
