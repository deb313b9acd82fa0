#!/usr/bin/env python3
"""Either side ends in the middle; the other must hear of it, rightly and in time."""

import re
import signal
import socket
import subprocess
import threading

import lab

ENDED_EARLY, NOT_SENT, NOT_RECEIVED = 18, 55, 56  # statuses of curl


def curl(*flags):
    return lab.start("curl", "-sS", "--limit-rate", "2M", *flags, stdout=subprocess.DEVNULL,
                     stderr=subprocess.PIPE)


def wait_for_bytes(server, name):
    """Until the transfer is under way."""
    lab.wait_for(lambda: re.search(rf"ESTAB +[0-9]+ +[0-9]+ .*{lab.NARU}",
                                   lab.run("ss", "-tn").stdout), f"{name} begins")


def server_is_told_to_end():
    server = lab.start_serve("site")
    client = curl("-o", "got", f"http://{lab.NARU}/large")
    wait_for_bytes(server, "the download")
    with lab.timed("SIGTERM ended naru serve", at_most=5):
        server.send_signal(signal.SIGTERM)
        lab.check(server.wait(10) == 0, "naru serve did not end well")
    with lab.timed("curl heard of it", at_most=20):
        status = client.wait(30)
    lab.check(status in (ENDED_EARLY, NOT_RECEIVED), f"curl ends with status {status}")


def server_vanishes():
    """Killed, naru says nothing any more: the kernel finds out by itself."""
    server = lab.start_serve("site", "--allow-upload")
    client = curl("-T", "site/large", f"http://{lab.NARU}/sink")
    wait_for_bytes(server, "the upload")
    server.kill()
    server.wait()
    with lab.timed("curl gave up on a server that was killed", at_most=30):
        status = client.wait(40)
    lab.check(status in (NOT_SENT, NOT_RECEIVED, 28), f"curl ends with status {status}")


def client_vanishes():
    """The kernel resets for a killed curl; naru drops the connection and serves on."""
    server = lab.start_serve("site", "--capture", "client.pcapng")
    client = curl("-o", "got", f"http://{lab.NARU}/large")
    wait_for_bytes(server, "the download")
    client.kill()
    client.wait()
    with lab.timed("the next client was served", at_most=5):
        lab.sh("curl", "-sSf", "-m", "5", "-o", "got", f"http://{lab.NARU}/small")
    lab.check(lab.sha256("got") == SMALL, "the next client got another file")
    lab.end(server)
    lab.check_capture("client.pcapng")


def answer_part(then):
    """A server of the kernel that answers a tenth of what it promised; then..."""
    listener = socket.create_server((lab.KERNEL, 8000))

    def serve():
        peer, _ = listener.accept()
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(100_000))
        then(peer)

    threading.Thread(target=serve, daemon=True).start()
    return listener


def get_fails(words, at_most, at_least=0.0, flags=(), port=8000, host=lab.KERNEL):
    with lab.timed(f"naru get: {words}", at_least=at_least, at_most=at_most):
        done = lab.run(lab.PROGRAM, "get", f"http://{host}:{port}/x", *lab.host_flags(), "-o", "got",
                       *flags)
    lab.check(done.returncode == 1, f"naru get ends with status {done.returncode}")
    lab.check(words in done.stderr and done.stderr.count("\n") == 1, f"naru get: {done.stderr!r}")


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()


def kernel_server_ends():
    with answer_part(lambda peer: peer.close()):
        get_fails("broken off after 100000 of 1000000 bytes: the server ended the connection", 5)
    with answer_part(reset):
        get_fails("Connection reset by peer", 5)
    kept = []
    with answer_part(kept.append):
        get_fails("nothing came for 2 s", 6, at_least=2, flags=("--timeout", "2"))


def nobody_answers():
    get_fails("Connection refused", 3, port=9)
    get_fails("No route to host", 10, host="10.77.0.99")
    get_fails("Network is unreachable", 3, host="192.0.2.1")
    # The kernel does not forward, and drops without a word: one SYN, and one more.
    get_fails("Connection timed out", 15, at_least=3, host="192.0.2.1",
              flags=("--gw", lab.KERNEL, "--option", "tcp.syn_retries=1"))


def main():
    global SMALL
    lab.need("curl", "ss")
    lab.make_tap()
    # The kernel gives up on a silent peer within seconds, not a quarter of an hour.
    lab.sh("sysctl", "-qw", "net.ipv4.tcp_retries2=4")
    (lab.work_folder() / "site").mkdir()
    lab.write_file("site/large", 100_000_000)
    SMALL = lab.write_file("site/small", 10_000)
    server_is_told_to_end()
    server_vanishes()
    client_vanishes()
    kernel_server_ends()
    nobody_answers()


main()
