#!/usr/bin/env python3
"""iperf3 under naru run, both ends: TCP one way, the other, both; UDP; errors."""

import json
import time

import lab
import programs

PORT = 5201


def start(m, *flags):
    server = m.server.start("iperf3", "-s", "-p", PORT, *flags)
    m.client.run("python3", "-c", f"""
import socket, time
for _ in range(200):
    try:  # its control connection wants 37 bytes and says so when it gets none
        socket.create_connection(({m.address!r}, {PORT}), 5).close()
        break
    except OSError:
        time.sleep(0.05)
else:
    raise SystemExit("iperf3 does not listen")""")
    return server


def measure(m, *flags):
    length = () if "-k" in flags else ("-t", 1)
    said = json.loads(m.client.run("iperf3", "-c", m.address, "-p", PORT, "-J", *length, *flags))
    lab.check("error" not in said, f"iperf3 {flags}: {said.get('error')}")
    return said["end"]


def tcp(m):
    server = start(m)
    for flags in ((), ("-R",), ("-P", 4), ("-Z",), ("-l", 1000, "-k", 20_000)):
        end = measure(m, *flags)
        sent, received = end["sum_sent"]["bytes"], end["sum_received"]["bytes"]
        lab.check(sent >= received > 1_000_000, f"iperf3 {flags}: {sent} sent, {received} received")
    end = measure(m, "--bidir")
    for direction in ("sum_received", "sum_received_bidir_reverse"):
        lab.check(end[direction]["bytes"] > 1_000_000, f"--bidir: {direction} {end[direction]}")
    server.terminate()
    server.wait(20)
    said = json.loads(m.client.run("iperf3", "-c", m.address, "-p", PORT, "-J", status=None))
    lab.check("Connection refused" in said["error"], "nobody listens")


def udp(m):
    server = start(m)
    for flags in ((), ("-R",), ("-l", 1400, "-P", 2)):
        end = measure(m, "-u", "-b", "10M", *flags)["sum"]
        lab.check(end["packets"] > 0 and end["bytes"] > 1_000_000, f"iperf3 -u {flags}: {end}")
        lab.check(end["lost_percent"] < 20, f"iperf3 -u {flags} loses {end['lost_percent']} %")
    server.kill()
    server.wait()


def client_that_is_killed(m):
    """The server notices, and serves the next."""
    server = start(m)
    for _ in range(3):
        client = m.client.start("iperf3", "-c", m.address, "-p", PORT, "-t", 20)
        time.sleep(0.3)
        client.kill()
        client.wait()
        lab.wait_for(lambda: is_served(m), "the next client is served", 30)
    lab.check(server.poll() is None, "the server goes on")
    server.kill()
    server.wait()


def is_served(m):
    said = json.loads(m.client.run("iperf3", "-c", m.address, "-p", PORT, "-J", "-n", "1M",
                                   status=None))
    return "error" not in said and said["end"]["sum_received"]["bytes"] >= 1_000_000


if __name__ == "__main__":
    programs.run(tcp, udp, client_that_is_killed, needs=("iperf3",))
