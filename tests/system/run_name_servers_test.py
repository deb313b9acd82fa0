#!/usr/bin/env python3
"""unbound and nsd under naru run: an authority, somebody who asks it for others, and dig."""

import signal
from pathlib import Path

import lab
import name_servers
import programs

AUTHORITY = 5353
NAMES = 300
ZONE = """
$TTL 300
$ORIGIN shop.example.
@ SOA ns admin {serial} 3600 600 86400 60
@ NS ns
ns A 192.0.2.53
www A {www}
www AAAA 2001:db8::1
web CNAME www
""" + "".join(f"a{i} A 10.0.{i >> 8}.{i & 255}\n" for i in range(NAMES)) + \
    "".join(f'many TXT "{i:03}{"x" * 197}"\n' for i in range(60))


def number_of(host, name, family="AF_INET"):
    if name == "127.0.0.1":  # in one session
        return name if family == "AF_INET" else "::1"
    return host.run("python3", "-c", f"""
import socket
print(socket.getaddrinfo({name!r}, 0, socket.{family})[0][4][0])""").strip()


def folder_of(m):
    folder = Path("names")
    folder.mkdir(exist_ok=True)
    m.server.bench.give(folder)
    return folder.resolve()


def write_zone(folder, serial=1, www="192.0.2.1"):
    (folder / "zone").write_text(ZONE.format(serial=serial, www=www))


def start_authority(m):
    """Where the clients are, so that the questions of unbound cross the lan, too."""
    folder = folder_of(m)
    write_zone(folder)
    nsd = m.client.start(*name_servers.nsd(
        folder, "shop.example", f"ip-address: 0.0.0.0@{AUTHORITY}", f"ip-address: ::0@{AUTHORITY}",
        "server-count: 2", "reuseport: yes"))
    m.of_authority = "client" if m.client is not m.server else m.address
    programs.Meeting(m.client, m.server, m.of_authority).wait_for_port(AUTHORITY)
    return nsd


def start_resolver(m, family="AF_INET"):
    folder = folder_of(m)
    authority = number_of(m.server, m.of_authority, family)
    unbound = m.server.start(*name_servers.unbound(
        folder, "interface: 0.0.0.0", "interface: ::0", "access-control: 0.0.0.0/0 allow",
        "access-control: ::/0 allow", "num-threads: 2", "do-not-query-localhost: no",
        'local-zone: "example." nodefault', more=f"""
stub-zone:
  name: "shop.example"
  stub-addr: {authority}@{AUTHORITY}
"""))
    m.wait_for_port(53)
    return unbound


def dig(host, server, port, *words, **options):
    return host.run("dig", f"@{server}", "-p", port, *words, **options)


def stop(*servers):
    for server in servers:
        server.send_signal(signal.SIGTERM)
    for server in servers:
        lab.check(server.wait(20) == 0, f"{server.args[0]} ends with {server.returncode}")


def asks(host, server, port):
    """One question in each way, and one whose answer is too long for a datagram."""
    for transport in ("+notcp", "+tcp"):
        lab.check(dig(host, server, port, transport, "+short", "www.shop.example") == "192.0.2.1\n",
                  f"{server} {transport}")
        lab.check("NXDOMAIN" in dig(host, server, port, transport, "none.shop.example"),
                  f"{server} {transport}: no such name")
    lab.check(dig(host, server, port, "+short", "web.shop.example", "AAAA")
              == "www.shop.example.\n2001:db8::1\n", f"{server}: an alias")
    lab.check(";; flags: qr" in dig(host, server, port, "+bufsize=1232", "+ignore",
                                    "many.shop.example", "TXT"), "a truncated answer")
    many = dig(host, server, port, "+short", "many.shop.example", "TXT").splitlines()
    lab.check(len(many) == 60, f"{server}: an answer over TCP: {len(many)}")


def authority(m):
    nsd = start_authority(m)
    for family in ("AF_INET", "AF_INET6"):
        asks(m.server, number_of(m.server, m.of_authority, family), AUTHORITY)
    server = number_of(m.server, m.of_authority)
    # Longer than a packet, and cut as the program wants it.
    whole = dig(m.server, server, AUTHORITY, "+bufsize=65000", "+notcp", "+ignore",
                "many.shop.example", "TXT")
    lab.check("status: NOERROR" in whole, f"a long datagram: {whole}")
    write_zone(folder_of(m), serial=2, www="192.0.2.2")
    nsd.send_signal(signal.SIGHUP)
    lab.wait_for(lambda: dig(m.server, server, AUTHORITY, "+short", "www.shop.example")
                 == "192.0.2.2\n", "the new zone", 30)
    stop(nsd)
    # Its ports are free again.
    stop(start_authority(m))


def resolver(m):
    nsd = start_authority(m)
    for family in ("AF_INET", "AF_INET6"):
        unbound = start_resolver(m, family)
        asks(m.client, number_of(m.client, m.address, "AF_INET"), 53)
        Path("questions").write_text("".join(f"a{i}.shop.example\n" for i in range(NAMES)))
        expected = [f"10.0.{i >> 8}.{i & 255}" for i in range(NAMES)]
        server = number_of(m.client, m.address, family)
        for flags in ((), ("+tcp", "+keepopen")):
            said = dig(m.client, server, 53, "+short", *flags, "-f", "questions").splitlines()
            lab.check(said == expected, f"many questions {flags}: {said[:3]}")
        by_naru(m)
        stop(unbound)
    stop(nsd)


def by_naru(m):
    """naru dig, a host of its own on the lan."""
    if m.client is m.server:
        return
    outside = programs.Host(m.client.bench)
    server = number_of(m.client, m.address)
    for name, answer in (("a258.shop.example", "10.0.1.2"), ("www.shop.example", "192.0.2.1")):
        said = outside.run(m.client.bench.naru, "dig", "--link", "lan:lan0", name, f"@{server}")
        lab.check(answer in said.split(), f"naru dig {name}: {said}")


if __name__ == "__main__":
    programs.run(authority, resolver, needs=("nsd", "unbound", "dig"))
