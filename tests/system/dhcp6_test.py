#!/usr/bin/env python3
"""naru gets an IPv6 address from dnsmasq, or the name servers alone, as routers advise.

    kernel 2001:db8:77::1  naru0 ══ tap ══ naru 2001:db8:77::1xx
"""

import re
import subprocess
from pathlib import Path

import lab
import page
import programs

PREFIX = "2001:db8:77::"
KERNEL = f"{PREFIX}1"
LINK = ["--link", f"tap:{lab.DEVICE}"]
LEASED = re.compile(f"{PREFIX}1[0-9a-f]{{2}}$")
STATEFUL = (f"--dhcp-range={PREFIX}100,{PREFIX}1ff,64,2m", "--enable-ra",
            f"--ra-param={lab.DEVICE},high,5,600")
# The advertisements are radvd's alone then, and name no server.
STATELESS = (f"--dhcp-range={PREFIX},static,64",)
RADVD = f"""
interface {lab.DEVICE} {{
  AdvSendAdvert on;
  AdvOtherConfigFlag on;
  MinRtrAdvInterval 3;
  MaxRtrAdvInterval 5;
  prefix {PREFIX}/64 {{ AdvOnLink on; AdvAutonomous on; }};
}};
"""
ASK = """
import socket
print(socket.gethostbyname("www"))
with socket.create_connection(("%s", 53)) as s: print(s.getsockname()[0])"""


def said():
    return Path("dnsmasq.log").read_text()


def leases():
    fields = [line.split() for line in Path("leases").read_text().splitlines()]
    return [f[2] for f in fields if len(f) > 2 and f[2].startswith(PREFIX)]


def start_dnsmasq(*options):
    Path("leases").write_text("")
    server = lab.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
                       "--no-hosts", f"--interface={lab.DEVICE}", "--bind-interfaces",
                       "--user=root", f"--dhcp-leasefile={Path.cwd()}/leases",
                       f"--dhcp-option=option6:dns-server,[{KERNEL}]",
                       "--dhcp-option=option6:domain-search,shop.example",
                       "--address=/www.shop.example/192.0.2.1", *options,
                       stdout=open("dnsmasq.log", "w"), stderr=subprocess.STDOUT)
    lab.wait_for(lambda: "DHCPv6" in said(), "dnsmasq is ready")
    return server


def start_radvd():
    Path("radvd.conf").write_text(RADVD)
    return lab.start("radvd", "-n", "-C", "radvd.conf", "-p", f"{Path.cwd()}/radvd.pid", "-m",
                     "stderr", "-u", "root", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def asks_for_a_name(mode, *words):
    """The name server came by DHCPv6."""
    done = lab.run(lab.PROGRAM, "dig", *LINK, "--ip6", mode, "www.shop.example", timeout=60)
    lab.check(done.returncode == 0 and "192.0.2.1" in done.stdout
              and f"from {KERNEL}" in done.stdout, f"dig: {done} {said()}")
    for word in words:
        lab.check(word in said(), f"{word}: {said()}")


def serves_a_page():
    process, address = page.serve(*LINK, "--ip6", "dhcp")
    lab.check(LEASED.match(address), f"naru serve: {address} {said()}")
    lab.check(leases() == [address], f"the lease of {address}: {leases()}")
    page.fetch(address)
    page.stop(process)
    lab.wait_for(lambda: leases() == [], f"the address is given back: {leases()}")


def runs_a_program(bench):
    """Its session has the address, the name server and the search list."""
    session = programs.Session(bench, *LINK, "--ip6", "dhcp")
    name, address = session.run("python3", "-c", ASK % KERNEL).split()
    lab.check(name == "192.0.2.1", f"a name: {name}")
    lab.check(LEASED.match(address), f"its address: {address}")
    lab.check(leases() == [address], f"the lease of {address}: {leases()}")
    session.end()
    lab.wait_for(lambda: leases() == [], f"the address is given back: {leases()}")
    lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)


def runs_a_program_without_a_lease(bench):
    session = programs.Session(bench, *LINK, "--ip6", "auto")
    name, address = session.run("python3", "-c", ASK % KERNEL).split()
    lab.check(name == "192.0.2.1", f"a name: {name}")
    lab.check(address.startswith(PREFIX[:-1]) and not LEASED.match(address), address)
    session.end()
    lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)


def main():
    lab.need("dnsmasq", "radvd", "curl", "sysctl")
    lab.make_tap()
    bench = programs.Bench()
    lab.sh("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    lab.sh("ip", "addr", "add", f"{KERNEL}/64", "dev", lab.DEVICE, "nodad")
    page.make()
    server = start_dnsmasq(*STATEFUL)
    with lab.timed("asks for a name"):
        asks_for_a_name("dhcp", "DHCPSOLICIT", "DHCPADVERTISE", "DHCPREQUEST", "DHCPREPLY",
                        "DHCPRELEASE")
        lab.wait_for(lambda: leases() == [], f"the address is given back: {leases()}")
    with lab.timed("serves a page"):
        serves_a_page()
    with lab.timed("an address because routers say so"):
        asks_for_a_name("auto")
        lab.check(said().count("DHCPRELEASE") == 3, f"auto, and managed: {said()}")
    if lab.can_preload():
        with lab.timed("runs a program"):
            runs_a_program(bench)
    server.kill()
    server.wait()
    server = start_dnsmasq(*STATELESS)
    start_radvd()
    with lab.timed("asks for the name servers alone"):
        asks_for_a_name("auto", "DHCPINFORMATION-REQUEST")
    if lab.can_preload():
        with lab.timed("runs a program without a lease"):
            runs_a_program_without_a_lease(bench)
    lab.check("DHCPSOLICIT" not in said(), f"no lease: {said()}")


if __name__ == "__main__":
    main()
