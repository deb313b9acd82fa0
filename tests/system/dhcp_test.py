#!/usr/bin/env python3
"""naru gets its address from dnsmasq: to ask for names, to serve, beside somebody who has it."""

from pathlib import Path

import lab
import page
from dnsmasq import FIRST, leases, start_dnsmasq

LINK = ["--link", f"tap:{lab.DEVICE}", "--ip", "dhcp"]


def asks_for_a_name():
    """The name server came with the address."""
    done = lab.run(lab.PROGRAM, "dig", *LINK, "www.shop.example", timeout=60)
    lab.check(done.returncode == 0 and "192.0.2.1" in done.stdout and f"from {lab.KERNEL}" in done.stdout,
              f"dig: {done.stdout} {done.stderr} {Path('dnsmasq.log').read_text()}")
    lab.wait_for(lambda: leases() == [], f"the address is given back: {leases()}")
    said = Path("dnsmasq.log").read_text()
    for word in ("DHCPDISCOVER", "DHCPOFFER", "DHCPREQUEST", "DHCPACK", "DHCPRELEASE"):
        lab.check(word in said, f"{word}: {said}")


def serves_a_page():
    """And asks for more time when it is due."""
    process, address = page.serve(*LINK)
    lab.check(leases() == [address], f"the lease of {address}: {leases()}")
    page.fetch(address)
    before = Path("dnsmasq.log").read_text().count("DHCPACK")
    lab.wait_for(lambda: Path("dnsmasq.log").read_text().count("DHCPACK") > before,
                 "the lease is renewed when it is time", 60)
    page.fetch(address)
    page.stop(process)
    lab.wait_for(lambda: leases() == [], "the address is given back")


def leaves_what_others_have():
    lab.sh("ip", "addr", "add", f"{FIRST}/24", "dev", lab.DEVICE)
    process, address = page.serve(*LINK)
    lab.check(address != FIRST, f"an address that nobody else has: {address}")
    page.fetch(address)
    lab.check("DHCPDECLINE" in Path("dnsmasq.log").read_text(), "the other is declined")
    page.stop(process)


def nobody_there(server):
    server.kill()
    server.wait()
    done = lab.run(lab.PROGRAM, "dig", *LINK, "www.shop.example", timeout=60)
    lab.check(done.returncode == 1 and "nobody gives an address" in done.stderr, f"no server: {done}")


def main():
    lab.need("dnsmasq", "curl")
    lab.make_tap()
    lab.work_folder()
    page.make()
    server = start_dnsmasq()
    for test in (asks_for_a_name, serves_a_page, leaves_what_others_have):
        test()
        print(f"{test.__name__}: well", flush=True)
    nobody_there(server)


if __name__ == "__main__":
    main()
