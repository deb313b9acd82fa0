#!/usr/bin/env python3
"""Two kernels with naru's router between them, and then with its NAT.

    client 10.1.0.5 ══ tap left ══ naru ══ tap right ══ server 192.0.2.254, 198.51.100.7
           2001:db8:1::5                                       2001:db8:2::fe, 2001:db8:7::7
"""

import json
import re
import subprocess

import lab
from namespaces import Namespace, url_of

CLIENT = "10.1.0.5"
INSIDE = "10.1.0.1"
OUTSIDE = "192.0.2.1"
SERVER = "192.0.2.254"
BEYOND = "198.51.100.7"  # of the server too, behind its own network
CLIENT_V6 = "2001:db8:1::5"
INSIDE_V6 = "2001:db8:1::1"
OUTSIDE_V6 = "2001:db8:2::1"
SERVER_V6 = "2001:db8:2::fe"
BEYOND_V6 = "2001:db8:7::7"
SIZE = (4 if lab.SLOW else 64) << 20
# Of a stream: an amount, not a time, for every byte of it is captured twice and read by tshark.
STREAM = "64M"


class Road:
    """The client, the router with these flags, and the server."""

    def __init__(self, *flags, capture):
        self.router = lab.start(
            lab.PROGRAM, "router", "--link", f"tap:left={INSIDE}/24,{INSIDE_V6}/64",
            "--link", f"tap:right={OUTSIDE}/24,{OUTSIDE_V6}/64",
            "--route", f"{BEYOND}/32={SERVER}", "--route", f"{BEYOND_V6}/128={SERVER_V6}",
            "--capture", capture, *flags, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        line = self.router.stdout.readline()
        lab.check(line.startswith("naru: routing"), f"naru router says {line!r}")
        self.client, self.server = Namespace(), Namespace()
        self.client.take("left", f"{CLIENT}/24", f"{CLIENT_V6}/64")
        self.server.take("right", f"{SERVER}/24", f"{SERVER_V6}/64")
        for gateway in (INSIDE, INSIDE_V6):
            self.client.sh("ip", "route", "add", "default", "via", gateway)
        for address in (f"{BEYOND}/32", f"{BEYOND_V6}/128"):
            self.server.sh("ip", "addr", "add", address, "dev", "lo")

    def close(self):
        lab.end(self.router)
        for namespace in (self.client, self.server):
            namespace.end()


def carries_files(road, digest, server=BEYOND):
    with lab.timed(f"curl fetched {SIZE >> 20} MiB from {server}"):
        road.client.sh("curl", "-sSf", "-o", "got", url_of(server, 8000))
    lab.check(lab.sha256("got") == digest, "the file that came is another")


def carried(road):
    """Bytes and frames that have come to the server and left it."""
    said = json.loads(road.server.sh("ip", "-j", "-s", "link", "show", "right"))[0]["stats64"]
    return [(said[way]["bytes"], said[way]["packets"]) for way in ("rx", "tx")]


def carries_iperf3(road, to=BEYOND):
    for flags in (["-n", STREAM], ["-n", STREAM, "-R"], ["-u", "-b", "5M", "-t", "2"]):
        before = carried(road)
        server = road.server.start("iperf3", "-s", "-1", "-B", to, stdout=subprocess.PIPE)
        lab.wait_for(lambda: "5201" in road.server.sh("ss", "-ltn"), "iperf3's server", 60)
        said = road.client.sh("iperf3", "-c", to, *flags)
        rates = re.findall(r"([\d.]+ .bits/sec).*receiver", said)
        lab.check(rates, f"iperf3 {' '.join(flags)} has carried nothing:\n{said}")
        # What a busy machine loses of a stream of datagrams says nothing about the router.
        lost = re.findall(r"/\d+ \((\S+%)\) +receiver", said)
        print(f"iperf3 {' '.join(flags)}: {rates[0]}{', lost ' + lost[0] if lost else ''}")
        lab.check(server.wait(10) == 0, "iperf3's server failed")
        way = 1 if "-R" in flags else 0
        size, frames = (a - b for a, b in zip(carried(road)[way], before[way]))
        # The kernel hands over segments of up to 64 KiB, and they are not cut on the way.
        whole = "-u" in flags or size / frames > 10_000
        lab.check(whole, f"frames with {to} have {size / frames:.0f} bytes")


def is_seen_by_traceroute(road, first=INSIDE, last=BEYOND):
    for flags in ([], ["-I"]):
        said = road.client.sh("traceroute", "-n", *flags, "-w", "2", "-q", "1", last)
        hops = re.findall(r"^ *\d+ +(\S+)", said, re.MULTILINE)
        lab.check(hops == [first, last], f"traceroute {flags} sees {hops}")
    said = road.client.sh("mtr", "-n", "--report", "-c", "3", "-i", "0.3", last)
    hops = re.findall(r"\|-- (\S+) +(\S+)%", said)
    lab.check(hops == [(first, "0.0"), (last, "0.0")], f"mtr sees {hops}")


def tells_the_mtu(road):
    road.client.sh("ping", "-c", "1", "-W", "2", "-s", "8000", BEYOND)  # in fragments
    done = lab.run(*road.client.inside("ping", "-c", "1", "-W", "2", "203.0.113.1"))
    lab.check("Net Unreachable" in done.stdout, f"ping to nowhere says {done.stdout!r}")


def tells_of_no_way(road):
    road.client.sh("ping", "-c", "1", "-W", "2", "-s", "8000", BEYOND_V6)
    done = lab.run(*road.client.inside("ping", "-c", "1", "-W", "2", "2001:db8:9::1"))
    lab.check("No route" in done.stdout, f"ping to nowhere says {done.stdout!r}")


def of_ipv6(road, digest):
    road.server.sh("ip", "route", "add", f"{CLIENT_V6}/128", "via", OUTSIDE_V6)
    road.server.serve(BEYOND_V6, 8000)
    carries_files(road, digest, BEYOND_V6)
    is_seen_by_traceroute(road, INSIDE_V6, BEYOND_V6)
    tells_of_no_way(road)
    carries_iperf3(road, BEYOND_V6)


def main():
    lab.need("curl", "iperf3", "traceroute", "mtr", "ping", "nsenter", "ss")
    lab.work_folder()
    digest = lab.write_file("file", SIZE)
    for device in ("left", "right"):
        lab.sh("ip", "tuntap", "add", "dev", device, "mode", "tap")

    print("a router:")
    road = Road(capture="router.pcapng")
    road.server.sh("ip", "route", "add", "10.1.0.0/24", "via", OUTSIDE)
    road.server.serve(BEYOND, 8000)
    carries_files(road, digest)
    is_seen_by_traceroute(road)
    tells_the_mtu(road)
    carries_iperf3(road)
    lab.check(CLIENT in open("log").read(), "the server has not seen the client's address")
    of_ipv6(road, digest)
    road.close()

    for device in ("left", "right"):
        lab.run("ip", "tuntap", "del", "dev", device, "mode", "tap")
        lab.sh("ip", "tuntap", "add", "dev", device, "mode", "tap")
    print("a NAT:")
    road = Road("--nat", "tap:right", "-p", f"8080:{CLIENT}:8000", capture="nat.pcapng")
    road.server.serve(BEYOND, 8000)
    carries_files(road, digest)
    is_seen_by_traceroute(road)
    tells_the_mtu(road)
    carries_iperf3(road)
    said = open("log").read()
    lab.check(OUTSIDE in said and CLIENT not in said, "the server has seen the inside")
    road.client.serve(CLIENT, 8000)
    road.server.sh("curl", "-sSf", "-o", "led", f"http://{OUTSIDE}:8080/file")
    lab.check(lab.sha256("led") == digest, "the file of the forwarded port is another")
    road.client.sh("curl", "-sSf", "-o", "led", f"http://{OUTSIDE}:8080/file")  # hairpin
    lab.check(lab.sha256("led") == digest, "the file by the hairpin is another")
    road.close()
    for capture in ("router.pcapng", "nat.pcapng"):
        # The kernel leaves checksums to its devices; what is quoted of such packets has none.
        lab.check_capture(capture, but="icmp.type == 3 || icmp.type == 11 || icmpv6.type == 1 "
                                   "|| icmpv6.type == 3")


main()
