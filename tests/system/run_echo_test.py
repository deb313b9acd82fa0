#!/usr/bin/env python3
"""examples/echo: every server structure, on the kernel and on naru, with both clients."""

import json
import re
import shutil

import lab
import programs

PORT = 1060
EXAMPLES = lab.BUILD / "examples" / "echo"
PLAIN = ("accept_loop", "thread_per_connection", "thread_pool", "preforked", "event_loop")


def here(m, name):
    """A copy that everybody may run."""
    return shutil.copy(EXAMPLES / name, m.server.bench.folder / name)


def echo_py(m):
    return shutil.copy(programs.INSIDE.parents[2] / "examples/echo/echo.py", m.server.bench.folder)


def client(m, *flags):
    said = json.loads(m.client.run(here(m, "echo_client"), m.address, "-p", PORT, "-j", *flags))
    lab.check(0 < said["median"] <= said["p99"] <= said["longest"], f"echo_client {flags}: {said}")


def ask(m, clients):
    client(m, "-n", 2000)
    client(m, "-n", 200, "-b", 1)
    client(m, "-n", 20, "-b", 1_000_000)
    client(m, "-n", 200, "-c", clients, "-b", 5000)
    said = m.client.run("python3", echo_py(m), "client", m.address, "-p", PORT, "-n", 500)
    lab.check(re.match(r"\d+ requests/s; median", said), f"echo.py client: {said}")


def structures(m):
    for name in PLAIN:
        for flags in ((), ("-s",)):
            server = m.server.start(here(m, f"echo_{name}"), "-p", PORT, "-w", 4, *flags)
            m.wait_for_port(PORT)
            if flags:
                client(m, "-s", "-n", 500)
            else:
                ask(m, 1 if name == "accept_loop" else 4)
            server.terminate()
            server.wait(20)


def event_loop_with_many(m):
    m.server.start(here(m, "echo_event_loop"), "-p", PORT)
    m.wait_for_port(PORT)
    client(m, "-n", 20, "-c", 200, "-b", 3000)


def in_python(m):
    m.server.start("python3", echo_py(m), "server", "-p", PORT)
    m.wait_for_port(PORT)
    ask(m, 1)


def coroutines_on_the_kernel(m):
    server = m.server.start(here(m, "echo_coroutines_kernel"), "-p", PORT)
    m.wait_for_port(PORT)
    ask(m, 8)
    server.terminate()
    lab.check(server.wait(20) == 0, "SIGTERM ends it")


def coroutines_on_naru(m):
    """No naru run for the server: it has a stack of its own, and its name on the lan."""
    server = programs.Host(m.server.bench).start(here(m, "echo_coroutines_naru"), "embedded", "-p",
                                                 PORT)
    embedded = programs.Meeting(m.server, m.client, "embedded")
    embedded.wait_for_port(PORT)
    ask(embedded, 8)
    server.terminate()
    lab.check(server.wait(20) == 0, "SIGTERM ends it")


if __name__ == "__main__":
    lab.need("ip")
    programs.run(coroutines_on_naru)
    programs.run(structures, event_loop_with_many, in_python, coroutines_on_the_kernel,
                 also=(programs.on_the_kernel,))
