#!/usr/bin/env python3
"""naru gets its address from dnsmasq: to ask for names, to serve, beside somebody who has it."""

import re
import signal
import subprocess
from pathlib import Path

import lab

LINK = ["--link", f"tap:{lab.DEVICE}", "--ip", "dhcp"]
FIRST = "10.77.0.100"


def start_dnsmasq():
    Path("leases").touch()
    server = lab.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
              f"--interface={lab.DEVICE}", "--bind-interfaces", "--no-ping", "--user=root",
              f"--dhcp-leasefile={Path.cwd()}/leases",
              f"--dhcp-range={FIRST},10.77.0.120,255.255.255.0,2m", "--dhcp-sequential-ip",
              "--dhcp-authoritative", "--dhcp-option=option:domain-search,shop.example,example",
              "--dhcp-option=option:T1,10s",
              "--dhcp-option=121,192.0.2.0/24,10.77.0.1,0.0.0.0/0,10.77.0.1",
              "--address=/www.shop.example/192.0.2.1", stdout=open("dnsmasq.log", "w"),
              stderr=subprocess.STDOUT)
    lab.wait_for(lambda: "DHCP, IP range" in Path("dnsmasq.log").read_text(), "dnsmasq is ready")
    return server


def leases():
    return [line.split()[2] for line in Path("leases").read_text().splitlines()]


def asks_for_a_name():
    """The name server came with the address."""
    done = lab.run(lab.PROGRAM, "dig", *LINK, "www.shop.example", timeout=60)
    lab.check(done.returncode == 0 and "192.0.2.1" in done.stdout and f"from {lab.KERNEL}" in done.stdout,
              f"dig: {done.stdout} {done.stderr} {Path('dnsmasq.log').read_text()}")
    lab.wait_for(lambda: leases() == [], f"the address is given back: {leases()}")
    said = Path("dnsmasq.log").read_text()
    for word in ("DHCPDISCOVER", "DHCPOFFER", "DHCPREQUEST", "DHCPACK", "DHCPRELEASE"):
        lab.check(word in said, f"{word}: {said}")


def serve():
    process = lab.start(lab.PROGRAM, "serve", "site", *LINK, "--port", "80",
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    line = process.stdout.readline()
    found = re.search(r"http://([0-9.]+):80/", line)
    lab.check(found, f"naru serve: {line}")
    return process, found[1]


def fetch(address):
    page = lab.run("curl", "-s", "--max-time", "20", f"http://{address}/page").stdout
    lab.check(page == "hello\n", f"a page from {address}: {page!r}")


def stop(process):
    process.send_signal(signal.SIGINT)
    status = process.wait(20)
    lab.check(status == 0, f"naru serve ends with {status}: {process.stdout.read()}")


def serves_a_page():
    """And asks for more time when it is due."""
    process, address = serve()
    lab.check(leases() == [address], f"the lease of {address}: {leases()}")
    fetch(address)
    before = Path("dnsmasq.log").read_text().count("DHCPACK")
    lab.wait_for(lambda: Path("dnsmasq.log").read_text().count("DHCPACK") > before,
                 "the lease is renewed when it is time", 60)
    fetch(address)
    stop(process)
    lab.wait_for(lambda: leases() == [], "the address is given back")


def leaves_what_others_have():
    lab.sh("ip", "addr", "add", f"{FIRST}/24", "dev", lab.DEVICE)
    process, address = serve()
    lab.check(address != FIRST, f"an address that nobody else has: {address}")
    fetch(address)
    lab.check("DHCPDECLINE" in Path("dnsmasq.log").read_text(), "the other is declined")
    stop(process)


def nobody_there(server):
    server.kill()
    server.wait()
    done = lab.run(lab.PROGRAM, "dig", *LINK, "www.shop.example", timeout=60)
    lab.check(done.returncode == 1 and "nobody gives an address" in done.stderr, f"no server: {done}")


def main():
    lab.need("dnsmasq", "curl")
    lab.make_tap()
    lab.work_folder()
    Path("site").mkdir()
    Path("site/page").write_text("hello\n")
    server = start_dnsmasq()
    for test in (asks_for_a_name, serves_a_page, leaves_what_others_have):
        test()
        print(f"{test.__name__}: well", flush=True)
    nobody_there(server)


if __name__ == "__main__":
    main()
