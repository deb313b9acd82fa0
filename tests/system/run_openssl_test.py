#!/usr/bin/env python3
"""openssl under naru run: s_server and s_client, sessions, files, wrong certificates."""

import os
from pathlib import Path

import lab
import programs

PORT = 4433
BIG_BYTES = 5_000_000


def certificates(m):
    if Path("key.pem").exists():
        return
    m.server.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj",
                 "/CN=server", "-addext", "subjectAltName=DNS:server,IP:127.0.0.1", "-keyout",
                 "key.pem", "-out", "cert.pem")
    lab.write_file("big", BIG_BYTES)


def start(m, *flags):
    certificates(m)
    server = m.server.start("openssl", "s_server", "-accept", PORT, "-4", "-quiet", "-key",
                            "key.pem", "-cert", "cert.pem", *flags)
    m.wait_for_port(PORT)
    return server


def end(server):
    server.kill()
    server.wait()


def client(m, *flags, **options):
    return m.client.run("openssl", "s_client", "-connect", f"{m.address}:{PORT}", "-4", "-CAfile",
                        "cert.pem", "-verify_return_error", *flags, **options)


def lines(m):
    """Text there and back, in each version of the protocol."""
    server = start(m, "-rev")
    for version in ("-tls1_2", "-tls1_3"):
        m.client.run("sh", "-c", f"""
            {{ for i in $(seq 200); do echo "line $i"; done; sleep 1; }} |
            openssl s_client -quiet -no_ign_eof {version} -4 -connect {m.address}:{PORT} \
              -CAfile cert.pem -verify_return_error 2>/dev/null >answers
            rev answers >said""")
        lab.check(Path("said").read_text() == "".join(f"line {i}\n" for i in range(1, 201)),
                  f"{version}: the lines come back")
    end(server)


def files(m):
    """A large file by curl, over TLS, several at a time."""
    server = start(m, "-WWW")
    for _ in range(3):
        m.client.run("curl", "-sSf", "--cacert", "cert.pem", f"https://{m.address}:{PORT}/big",
                     "-o", "copy")
        lab.check(lab.sha256("copy") == lab.sha256("big"), "the file differs")
    end(server)


def sessions_and_errors(m):
    server = start(m, "-www")
    said = client(m, "-tls1_2", "-reconnect", input="")
    lab.check(said.count("Reused, TLSv1.2") == 5, "five connections take the session up again")
    m.client.run("openssl", "s_time", "-connect", f"{m.address}:{PORT}", "-CAfile", "cert.pem",
                 "-new", "-time", 1, "-www", "/")
    os.rename("cert.pem", "aside")
    m.client.run("curl", "-s", f"https://{m.address}:{PORT}/", status=60)  # unknown certificate
    m.client.run("curl", "-s", f"http://{m.address}:{PORT}/", status=None)  # no TLS at all
    os.rename("aside", "cert.pem")
    lab.check("Verify return code: 0 (ok)" in client(m, input="Q\n"), "the server goes on")
    end(server)


if __name__ == "__main__":
    programs.run(lines, files, sessions_and_errors, needs=("openssl", "curl"))
