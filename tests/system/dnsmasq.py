"""A DHCP server of the kernel's beside the tap device: dnsmasq, with names of its own."""

import subprocess
from pathlib import Path

import lab

FIRST = "10.77.0.100"
LAST = "10.77.0.120"
KERNEL6 = "fd00:77::1"
# Of a router, too: a prefix and a name server.
ROUTER = ("--enable-ra", f"--dhcp-range=::,constructor:{lab.DEVICE},ra-stateless,64,2m",
          f"--dhcp-option=option6:dns-server,[{KERNEL6}]", "--dhcp-option=option6:domain-search,shop.example",
          "--ra-param=" + lab.DEVICE + ",high,5,600")


def start_dnsmasq(*options, first=FIRST, last=LAST):
    Path("leases").touch()
    server = lab.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                       f"--interface={lab.DEVICE}", "--bind-interfaces", "--no-ping", "--user=root",
                       f"--dhcp-leasefile={Path.cwd()}/leases",
                       f"--dhcp-range={first},{last},255.255.255.0,2m", "--dhcp-sequential-ip",
                       "--dhcp-authoritative", "--dhcp-option=option:domain-search,shop.example,example",
                       "--dhcp-option=option:T1,10s",
                       "--dhcp-option=121,192.0.2.0/24,10.77.0.1,0.0.0.0/0,10.77.0.1",
                       "--address=/www.shop.example/192.0.2.1", *options, stdout=open("dnsmasq.log", "w"),
                       stderr=subprocess.STDOUT)
    lab.wait_for(lambda: "DHCP, IP range" in Path("dnsmasq.log").read_text(), "dnsmasq is ready")
    return server


def leases():
    return [line.split()[2] for line in Path("leases").read_text().splitlines()]
