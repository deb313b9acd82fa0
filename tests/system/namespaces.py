"""Kernels beside that of the lab: network namespaces of their own, and what runs in them."""

import subprocess

import lab


def url_of(address, port):
    return f"http://[{address}]:{port}/file" if ":" in address else f"http://{address}:{port}/file"


class Namespace:
    """A network namespace that lasts as long as the process in it."""

    def __init__(self):
        self.holder = lab.start("unshare", "--net", "sh", "-c", "echo here; exec sleep 1000",
                                stdout=subprocess.PIPE)
        lab.check(self.holder.stdout.readline() == "here\n", "no namespace for a kernel")

    def inside(self, *command):
        return ["nsenter", "-t", self.holder.pid, "-n", *command]

    def sh(self, *command):
        return lab.sh(*self.inside(*command))

    def start(self, *command, **options):
        return lab.start(*self.inside(*command), **options)

    def take(self, device, *addresses):
        lab.sh("ip", "link", "set", device, "netns", self.holder.pid)
        self.sh("ip", "link", "set", "lo", "up")
        for address in addresses:
            nodad = ["nodad"] if ":" in address else []
            self.sh("ip", "addr", "add", address, "dev", device, *nodad)
        self.sh("ip", "link", "set", device, "up")

    def serve(self, address, port):
        """python3's web server with this folder, and its log."""
        self.start("python3", "-m", "http.server", "--bind", address, port,
                   stdout=subprocess.DEVNULL, stderr=open("log", "w"))
        url = url_of(address, port)
        lab.wait_for(lambda: lab.run(*self.inside("curl", "-sf", "-o", "/dev/null", url))
                     .returncode == 0, f"a server on {address}:{port}", 60)

    def end(self):
        self.holder.kill()
        self.holder.wait()
