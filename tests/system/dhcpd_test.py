#!/usr/bin/env python3
"""naru gets its address, route and MTU from ISC's dhcpd, and the same one after a new start."""

import re
import subprocess
from pathlib import Path

import lab
import page

ADDRESSES = ("10.77.0.100", "10.77.0.110")
BEYOND = "192.0.2.80"
MTU = 1400
LINK = ["--link", f"tap:{lab.DEVICE}", "--ip", "dhcp"]
DHCPD = f"""
authoritative;
default-lease-time 600;
subnet 10.77.0.0 netmask 255.255.255.0 {{
  range {" ".join(ADDRESSES)};
  option routers {lab.KERNEL};
  option interface-mtu {MTU};
}}
"""


def said():
    return Path("dhcpd.log").read_text()


def start_dhcpd():
    Path("dhcpd.conf").write_text(DHCPD)
    Path("leases").touch()
    lab.start("dhcpd", "-4", "-f", "-d", "-cf", "dhcpd.conf", "-lf", "leases", "--no-pid",
              lab.DEVICE, stdout=open("dhcpd.log", "w"), stderr=subprocess.STDOUT)
    lab.wait_for(lambda: "Server starting service" in said(), f"dhcpd is ready: {said()}")


def serves_a_page():
    """Also to beyond its network. Returns the address."""
    process, address = page.serve(*LINK)
    lab.check(f"DHCPACK on {address}" in said(), f"naru serve: {said()}")
    for source in (lab.KERNEL, BEYOND):
        page.fetch(address, "--interface", source)
    page.stop(process)
    lab.wait_for(lambda: re.search(f"DHCPRELEASE of {address} .*\\(found\\)", said()),
                 f"it is given back: {said()}")
    return address


def obeys_the_mtu():
    """What naru sends is no longer than its network takes."""
    done = lab.run(lab.PROGRAM, "get", f"http://{lab.KERNEL}:8000/page", *LINK, "--capture",
                   "get.pcapng", "-o", "page", timeout=60)
    lab.check(done.returncode == 0, f"naru get: {done}")
    mss = lab.sh("tshark", "-r", "get.pcapng", "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0",
                 "-T", "fields", "-e", "tcp.options.mss_val").split()
    lab.check(mss == [str(MTU - 40)], f"the MSS that naru offers: {mss}")


def main():
    lab.need("dhcpd", "curl", "tshark")
    lab.make_tap()
    lab.sh("ip", "addr", "add", f"{BEYOND}/32", "dev", "lo")
    lab.work_folder()
    page.make()
    start_dhcpd()
    first = serves_a_page()
    again = serves_a_page()
    lab.check(first == again, f"the same address: {first}, {again}")
    lab.start("python3", "-m", "http.server", "8000", "--directory", "site",
              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lab.wait_for(lambda: lab.run("curl", "-s", f"http://{lab.KERNEL}:8000/page").returncode == 0,
                 "the kernel's server answers")
    obeys_the_mtu()
    print("dhcpd: well")


if __name__ == "__main__":
    main()
