#!/usr/bin/env python3
"""What a user may type wrong: each mistake gets one clear line and a status that is not 0."""

from pathlib import Path

import lab


def mistake(*arguments, says, status=1):
    done = lab.run(lab.PROGRAM, *arguments)
    words = " ".join(map(str, arguments))
    lab.check(done.returncode == status, f"naru {words}: status {done.returncode}, not {status}")
    lab.check(done.stdout == "", f"naru {words} prints {done.stdout!r}")
    lab.check(done.stderr.startswith("naru: ") and done.stderr.count("\n") == 1
              and says in done.stderr, f"naru {words} says {done.stderr!r}, not {says!r}")


def main():
    lab.make_tap()
    (lab.work_folder() / "site").mkdir()
    Path("file").write_text("x")
    host = lab.host_flags()
    url = f"http://{lab.KERNEL}/"

    mistake("fly", says="subcommand", status=2)
    mistake(says="subcommand", status=2)
    mistake("serve", says="DIR", status=2)
    mistake("serve", "site", "--port", "99999", *host, says="port", status=2)
    mistake("serve", "nowhere", *host, says="nowhere: No such file or directory")
    mistake("serve", "file", *host, says="file: Not a directory")
    mistake("serve", "site", "--link", "tap:naru0", "--ip", "10.0.0.1", says="--ip 10.0.0.1")
    mistake("serve", "site", "--link", "string:x", "--ip", "10.0.0.1/8", says="--link string:x")
    mistake("serve", "site", "--link", "packet:none0", "--ip", "10.0.0.1/8", says="none0")
    mistake("serve", "site", *host, "--gw", "192.0.2.1", says="--gw 192.0.2.1")
    mistake("serve", "site", *host, "--mac", "ff:ff:ff:ff:ff:ff", says="--mac")
    mistake("serve", "site", *host, "--option", "no.such=1", says="no.such")
    mistake("serve", "site", *host, "--capture", "nowhere/x.pcapng", says="nowhere/x.pcapng")
    mistake("get", "web.test", *host, says="only http://")
    mistake("get", "https://web.test/", *host, says="only http://")
    mistake("get", "http://web.test:0/", *host, says="port")
    mistake("get", "http://no.such.host.invalid/", *host, says="no address found")
    mistake("get", url, *host, "-c", says="-o FILE")
    mistake("get", f"http://{lab.KERNEL}:9/", *host, says="Connection refused")

    server = lab.start_serve("site")
    mistake("serve", "site", *host, says="naru0")  # the tap has an owner
    mistake("get", url, *host, says="naru0")
    lab.end(server)

    done = lab.run(lab.PROGRAM, "--version")
    lab.check(done.returncode == 0 and done.stdout.startswith("naru "), "naru --version")
    options = lab.sh(lab.PROGRAM, "options")
    lab.check("tcp" in options and "ip_default_ttl" in options.replace(".", "_"), "naru options")
    lab.sh(lab.PROGRAM, "serve", "--help")


main()
