#!/usr/bin/env python3
"""naru gets its IPv6 address, default route and name server from radvd; and the kernel its own
from naru router.

    kernel fe80::.. 2001:db8:77::1  naru0 ══ tap ══ naru 2001:db8:77::<made up>
           2001:db8:99::1 on lo
"""

import subprocess
import time
from pathlib import Path

import lab
import page

PREFIX = "2001:db8:77::"
KERNEL = f"{PREFIX}1"
BEYOND = "2001:db8:99::1"
LINK = ["--link", f"tap:{lab.DEVICE}", "--ip6", "auto"]
RADVD = f"""
interface {lab.DEVICE} {{
  AdvSendAdvert on;
  MinRtrAdvInterval 3;
  MaxRtrAdvInterval 10;
  prefix {PREFIX}/64 {{ AdvOnLink on; AdvAutonomous on; }};
  RDNSS {KERNEL} {{ AdvRDNSSLifetime 600; }};
  DNSSL shop.example {{ AdvDNSSLLifetime 600; }};
}};
"""


def make_link():
    lab.make_tap()
    lab.sh("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    lab.sh("ip", "addr", "add", f"{KERNEL}/64", "dev", lab.DEVICE, "nodad")
    lab.sh("ip", "addr", "add", f"{BEYOND}/128", "dev", "lo")


def start_radvd():
    Path("radvd.conf").write_text(RADVD)
    radvd = lab.start("radvd", "-n", "-C", "radvd.conf", "-p", f"{Path.cwd()}/radvd.pid", "-m",
                      "stderr", "-u", "root", stdout=open("radvd.log", "w"),
                      stderr=subprocess.STDOUT)
    time.sleep(0.5)
    lab.check(radvd.poll() is None, f"radvd: {Path('radvd.log').read_text()}")
    return radvd


def start_dnsmasq():
    server = lab.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
                       "--no-hosts", f"--interface={lab.DEVICE}", "--bind-interfaces",
                       "--user=root", "--address=/www.shop.example/192.0.2.1",
                       stdout=open("dnsmasq.log", "w"), stderr=subprocess.STDOUT)
    lab.wait_for(lambda: "started" in Path("dnsmasq.log").read_text(), "dnsmasq is ready")
    return server


def serves_a_page():
    process, address = page.serve(*LINK)
    lab.check(address.startswith(PREFIX[:-1]), f"an address of radvd's prefix: {address}")
    page.fetch(address)
    lab.sh("ping", "-6", "-c", "3", "-i", "0.2", "-W", "10", address)
    page.fetch(address, "--interface", BEYOND)  # what it says goes by its default route
    page.stop(process)
    process, again = page.serve(*LINK)
    page.fetch(again)
    page.stop(process)
    machine = Path("/etc/machine-id")
    if machine.exists() and len(machine.read_text()) >= 32:
        lab.check(again == address, f"the same address after a new start: {again}, {address}")


def fetches_from_beyond():
    server = lab.start("python3", "-m", "http.server", "80", "--bind", BEYOND, "--directory",
                       "site", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lab.wait_for(lambda: lab.run("curl", "-s", f"http://[{BEYOND}]/page").returncode == 0,
                 "the kernel's server answers")
    done = lab.run(lab.PROGRAM, "get", "http://beyond/page", *LINK, "-o", "fetched", "--resolve",
                   "beyond", BEYOND)
    lab.check(done.returncode == 0 and Path("fetched").read_text() == "hello\n", f"get: {done}")
    server.kill()
    server.wait()


def asks_for_a_name():
    """The name server came with the prefix."""
    done = lab.run(lab.PROGRAM, "dig", *LINK, "www.shop.example", timeout=60)
    lab.check(done.returncode == 0 and "192.0.2.1" in done.stdout
              and f"from {KERNEL}" in done.stdout, f"dig: {done}")


def nobody_there(radvd):
    radvd.terminate()
    radvd.wait()
    done = lab.run(lab.PROGRAM, "dig", *LINK, "www.shop.example", timeout=60)
    lab.check(done.returncode == 1 and "no router" in done.stderr, f"no router: {done}")


def advertises_to_the_kernel():
    """The other way round: naru is the router, the kernel a host."""
    lab.sh("sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
    lab.sh("ip", "addr", "del", f"{KERNEL}/64", "dev", lab.DEVICE)
    router = lab.start(lab.PROGRAM, "router", "--link", f"tap:{lab.DEVICE}=2001:db8:55::1/64",
                       "--advertise", "2001:db8:55::/64", "--name-server", "2001:db8:55::53",
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lab.check(router.stdout.readline().startswith("naru: routing"), "naru router")
    lab.sh("sysctl", "-qw", f"net.ipv6.conf.{lab.DEVICE}.accept_ra=1")
    lab.wait_for(lambda: "2001:db8:55:" in lab.sh("ip", "-6", "addr", "show", "dev", lab.DEVICE)
                 and "tentative" not in lab.sh("ip", "-6", "addr", "show", "dev", lab.DEVICE),
                 "the kernel has an address of naru's prefix", 40)
    lab.wait_for(lambda: "proto ra" in lab.sh("ip", "-6", "route", "show", "default"),
                 "and its default route", 20)
    lab.sh("ping", "-6", "-c", "3", "-i", "0.2", "-W", "10", "2001:db8:55::1")
    asked = lab.run("rdisc6", "-1", lab.DEVICE)
    lab.check("2001:db8:55::/64" in asked.stdout and "2001:db8:55::53" in asked.stdout,
              f"rdisc6: {asked}")
    who = lab.run("ndisc6", "-1", "2001:db8:55::1", lab.DEVICE)
    lab.check(who.returncode == 0 and "Target link-layer" in who.stdout, f"ndisc6: {who}")
    page.stop(router)
    lab.wait_for(lambda: lab.sh("ip", "-6", "route", "show", "default") == "",
                 "the kernel leaves a router that says goodbye")


def main():
    lab.need("radvd", "dnsmasq", "curl", "ping", "rdisc6", "ndisc6", "sysctl")
    lab.work_folder()
    make_link()
    page.make()
    radvd = start_radvd()
    names = start_dnsmasq()
    for test in (serves_a_page, fetches_from_beyond, asks_for_a_name):
        test()
        print(f"{test.__name__}: well", flush=True)
    names.kill()
    nobody_there(radvd)
    advertises_to_the_kernel()
    print("advertises_to_the_kernel: well", flush=True)


if __name__ == "__main__":
    main()
