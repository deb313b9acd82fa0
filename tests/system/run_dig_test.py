#!/usr/bin/env python3
"""dig under naru run: UDP, TCP, truncated answers, many questions, servers that do not answer."""

from pathlib import Path

import lab
import programs

PORT = 5353


def address_of(m):
    """dig takes names, too, but asks the resolver that the machine has for them."""
    return m.client.run("python3", "-c", "import socket, sys; "
                        "print(socket.gethostbyname(sys.argv[1]))", m.address).strip()


def dig(m, *words, **options):
    return m.client.run("dig", f"@{address_of(m)}", "-p", PORT, *words, **options)


def questions(m):
    m.server.start_python("name_server.py", PORT)
    m.wait_for_port(PORT)
    for transport in ("+notcp", "+tcp"):
        lab.check(dig(m, transport, "+short", "a258.test") == "10.0.1.2\n", f"dig {transport}")
        lab.check("status: NXDOMAIN" in dig(m, transport, "none.test"), f"dig {transport}: no name")
    # Truncated over UDP: dig asks again over TCP.
    many = dig(m, "+short", "many.test", "TXT").splitlines()
    lab.check(many == [f'"{i:03}{"x" * 197}"' for i in range(60)], f"dig TXT: {many[:2]}")
    lab.check(";; flags: qr aa tc" in dig(m, "+ignore", "many.test", "TXT"), "+ignore")


def many_questions(m):
    m.server.start_python("name_server.py", PORT)
    m.wait_for_port(PORT)
    Path("names").write_text("".join(f"a{i}.test\n" for i in range(500)))
    expected = [f"10.0.{i >> 8}.{i & 255}" for i in range(500)]
    for flags in ((), ("+tcp", "+keepopen")):
        lab.check(dig(m, "+short", *flags, "-f", "names").splitlines() == expected, f"-f {flags}")
    begun = [m.client.start("dig", f"@{address_of(m)}", "-p", PORT, "+short", f"a{i}.test",
                            stdout=open(f"dig{i}", "w")) for i in range(20)]
    for i, process in enumerate(begun):
        lab.check(process.wait(30) == 0 and Path(f"dig{i}").read_text() == f"10.0.0.{i}\n",
                  "several at a time")


def nobody_answers(m):
    quick = ("+time=1", "+tries=2")
    lab.check("no servers could be reached" in dig(m, *quick, "a1.test", status=9), "closed port")
    lab.check("no servers could be reached" in dig(m, *quick, "+tcp", "a1.test", status=9),
              "closed port, TCP")
    m.server.start_python("name_server.py", PORT)
    m.wait_for_port(PORT)
    said = dig(m, *quick, "silent.test", status=9)
    lab.check("timed out" in said or "no servers could be reached" in said, f"silence: {said}")
    lab.check(dig(m, "+short", "a1.test") == "10.0.0.1\n", "and then an answer")


if __name__ == "__main__":
    programs.run(questions, many_questions, nobody_answers, needs=("dig",))
