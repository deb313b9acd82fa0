#!/usr/bin/env python3
"""A kernel router that has its routes from bird, between naru and a server: naru's host with
routes of its own and with those that bird advertises, and naru's router before two ways of bird's.

    naru 10.77.0.2 ═══════ tap naru0 ═╗
         2001:db8:77::2               ║ bird           ╔═ near1 ══ far1 ═╗ server
    client ═ left ═ naru router ══════╬═ 10.77.0.1    ═╣                 ╠═ 198.51.100.7
             10.2.0.1   10.77.0.9     ║  2001:db8:77::1╚═ near2 ══ far2 ═╝  2001:db8:7::7
    a router of low preference ═══════╝
"""

import json
import subprocess
from pathlib import Path

import lab
from namespaces import Namespace, url_of

SERVER, SERVER_V6 = "198.51.100.7", "2001:db8:7::7"
BIRD, BIRD_V6 = "10.77.0.1", "2001:db8:77::1"
ROUTER, ROUTER_V6 = "10.77.0.9", "2001:db8:77::9"
INSIDE, INSIDE_V6 = "10.2.0.1", "2001:db8:20::1"
CLIENT, CLIENT_V6 = "10.2.0.5", "2001:db8:20::5"
NAME = "www.shop.example"
FLOWS = 24
# bird says no to these, each in its own way.
UNREACHABLE, PROHIBITED, SWALLOWED = "203.0.113.1", "203.0.113.65", "203.0.113.129"
UNREACHABLE_V6, PROHIBITED_V6, SWALLOWED_V6 = "2001:db8:a::1", "2001:db8:b::1", "2001:db8:c::1"
CONFIG = f"""
router id {BIRD};
protocol device {{ }}
protocol kernel {{ ipv4 {{ export all; }}; }}
protocol kernel {{ ipv6 {{ export all; }}; }}
protocol static {{
  ipv4;
  route 198.51.100.0/24 via 10.1.1.2 via 10.1.2.2;
  route 203.0.113.0/26 unreachable;
  route 203.0.113.64/26 prohibit;
  route 203.0.113.128/26 blackhole;
  route 10.2.0.0/24 via {ROUTER};
}}
protocol static {{
  ipv6;
  route 2001:db8:7::/48 via 2001:db8:1::2 via 2001:db8:2::2;
  route 2001:db8:a::/48 unreachable;
  route 2001:db8:b::/48 prohibit;
  route 2001:db8:c::/48 blackhole;
  route 2001:db8:20::/64 via {ROUTER_V6};
}}
protocol radv {{
  ipv6 {{ table master6; export all; }};
  propagate routes yes;
  interface "br0" {{
    min delay 1;
    default preference high;
    current hop limit 77;
    link mtu 1400;
    rdnss {BIRD_V6};
    dnssl "shop.example";
  }};
}}
"""
# No way to anywhere: what is sent there is lost.
LOW = f"""
router id 192.0.2.1;
protocol device {{ }}
protocol radv {{
  interface "low" {{
    min delay 1;
    default preference low;
    current hop limit 0;
  }};
}}
"""
LINK = ["--link", f"tap:{lab.DEVICE}", "--capture", "capture"]
OWN = [*LINK, "--ip", "10.77.0.2/24", "--route", f"198.51.100.0/24={BIRD}", "--route",
       f"203.0.113.0/24={BIRD}"]
OWN_V6 = [*LINK, "--ip6", "2001:db8:77::2/64", "--route", f"2001:db8::/32={BIRD_V6}"]


class Bird:
    """bird with this configuration, in the lab's namespace or another."""

    def __init__(self, name, config, where=lab):
        Path(f"{name}.conf").write_text(config)
        self.log = Path(f"{name}.log")
        self.process = where.start("bird", "-f", "-c", f"{name}.conf", "-s", f"{name}.ctl", "-P",
                                   f"{name}.pid", stdout=self.log.open("w"),
                                   stderr=subprocess.STDOUT)
        lab.wait_for(lambda: Path(f"{name}.ctl").exists(), f"{name} is ready")

    def end(self):
        self.process.terminate()
        lab.check(self.process.wait(10) == 0, f"bird: {self.log.read_text()}")


def make_bridge():
    """The network that naru's hosts, its router and both of bird's are on."""
    lab.sh("ip", "link", "set", "lo", "up")
    for name in ("ipv4.ip_forward", "ipv6.conf.all.forwarding", "ipv4.fib_multipath_hash_policy",
                 "ipv6.fib_multipath_hash_policy"):
        lab.sh("sysctl", "-qw", f"net.{name}=1")
    lab.sh("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    lab.sh("ip", "link", "add", "port", "type", "veth", "peer", "name", "low")
    for tap in (lab.DEVICE, "right", "left"):
        lab.sh("ip", "tuntap", "add", "dev", tap, "mode", "tap")
    for device in (lab.DEVICE, "right", "port"):
        lab.sh("ip", "link", "set", device, "master", "br0", "up")
    lab.sh("ip", "addr", "add", f"{BIRD}/24", "dev", "br0")
    lab.sh("ip", "addr", "add", f"{BIRD_V6}/64", "dev", "br0", "nodad")
    lab.sh("ip", "link", "set", "br0", "up")


def make_server():
    """Two wires lead to it."""
    server = Namespace()
    for number in (1, 2):
        near, far = f"near{number}", f"far{number}"
        lab.sh("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        lab.sh("ip", "addr", "add", f"10.1.{number}.1/24", "dev", near)
        lab.sh("ip", "addr", "add", f"2001:db8:{number}::1/64", "dev", near, "nodad")
        lab.sh("ip", "link", "set", near, "up")
        server.take(far, f"10.1.{number}.2/24", f"2001:db8:{number}::2/64")
    for address in (SERVER, SERVER_V6):
        server.sh("ip", "addr", "add", address, "dev", "lo")
        server.serve(address, 80)
    for gateway in ("10.1.1.1", "2001:db8:1::1"):
        server.sh("ip", "route", "add", "default", "via", gateway)


def has_its_routes():
    for family in ("-4", "-6"):
        lab.wait_for(lambda family=family: lab.sh("ip", family, "route", "show", "proto", "bird")
                     .count("nexthop") == 2, "bird's routes in the kernel")


def get(url, *flags):
    return lab.run(lab.PROGRAM, "get", url, "-o", "got", "--timeout", "10", *flags)


def fetches(url, *flags):
    Path("got").write_text("")
    done = get(url, *flags)
    lab.check(done.returncode == 0 and Path("got").read_text() == "hello\n", f"get: {done}")


def captured(what, *fields):
    """These fields of the frames of naru's latest host."""
    wanted = [word for field in fields for word in ("-e", field)]
    return lab.sh("tshark", "-r", "capture", "-Y", what, "-T", "fields", *wanted).splitlines()


def fetches_by_its_own_routes():
    fetches(url_of(SERVER, 80), *OWN)
    fetches(url_of(SERVER_V6, 80), *OWN_V6)


def is_told_at_once():
    """One SYN: the word of bird's kernel is not waited out."""
    for address, why, flags in ((UNREACHABLE, "No route to host", OWN),
                                (PROHIBITED, "No route to host", OWN),
                                (UNREACHABLE_V6, "Network is unreachable", OWN_V6),
                                (PROHIBITED_V6, "Permission denied", OWN_V6)):
        done = get(url_of(address, 80), *flags)
        lab.check(done.returncode == 1 and done.stderr.endswith(f": {why}\n"), f"get: {done}")
        syns = captured("tcp && !icmp && !icmpv6", "frame.number")
        lab.check(len(syns) == 1, f"SYNs to {address}: {syns}")
    for address, flags in ((SWALLOWED, OWN), (SWALLOWED_V6, OWN_V6)):
        done = lab.run(lab.PROGRAM, "get", url_of(address, 80), "--timeout", "0.5", *flags)
        lab.check("nothing came" in done.stderr, f"get: {done}")


def goes_by_what_is_advertised():
    """A name of the server and search domain, an address of the prefix, the way of the better
    router, with its hop limit and MTU."""
    names = lab.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
                      "--no-hosts", "--interface=br0", "--bind-interfaces", "--user=root",
                      f"--address=/{NAME}/{SERVER_V6}", stdout=open("dnsmasq.log", "w"),
                      stderr=subprocess.STDOUT)
    lab.wait_for(lambda: "started" in Path("dnsmasq.log").read_text(), "dnsmasq is ready")
    fetches("http://www/file", *LINK, "--ip6", "auto")
    # RFC 4191's numbers of high and low; 24 is route information, which is passed over.
    heard = [line.split() for line in captured("icmpv6.type == 134", "icmpv6.nd.ra.flag.prf",
                                               "icmpv6.opt.type")]
    lab.check({said[0] for said in heard} == {"1", "3"}, f"both routers are heard: {heard}")
    lab.check(any("24" in said[1].split(",") for said in heard), f"its routes: {heard}")
    syn = captured("tcp.flags == 2", "ipv6.src", "ipv6.hlim", "tcp.options.mss_val")
    source, hops, mss = syn[0].split()
    lab.check(source.startswith("2001:db8:77:") and (hops, mss) == ("77", "1340"), f"SYN: {syn}")
    names.kill()


def carried():
    """Frames that went to the server by each of the ways."""
    said = [json.loads(lab.sh("ip", "-j", "-s", "link", "show", near))[0]
            for near in ("near1", "near2")]
    return [way["stats64"]["tx"]["packets"] for way in said]


def flows_take_both_ways():
    router = lab.start(lab.PROGRAM, "router", "--link", f"tap:left={INSIDE}/24,{INSIDE_V6}/64",
                       "--link", f"tap:right={ROUTER}/24,{ROUTER_V6}/64",
                       "--route", f"198.51.100.0/24={BIRD}",
                       "--route", f"2001:db8:7::/48={BIRD_V6}",
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    line = router.stdout.readline()
    lab.check(line.startswith("naru: routing"), f"naru router says {line!r}")
    client = Namespace()
    client.take("left", f"{CLIENT}/24", f"{CLIENT_V6}/64")
    for gateway in (INSIDE, INSIDE_V6):
        client.sh("ip", "route", "add", "default", "via", gateway)
    for address in (SERVER, SERVER_V6):
        before = carried()
        for _ in range(FLOWS):
            said = client.sh("curl", "-sS", "--max-time", "10", url_of(address, 80))
            lab.check(said == "hello\n", f"curl: {said!r}")
        frames = [now - then for now, then in zip(carried(), before)]
        print(f"{FLOWS} flows to {address}: {frames} frames")
        # A flow has four frames or more in this direction: SYN, ACK, the request, and a FIN that
        # may acknowledge the whole answer. Few are the neighbours'.
        lab.check(min(frames) >= 4 and sum(frames) >= 4 * FLOWS, f"ways to {address}: {frames}")
    lab.end(router)


def main():
    lab.need("bird", "curl", "dnsmasq", "nsenter", "sysctl", "tshark")
    lab.work_folder()
    Path("file").write_text("hello\n")
    make_bridge()
    make_server()
    low = Namespace()
    low.take("low")
    # Both have said hello when a host asks, and then answer it at once.
    birds = Bird("bird", CONFIG), Bird("low", LOW, low)
    has_its_routes()
    for test in (fetches_by_its_own_routes, is_told_at_once, flows_take_both_ways,
                 goes_by_what_is_advertised):
        with lab.timed(test.__name__):
            test()
    for bird in birds:
        bird.end()


if __name__ == "__main__":
    main()
