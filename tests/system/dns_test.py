#!/usr/bin/env python3
"""naru dig and naru run beside real name servers: three of nsd's, as root, top-level domain
and authority, and unbound, which finds out for others. All are the kernel's."""

import os
import subprocess
import time
from pathlib import Path

import lab
import name_servers

ROOT, DOMAIN, AUTHORITY, RECURSIVE = (f"10.77.0.{last}" for last in (10, 11, 12, 13))
LINK = ["--link", f"tap:{lab.DEVICE}", "--ip", f"{lab.NARU}/24"]
SOA = "admin.example. 1 3600 600 86400 60"
ZONES = {
    ROOT: (".", f"""
. 86400 SOA a.root. {SOA}
. 86400 NS a.root.
a.root. 86400 A {ROOT}
example. 86400 NS ns.nic.example.
ns.nic.example. 86400 A {DOMAIN}
"""),
    DOMAIN: ("example.", f"""
example. 3600 SOA ns.nic.example. {SOA}
example. 3600 NS ns.nic.example.
ns.nic.example. 3600 A {DOMAIN}
shop.example. 3600 NS ns.shop.example.
ns.shop.example. 3600 A {AUTHORITY}
"""),
    AUTHORITY: ("shop.example.", f"""
shop.example. 300 SOA ns.shop.example. {SOA}
shop.example. 300 NS ns.shop.example.
ns.shop.example. 300 A {AUTHORITY}
www.shop.example. 300 A 192.0.2.1
www.shop.example. 300 AAAA 2001:db8::1
web.shop.example. 300 CNAME www.shop.example.
_http._tcp.shop.example. 300 SRV 1 2 80 www.shop.example.
""" + "".join(f"many.shop.example. 300 A 192.0.{i >> 8}.{i & 255}\n" for i in range(300))),
}


def start(command, said):
    lab.start(*command, stdout=open(said, "w"), stderr=subprocess.STDOUT)


def start_nsd(address, zone, text):
    folder = Path("nsd-" + address)
    folder.mkdir()
    (folder / "zone").write_text(text)
    start(name_servers.nsd(folder.resolve(), zone, f"ip-address: {address}", "server-count: 1"),
          folder / "said")


def start_unbound():
    Path("hints").write_text(f". 86400 NS a.root.\na.root. 86400 A {ROOT}\n")
    start(name_servers.unbound(Path.cwd(), f"interface: {RECURSIVE}",
                               "access-control: 10.77.0.0/24 allow",
                               f'root-hints: "{Path.cwd()}/hints"', "do-ip6: no"), "unbound.log")


def dig(*words, status=0):
    done = lab.run(lab.PROGRAM, "dig", *LINK, *words, timeout=60)
    lab.check(done.returncode == status, f"dig {words}: {done.returncode} {done.stdout} {done.stderr}")
    return done.stdout


def rows(said):
    """The records: what is no remark."""
    return [line.split() for line in said.splitlines() if line and not line.startswith(";;")]


def asks_one():
    said = dig("www.shop.example", f"@{AUTHORITY}")
    lab.check(rows(said) == [["www.shop.example.", "300", "A", "192.0.2.1"]], f"an address: {said}")
    lab.check(said.startswith(";; NOERROR, authoritative\n"), f"what kind of answer: {said}")
    said = dig("_http._tcp.shop.example", "SRV", f"@{AUTHORITY}")
    lab.check(rows(said)[0][2:] == ["SRV", "1", "2", "80", "www.shop.example."], f"SRV: {said}")
    said = dig("nobody.shop.example", f"@{AUTHORITY}")
    lab.check(said.startswith(";; NXDOMAIN") and rows(said)[0][2] == "SOA", f"no name: {said}")
    lab.check(len(rows(dig("many.shop.example", f"@{AUTHORITY}"))) == 300, "an answer over TCP")
    said = dig("www.shop.example", f"@{lab.KERNEL}", status=9)
    lab.check("does not answer" in said, f"nobody there: {said}")


def follows_the_delegation():
    said = dig("web.shop.example", "--trace", f"@{ROOT}")
    asked = [line.split(" in ")[0] for line in said.splitlines() if ": from " in line]
    lab.check(asked == [f";; .: from {ROOT}",
                        f";; example.: from ns.nic.example. ({DOMAIN})",
                        f";; shop.example.: from ns.shop.example. ({AUTHORITY})"], f"steps: {said}")
    found = rows(said.split(";; web.shop.example.: NOERROR\n")[1])
    lab.check([row[2:] for row in found] == [["CNAME", "www.shop.example."], ["A", "192.0.2.1"]],
              f"the answer: {said}")
    said = dig("nobody.shop.example", "--trace", f"@{ROOT}")
    lab.check(said.endswith(";; nobody.shop.example.: NXDOMAIN\n"), f"no such name: {said}")


def through_unbound():
    said = dig("web.shop.example", f"@{RECURSIVE}")
    lab.check([row[2:] for row in rows(said)] == [["CNAME", "www.shop.example."], ["A", "192.0.2.1"]],
              f"unbound: {said}")


def under_naru_run():
    done = lab.run(lab.PROGRAM, "run", *LINK, "--dns", RECURSIVE, "--", "python3", "-c", """
import socket
print(socket.gethostbyname("www.shop.example"), len(socket.gethostbyname_ex("many.shop.example")[2]),
      {a[4][0] for a in socket.getaddrinfo("www.shop.example", 80)} == {"192.0.2.1", "2001:db8::1"})
""", timeout=60)
    # gethostbyname tells of 32 addresses at most.
    lab.check(done.stdout == "192.0.2.1 32 True\n", f"naru run: {done.stdout} {done.stderr}")


def main():
    lab.need("nsd", "unbound")
    lab.make_tap()
    os.environ["XDG_RUNTIME_DIR"] = str(lab.work_folder())
    for address in (*ZONES, RECURSIVE):
        lab.sh("ip", "addr", "add", f"{address}/24", "dev", lab.DEVICE)
    for address, (zone, text) in ZONES.items():
        start_nsd(address, zone, text)
    start_unbound()
    time.sleep(1)
    tests = [asks_one, follows_the_delegation, through_unbound]
    if lab.can_preload():
        tests.append(under_naru_run)
    for test in tests:
        test()
        print(f"{test.__name__}: well", flush=True)


if __name__ == "__main__":
    main()
