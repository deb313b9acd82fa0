#!/usr/bin/env python3
"""Debian's ping under naru run, without the file capabilities that would keep the library out."""

import re
import shutil

import lab
import programs


def ping(m, *arguments, status=0):
    # The copy has no capabilities, so that an ordinary user has ICMP datagram sockets only.
    copy = shutil.copyfile(shutil.which("ping"), m.client.bench.folder / "ping")
    copy.chmod(0o755)
    return m.client.run(copy, *arguments, status=status)


def answers(m):
    for size in (56, 1400, 8000, 60000):
        said = ping(m, "-c", 5, "-i", 0.2, "-s", size, "-W", 10, m.address)
        lab.check("5 received, 0% packet loss" in said, f"ping -s {size}: {said}")
        lab.check(len(re.findall(rf"{size + 8} bytes from .*ttl=64", said)) == 5, f"ping: {said}")


def answers_over_ipv6(m):
    address = "::1" if m.server is m.client else m.address
    for size in (56, 1400, 8000, 60000):
        said = ping(m, "-6", "-c", 3, "-i", 0.2, "-s", size, "-W", 10, address)
        lab.check("3 received, 0% packet loss" in said, f"ping -6 -s {size}: {said}")
        lab.check(len(re.findall(rf"{size + 8} bytes from .*ttl=64", said)) == 3, f"ping -6: {said}")
    said = ping(m, "-6", "-c", 1, "-W", 1, "fd77::ffff" if address == m.address else "2001:db8::1",
                status=None)
    lab.check("1 received" not in said, f"nobody is there: {said}")


def silence_and_nonsense(m):
    said = ping(m, "-c", 1, "-W", 1, "192.0.2.1", status=None)
    lab.check("1 received" not in said, f"nobody is there: {said}")
    ping(m, "-c", 1, "no-such-host", status=2)


if __name__ == "__main__":
    programs.run(answers, answers_over_ipv6, silence_and_nonsense, needs=("ping",))
