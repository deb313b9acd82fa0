#!/usr/bin/env python3
"""IPv6 under naru run: servers and clients over a lan, in one session, and at a tap device,
where the kernel's programs are the other end."""

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import dnsmasq
import lab
import programs

KERNEL6 = dnsmasq.KERNEL6
NARU6 = "fd00:77::2"
PORT = 8080
PAGE_BYTES = 3_000_000


# --- ways of meeting ------------------------------------------------------------------------


@contextlib.contextmanager
def in_one_session(bench):
    session = programs.Session(bench)
    yield programs.Meeting(session, session, "::1")
    session.end()


@contextlib.contextmanager
def tap_with_ipv6():
    lab.make_tap()
    lab.sh("ip", "addr", "add", f"{KERNEL6}/64", "dev", lab.DEVICE, "nodad")
    yield
    lab.sh("ip", "link", "del", lab.DEVICE)


@contextlib.contextmanager
def over_a_tap(bench):
    with tap_with_ipv6():
        naru = programs.Session(bench, "--link", f"tap:{lab.DEVICE}", "--ip6", f"{NARU6}/64",
                                "--gw6", KERNEL6)
        kernel = programs.Host(bench)
        yield programs.Meeting(naru, kernel, NARU6)
        kernel.end()
        naru.end()
        lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)


@contextlib.contextmanager
def to_the_kernel_over_a_tap(bench):
    with tap_with_ipv6():
        naru = programs.Session(bench, "--link", f"tap:{lab.DEVICE}", "--ip", f"{lab.NARU}/24",
                                "--ip6", f"{NARU6}/64")
        kernel = programs.Host(bench)
        yield programs.Meeting(kernel, naru, KERNEL6)
        kernel.end()
        naru.end()
        lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)


# --- programs --------------------------------------------------------------------------------


def place(m):
    """The server's IPv6 address, as a client writes it."""
    said = m.client.run("python3", "-c", f"""
import socket
print(socket.getaddrinfo({m.address!r}, 0, socket.AF_INET6)[0][4][0])""")
    return said.strip()


def url(m, path="/", port=PORT):
    return f"http://[{place(m)}]:{port}{path}"


def pages():
    if not Path("pages").exists():
        Path("pages").mkdir()
        os.chmod(".", 0o755)
        lab.write_file("pages/page", PAGE_BYTES)


def stop(server, number=signal.SIGTERM):
    server.send_signal(number)
    server.wait(30)


def wait_for_port(m, port):
    programs.Meeting(m.server, m.client, place(m)).wait_for_port(port)


def fetch(m, *flags):
    with contextlib.suppress(FileNotFoundError):
        os.unlink("copy")
    m.client.run("curl", "-6", "-sSf", "-g", "--max-time", 50, "-o", "copy", *flags,
                 url(m, "/page"))
    lab.check(lab.sha256("copy") == lab.sha256("pages/page"), "a page over IPv6")


def web(m):
    """Who listens on "::" alone, and who does so for both families."""
    pages()
    server = m.server.start("python3", "-m", "http.server", PORT, "--bind", "::",
                            "--directory", "pages")
    wait_for_port(m, PORT)
    fetch(m)
    stop(server)


def nginx(m):
    pages()
    user = "user nobody nogroup;" if os.stat(".").st_uid == 0 else ""
    Path("nginx.conf").write_text(f"""
daemon off; worker_processes 2; {user} pid nginx.pid; error_log error.log info;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; client_body_temp_path t1; proxy_temp_path t2;
  fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server {{ listen [::]:{PORT} ipv6only=on; root {os.getcwd()}/pages;
            add_header From $remote_addr; }}
}}""")
    server = m.server.start("nginx", "-p", os.getcwd(), "-c", "nginx.conf", "-e", "error.log")
    wait_for_port(m, PORT)
    fetch(m)
    said = m.client.run("curl", "-6", "-sSI", "-g", "--max-time", 50, url(m, "/page"))
    lab.check(re.search(r"^From: [0-9a-f]*:[0-9a-f:]*$", said, re.MULTILINE),
              f"nginx is told of an IPv6 address: {said}")
    stop(server)


def node(m):
    server = m.server.start("node", "-e", f"""
require('http').createServer((q, s) => s.end(q.socket.remoteFamily)).listen({PORT}, '::');""")
    wait_for_port(m, PORT)
    said = m.client.run("node", "-e", f"""
fetch({url(m)!r}).then(a => a.text()).then(t => console.log(t));""")
    lab.check(said == "IPv6\n", f"node: {said}")
    stop(server)


def iperf3(m):
    server = m.server.start("iperf3", "-s", "-6", "-p", 5201, "--forceflush")
    for number, flags in enumerate(((), ("-R",), ("-u", "-b", "20M"))):
        lab.wait_for(lambda: Path("iperf3.log").read_text().count("Server listening") > number,
                     "iperf3 listens", 30)
        said = json.loads(m.client.run("iperf3", "-6", "-c", place(m), "-p", 5201, "-J", "-t", 1,
                                       *flags))
        lab.check("error" not in said, f"iperf3 {flags}: {said.get('error')}")
        total = said["end"].get("sum_received") or said["end"]["sum"]
        lab.check(total["bytes"] > 100_000, f"iperf3 {flags}: {total}")
    stop(server)


SHOW = """
import ctypes, socket
libc = ctypes.CDLL(None)
class Addr(ctypes.Structure): pass
Addr._fields_ = [("next", ctypes.POINTER(Addr)), ("name", ctypes.c_char_p),
                 ("flags", ctypes.c_uint), ("addr", ctypes.POINTER(ctypes.c_ushort))]
first = ctypes.POINTER(Addr)()
libc.getifaddrs(ctypes.byref(first))
while first:
    a = first.contents
    if a.addr and a.addr[0] == socket.AF_INET6:
        raw = ctypes.string_at(a.addr, 28)
        print(a.name.decode(), socket.inet_ntop(socket.AF_INET6, raw[8:24]))
    first = a.next
"""


def addresses(m):
    """What a program is told of the session's addresses, and of the names of a lan."""
    naru = m.server if isinstance(m.server, programs.Session) else m.client
    shown = [line.split() for line in naru.run("python3", "-c", SHOW).splitlines()]
    lab.check(["lo", "::1"] in shown, f"the loopback: {shown}")
    on_eth0 = [address for name, address in shown if name == "eth0"]
    lab.check(any(a.startswith("fe80::") for a in on_eth0), f"a link-local address: {on_eth0}")
    lab.check(any(a.startswith("fd") for a in on_eth0), f"and one that reaches farther: {on_eth0}")


def main():
    lab.need_preload()
    needs = ("python3", "curl", "nginx", "node", "iperf3")
    tests = (addresses, web, nginx, node, iperf3)
    on_lan = None if os.geteuid() else programs.ordinary_user()
    programs.run(*tests, names_of_both_families, needs=needs, ways=[(on_lan, programs.over_the_lan)])
    programs.run(*tests[1:], needs=needs, ways=[(None, in_one_session)])
    if os.geteuid() == 0:
        for way in (over_a_tap, to_the_kernel_over_a_tap):
            programs.run(*tests, needs=needs, ways=[(None, way)])
        the_address_of_another()
        autoconfiguration()


def names_of_both_families(m):
    said = m.client.run("python3", "-c", """
import socket
def of(family): return [a[4][0] for a in socket.getaddrinfo("server", 0, family, socket.SOCK_STREAM)]
v4, v6 = of(socket.AF_INET), of(socket.AF_INET6)
assert len(v4) == len(v6) == 1, (v4, v6)
assert v6[0] == "fd77::%x" % int(v4[0].rsplit(".", 1)[1]), (v4, v6)
# RFC 6724: IPv4 before unique local addresses.
assert of(socket.AF_UNSPEC) == v4 + v6, of(socket.AF_UNSPEC)
assert socket.getnameinfo((v6[0], 80), 0)[0] == "server.lan"
print("well")""")
    lab.check(said == "well\n", said)
    # Who speaks IPv4 alone knows nobody by IPv6.
    alone = programs.Session(m.client.bench, "--ip6", "none")
    said = alone.run("python3", "-c", """
import socket
print({a[0] for a in socket.getaddrinfo("server", 0)} == {socket.AF_INET})""")
    lab.check(said == "True\n", f"--ip6 none: {said}")
    alone.end()


def the_address_of_another():
    """RFC 4862 5.4: who has it keeps it."""
    with tap_with_ipv6():
        done = lab.run(lab.PROGRAM, "run", "--link", f"tap:{lab.DEVICE}", "--ip6", f"{KERNEL6}/64",
                       "--", "true", stdin=subprocess.DEVNULL)
        lab.check(done.returncode == 1 and "another host has it" in done.stderr, f"taken: {done}")


def autoconfiguration():
    """Address, default route and name server from what a router says; dnsmasq is one."""
    bench = programs.Bench()
    pages()
    with tap_with_ipv6():
        done = lab.run(bench.naru, "run", "--link", f"tap:{lab.DEVICE}", "--ip6", "auto", "--", "true",
                       env=bench.environment, stdin=subprocess.DEVNULL, timeout=100)
        lab.check(done.returncode == 1 and "no router gives a prefix" in done.stderr, f"none: {done}")
        dnsmasq.start_dnsmasq(*dnsmasq.ROUTER)
        session = programs.Session(bench, "--link", f"tap:{lab.DEVICE}", "--ip6", "auto")
        shown = [line.split() for line in session.run("python3", "-c", SHOW).splitlines()]
        own = [a for name, a in shown if name == "eth0" and a.startswith("fd00:77::")]
        lab.check(len(own) >= 1, f"an address of the router's prefix: {shown}")
        told = session.run("python3", "-c", "import socket; print(socket.gethostbyname('www'))")
        lab.check(told == "192.0.2.1\n", f"the router's name server and search list: {told}")
        kernel = programs.Host(bench)
        m = programs.Meeting(session, kernel, own[0])
        web(m)
        m = programs.Meeting(kernel, session, "fd00:78::1")  # behind the router
        lab.sh("ip", "addr", "add", "fd00:78::1/128", "dev", "lo")
        web(m)
        kernel.end()
        session.end()
        lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)


if __name__ == "__main__":
    main()
