#!/usr/bin/env python3
"""node under naru run: an HTTP server and fetch, a cluster both ways, restart."""

import re

import lab
import programs

PORT = 8080


def start(m, *flags):
    server = m.server.start("node", m.server.bench.folder / "inside" / "server.js", PORT, *flags)
    m.wait_for_port(PORT)
    return server


def use(m):
    said = m.client.run("node", m.client.bench.folder / "inside" / "client.js",
                        f"http://{m.address}:{PORT}")
    lab.check(said == "all is well\n", f"node's client: {said}")


def stop(server):
    server.terminate()
    lab.check(server.wait(20) == 0, f"node ends with {server.returncode}")


def one_server(m):
    server = start(m)
    use(m)
    said = m.client.run("wrk", "-t1", "-c32", "-d1s", m.url("/who"))
    lab.check("Socket errors" not in said and "Non-2xx" not in said, f"wrk: {said}")
    stop(server)
    server = start(m)
    use(m)
    stop(server)


def who(m):
    return m.client.run("curl", "-s", m.url("/who"))


def cluster(m, *policy):
    start(m, 2, *policy)
    use(m)
    workers = set()
    lab.wait_for(lambda: workers.add(who(m)) or len(workers) == 2, "both workers answer", 20)
    lab.check(all(re.fullmatch(r"\d+", w) for w in workers), f"workers: {workers}")
    # One that ends in the middle of a request is replaced; the other goes on.
    m.client.run("curl", "-s", m.url("/die"), status=52)
    lab.wait_for(lambda: who(m) not in workers, "a new worker answers", 20)


def cluster_that_shares_the_listener(m):
    cluster(m, "none")


if __name__ == "__main__":
    programs.run(one_server, cluster, cluster_that_shares_the_listener,
                 needs=("node", "wrk", "curl"))
