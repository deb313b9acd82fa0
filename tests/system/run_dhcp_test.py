#!/usr/bin/env python3
"""naru run --ip dhcp: a program starts when its session has an address from dnsmasq, which the
keeper keeps, changes and gives back."""

import json
import subprocess
from pathlib import Path

import dnsmasq
import lab
import programs

FLAGS = ["--link", f"tap:{lab.DEVICE}", "--ip", "dhcp", "--mac", "02:00:00:00:00:77"]
PORT = 8080
ASK = """
import fcntl, json, socket, struct
def ioctl(number):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return fcntl.ioctl(s, number, struct.pack("16s16x", b"eth0"))
print(json.dumps({"address": socket.inet_ntoa(ioctl(0x8915)[20:24]),
                  "mtu": struct.unpack("16xi12x", ioctl(0x8921))[0],
                  "name": socket.gethostbyname("www.shop.example"),
                  "short": socket.gethostbyname("www")}))"""


def said():
    return Path("dnsmasq.log").read_text()


def serve(bench):
    session = programs.Session(bench, *FLAGS)
    session.start("python3", "-m", "http.server", PORT, "--directory", "pages")
    return session


def fetch(address):
    def answers():
        done = lab.run("curl", "-s", "--max-time", "20", f"http://{address}:{PORT}/page")
        return done.stdout == "hello\n"
    lab.wait_for(answers, f"a page from {address}", 30)


def a_program_starts_with_all(bench):
    """Address, MTU, name servers and search list."""
    server = dnsmasq.start_dnsmasq("--dhcp-option=26,1400")
    session = programs.Session(bench, *FLAGS)
    told = json.loads(session.run("python3", "-c", ASK))
    lab.check(told == {"address": dnsmasq.FIRST, "mtu": 1400, "name": "192.0.2.1",
                       "short": "192.0.2.1"}, f"what the program is told: {told}")
    lab.check(dnsmasq.FIRST in bench.sessions()[0], f"naru ps: {bench.sessions()}")
    session.end()
    lab.wait_for(lambda: dnsmasq.leases() == [], "the address is given back")
    lab.wait_for(lambda: not bench.sessions(), "the session ends")
    lab.check("DHCPRELEASE" in said(), said())
    # Name servers that the user names come before those of the lease.
    done = lab.run(bench.naru, "run", *FLAGS, "--dns", "10.77.0.99", "--", "python3", "-c", """
import socket
try: print(socket.gethostbyname("www.shop.example"))
except socket.gaierror as error: print(error.args[0] == socket.EAI_AGAIN)""",
                   env=bench.environment, timeout=120)
    lab.check(done.stdout == "True\n", f"--dns: {done.stdout}{done.stderr}")
    end(server, bench)


def end(server, bench):
    lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)
    server.kill()
    server.wait()


def the_keeper_renews(bench):
    """While the programs sleep."""
    server = dnsmasq.start_dnsmasq()
    session = serve(bench)
    fetch(dnsmasq.FIRST)
    before = said().count("DHCPACK")
    lab.wait_for(lambda: said().count("DHCPACK") >= before + 2, "two renewals", 60)
    lab.check(said().count("DHCPDISCOVER") == 1, f"the lease is the same: {said()}")
    fetch(dnsmasq.FIRST)
    session.end()
    end(server, bench)


def another_address(bench):
    """The server knows nothing of the lease any more, and refuses it."""
    server = dnsmasq.start_dnsmasq()
    session = serve(bench)
    fetch(dnsmasq.FIRST)
    server.kill()
    server.wait()
    Path("leases").unlink()
    server = dnsmasq.start_dnsmasq(first="10.77.0.130", last="10.77.0.140")
    lab.wait_for(lambda: "DHCPNAK" in said(), "the lease is refused", 60)
    lab.wait_for(lambda: dnsmasq.leases() == ["10.77.0.130"], "another address", 30)
    fetch("10.77.0.130")
    lab.check(lab.run("curl", "-s", "--max-time", "2",
                      f"http://{dnsmasq.FIRST}:{PORT}/page").returncode in (7, 28),
              "the old one is gone")
    told = session.run("python3", "-c", "import socket; print(socket.gethostbyname('www'))")
    lab.check(told == "192.0.2.1\n", f"names at the new address: {told}")
    session.end()
    end(server, bench)


def somebody_has_it(bench):
    lab.sh("ip", "addr", "add", f"{dnsmasq.FIRST}/24", "dev", lab.DEVICE)
    server = dnsmasq.start_dnsmasq()
    session = serve(bench)
    lab.check(dnsmasq.leases() == ["10.77.0.101"], f"the next one: {dnsmasq.leases()}")
    fetch("10.77.0.101")
    lab.check("DHCPDECLINE" in said(), f"the first is declined: {said()}")
    session.end()
    end(server, bench)
    lab.sh("ip", "addr", "del", f"{dnsmasq.FIRST}/24", "dev", lab.DEVICE)


def mistakes(bench):
    for flags, words in ((("--gw", "10.77.0.1"), "it comes with the address"), ((), "nobody gives")):
        process = lab.start(bench.naru, "run", *FLAGS, *flags, "--", "true", env=bench.environment,
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if not flags:  # who waits for an address keeps nobody else waiting
            lab.wait_for(bench.sessions, "the session is there")
            with lab.timed("another session", at_most=10):
                lab.check(lab.run(bench.naru, "run", "--", "true", env=bench.environment)
                          .returncode == 0, "another session")
            lab.check(process.poll() is None, "it still waits")
        said = process.communicate(timeout=60)[1]
        lab.check(process.returncode == 1 and words in said, f"{flags}: {said}")


def main():
    lab.need_preload()
    lab.need("dnsmasq", "curl", "python3")
    lab.make_tap()
    bench = programs.Bench()
    Path("pages").mkdir()
    Path("pages/page").write_text("hello\n")
    for test in (a_program_starts_with_all, the_keeper_renews, another_address, somebody_has_it,
                 mistakes):
        with lab.timed(test.__name__):
            test(bench)


if __name__ == "__main__":
    main()
