#!/usr/bin/env python3
"""Packets of nping's that no program would send, beside a page that is fetched all the while."""

import lab
import page

# What is sent to naru, and what is said to it ("": nothing).
ANSWERED = [
    ("--tcp -p 80 --flags syn", " SA "),
    ("--tcp -p 81 --flags syn", " RA "),
    ("--tcp -p 81 --flags fin,urg,psh", " RA "),
    ("--tcp -p 80 --flags fin,urg,psh", ""),
    ("--tcp -p 80 --flags none", ""),
    ("--tcp -p 81 --flags rst", ""),
    ("--tcp -p 80 --flags ack", " R "),
    ("--tcp -p 80 --flags syn --badsum", ""),
    ("--tcp -p 80 --flags syn --ip-options R", " SA "),
    ("--tcp -p 80 --flags syn --mtu 8", ""),  # RFC 3128
    ("--udp -p 81", "unreachable"),
    ("--udp -p 81 --data-length 100 --mtu 8", "unreachable"),
    ("--udp -p 81 --badsum", ""),
    ("--icmp --data-length 1000", "Echo reply"),
    ("--icmp --data-length 1000 --mtu 64", "Echo reply"),
    ("--icmp --icmp-type redirect --icmp-redirect-addr 10.77.0.9", ""),
    ("--icmp --icmp-type dest-unr --icmp-code 4", ""),
]
# From addresses that are nobody's, or naru's own.
FORGED = [lab.NARU, "127.0.0.1", "0.0.0.0", "10.77.0.255", "224.0.0.1"]


def send(*words):
    done = lab.run("nping", "--count", 1, "--delay", "100ms", *words)
    lab.check(done.returncode == 0, f"nping {words}: {done.stdout} {done.stderr}")
    return "".join(line for line in done.stdout.splitlines(True) if line.startswith("RCVD"))


def main():
    lab.need("nping", "curl")
    lab.make_tap()
    lab.work_folder()
    page.make()
    lab.start_serve("site", "--port", 80)
    page.fetch(lab.NARU)
    for words, answer in ANSWERED:
        said = send(*words.split(), lab.NARU)
        lab.check(answer in said if answer else not said, f"{words}: {said or 'no answer'}")
        page.fetch(lab.NARU)
    for source in FORGED:
        for kind in ("--tcp -p 80 --flags syn", "--udp -p 81"):
            said = send(*kind.split(), "--source-ip", source, lab.NARU)
            lab.check(not said, f"{kind} from {source}: {said}")
        page.fetch(lab.NARU)
    print(f"{len(ANSWERED) + 2 * len(FORGED)} odd packets: well")


if __name__ == "__main__":
    main()
