#!/usr/bin/env python3
"""iperf3 under naru run, both ends: TCP one way, the other, both; UDP; errors."""

import json
import time
from pathlib import Path

import lab
import programs

PORT = 5201


class Server:
    """iperf3 listens anew for each test: who comes while it does so is sent away."""

    def __init__(self, m):
        self.m = m
        self.process = m.server.start("iperf3", "-s", "-p", PORT, "--forceflush")
        self.log = Path("iperf3.log")
        self.tests = 0
        self.wait()

    def wait(self):
        lab.wait_for(lambda: self.log.read_text().count("Server listening") > self.tests,
                     f"iperf3 listens for test {self.tests + 1}", 30)

    def measure(self, *flags):
        self.wait()
        length = () if "-k" in flags else ("-t", 1)
        said = json.loads(self.m.client.run("iperf3", "-c", self.m.address, "-p", PORT, "-J",
                                            *length, *flags))
        lab.check("error" not in said, f"iperf3 {flags}: {said.get('error')}")
        self.tests += 1
        return said["end"]


def tcp(m):
    server = Server(m)
    for flags in ((), ("-R",), ("-P", 4), ("-Z",), ("-l", 1000, "-k", 20_000)):
        end = server.measure(*flags)
        sent, received = end["sum_sent"]["bytes"], end["sum_received"]["bytes"]
        lab.check(sent >= received > 1_000_000, f"iperf3 {flags}: {sent} sent, {received} received")
    end = server.measure("--bidir")
    for direction in ("sum_received", "sum_received_bidir_reverse"):
        lab.check(end[direction]["bytes"] > 1_000_000, f"--bidir: {direction} {end[direction]}")
    server.process.terminate()
    server.process.wait(20)
    said = json.loads(m.client.run("iperf3", "-c", m.address, "-p", PORT, "-J", status=None))
    lab.check("Connection refused" in said["error"], "nobody listens")


def udp(m):
    server = Server(m)
    for flags in ((), ("-R",), ("-l", 1400, "-P", 2)):
        end = server.measure("-u", "-b", "10M", *flags)["sum"]
        lab.check(end["packets"] > 0 and end["bytes"] > 1_000_000, f"iperf3 -u {flags}: {end}")
        lab.check(end["lost_percent"] < 20, f"iperf3 -u {flags} loses {end['lost_percent']} %")
    server.process.kill()
    server.process.wait()


def client_that_is_killed(m):
    """The server notices, and serves the next."""
    server = Server(m)
    for _ in range(3):
        client = m.client.start("iperf3", "-c", m.address, "-p", PORT, "-t", 20)
        time.sleep(0.3)
        client.kill()
        client.wait()
        lab.wait_for(lambda: is_served(m), "the next client is served", 30)
    lab.check(server.process.poll() is None, "the server goes on")
    server.process.kill()
    server.process.wait()


def is_served(m):
    said = json.loads(m.client.run("iperf3", "-c", m.address, "-p", PORT, "-J", "-n", "1M",
                                   status=None))
    return "error" not in said and said["end"]["sum_received"]["bytes"] >= 1_000_000


if __name__ == "__main__":
    programs.run(tcp, udp, client_that_is_killed, needs=("iperf3",))
