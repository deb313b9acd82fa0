#!/usr/bin/env python3
"""redis under naru run: the data, persistence, pub/sub, pipelining, replication, restart."""

import os
import re
import signal
import time
from pathlib import Path

import lab
import programs

PORT = 7001
KEYS = 20_000


def start(m, *options, port=PORT):
    folder = f"redis-{port}"
    if not Path(folder).exists():
        os.mkdir(folder)
        m.server.bench.give(folder)
    server = m.server.start("redis-server", "--port", port, "--dir", folder, "--bind", "0.0.0.0",
                            "--protected-mode", "no", "--save", "", *options)
    lab.wait_for(lambda: "PONG" in ask(m, "ping", port=port, status=None), "redis answers", 20)
    return server


def ask(m, *words, port=PORT, status=0, **options):
    return m.client.run("redis-cli", "-h", m.address, "-p", port, *words, status=status, **options)


def shut_down(m, server, port=PORT):
    ask(m, "shutdown", "nosave", port=port, status=None)
    lab.check(server.wait(20) == 0, f"redis ends with {server.returncode}")


def command(*words):
    """As it is on the wire."""
    return f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)


def fill(m):
    said = ask(m, "--pipe", input="".join(
        command("set", f"key{i}", f"value of {i} " + "x" * (i % 500)) for i in range(KEYS)))
    lab.check(f"errors: 0, replies: {KEYS}" in said, f"--pipe: {said}")


def is_filled(m, port=PORT):
    lab.check(ask(m, "dbsize", port=port).strip() == str(KEYS), "the number of keys")
    for i in (0, 1, KEYS // 2, KEYS - 1):
        value = ask(m, "get", f"key{i}", port=port).strip()
        lab.check(value == (f"value of {i} " + "x" * (i % 500)).strip(), f"key{i} is {value!r}")


def persistence(m):
    """What a child writes while the server serves is there after a SIGKILL."""
    server = start(m)
    fill(m)
    last = ask(m, "lastsave")
    time.sleep(1)  # lastsave counts seconds
    ask(m, "bgsave")
    ask(m, "set", "later", "lost")
    lab.wait_for(lambda: ask(m, "lastsave") != last, "bgsave", 20)
    server.send_signal(signal.SIGKILL)
    server.wait()
    server = start(m)
    lab.check(ask(m, "dbsize").strip() in (str(KEYS), str(KEYS + 1)), "keys after a SIGKILL")
    ask(m, "del", "later")
    is_filled(m)
    ask(m, "config", "set", "appendonly", "yes")
    lab.wait_for(lambda: "aof_rewrite_in_progress:0" in ask(m, "info", "persistence"), "the rewrite", 20)
    ask(m, "set", "key0", "appended")
    server.send_signal(signal.SIGTERM)
    lab.check(server.wait(20) == 0, "SIGTERM ends redis")
    server = start(m, "--appendonly", "yes")
    lab.check(ask(m, "get", "key0") == "appended\n", "the appended value")
    shut_down(m, server)


def publish_and_subscribe(m):
    server = start(m)
    listeners = [m.client.start("redis-cli", "-h", m.address, "-p", PORT, "subscribe", "news",
                                stdout=open(f"subscriber{i}", "w")) for i in range(5)]
    lab.wait_for(lambda: ask(m, "publish", "news", "is anybody there") == "5\n", "subscribers", 20)
    for i in range(50):
        lab.check(ask(m, "publish", "news", f"item {i}") == "5\n", "all hear it")
    everything = [f"item {i}" for i in range(50)]
    for i in range(5):
        lab.wait_for(lambda: re.findall("item .*", Path(f"subscriber{i}").read_text()) == everything,
                     "the messages, in order")
    for listener in listeners:
        listener.kill()
        listener.wait()
    lab.wait_for(lambda: ask(m, "publish", "news", "nobody") == "0\n", "their ends are noticed")
    # A client that waits for another one.
    waiting = m.client.start("redis-cli", "-h", m.address, "-p", PORT, "blpop", "queue", 30,
                             stdout=open("blpop", "w"))
    lab.wait_for(lambda: "blocked_clients:1" in ask(m, "info", "clients"), "BLPOP waits")
    ask(m, "rpush", "queue", "work")
    lab.check(waiting.wait(20) == 0 and "work" in Path("blpop").read_text(), "BLPOP")
    shut_down(m, server)


def benchmark(m):
    server = start(m)
    for flags in (["-c", "50"], ["-c", "50", "-P", "16"], ["-c", "200"], ["-c", "4", "-d", "100000"],
                  ["-c", "10", "-k", "0"]):
        requests = 2000 if flags[1] in ("4", "10") else 20_000
        said = m.client.run("redis-benchmark", "-h", m.address, "-p", PORT, "-n", requests, "--csv",
                            "-t", "set,get", *flags)
        rates = re.findall(r'^"(SET|GET)","([\d.]+)"', said, re.MULTILINE)
        lab.check([r[0] for r in rates] == ["SET", "GET"], f"redis-benchmark {flags}: {said}")
        lab.check(all(float(r[1]) > 0 for r in rates), f"redis-benchmark {flags}: {said}")
    shut_down(m, server)


def replicas(m):
    """A second server follows the first, also after it has been away."""
    first, second = start(m), start(m, port=PORT + 1)
    fill(m)
    ask(m, "replicaof", "127.0.0.1", PORT, port=PORT + 1)
    lab.wait_for(lambda: "master_link_status:up" in ask(m, "info", "replication", port=PORT + 1),
                 "the replica follows", 30)
    lab.check(ask(m, "wait", 1, 20_000) == "1\n", "the replica acknowledges")
    is_filled(m, PORT + 1)
    ask(m, "client", "kill", "type", "replica")
    ask(m, "set", "after", "all")
    lab.wait_for(lambda: ask(m, "get", "after", port=PORT + 1) == "all\n", "it comes back", 30)
    shut_down(m, second, PORT + 1)
    shut_down(m, first)


if __name__ == "__main__":
    programs.run(persistence, publish_and_subscribe, benchmark, replicas,
                 needs=("redis-server", "redis-cli", "redis-benchmark"))
