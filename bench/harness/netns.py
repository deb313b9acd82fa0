"""The network of a measurement: namespaces held by processes, and gone with them."""

import os
import subprocess

from .programs import Unavailable, last_line


class Network:
    """Two hosts of the kernel joined by a veth pair, and a tap device at one of them.

        server 10.99.0.2 --- veth --- 10.99.0.1 client 10.98.0.1 --- tap naru0 --- 10.98.0.2 naru

    Nothing of it has a name outside. Without root the namespaces live in a user namespace
    of their own.
    """

    SERVER = "10.99.0.2"
    CLIENT = "10.99.0.1"
    TAP = "naru0"
    TAP_CLIENT = "10.98.0.1"
    TAP_NARU = "10.98.0.2"

    def __init__(self):
        self.holders = []
        self.is_root = os.geteuid() == 0
        try:
            self._make()
        except (OSError, subprocess.SubprocessError, Unavailable) as error:
            self.close()
            raise Unavailable(f"no network namespaces can be made here: {error}") from None

    def _make(self):
        # Without root, the first holder's user namespace is where everything else happens.
        as_root = [] if self.is_root else ["--user", "--map-root-user"]
        self.client = self._hold(["unshare", *as_root, "--net"])
        self.server = self._hold(self.wrap(["unshare", "--net"]))
        self.sh(self.client, "ip link add va type veth peer name vb"
                f" && ip link set vb netns {self.server}"
                f" && ip addr add {self.CLIENT}/24 dev va && ip link set va up && ip link set lo up")
        self.sh(self.server, f"ip addr add {self.SERVER}/24 dev vb && ip link set vb up"
                " && ip link set lo up")
        self.no_tap = self._make_tap()

    def _make_tap(self):
        """Why there is no tap device; None when there is one."""
        try:
            self.sh(self.client, f"ip tuntap add dev {self.TAP} mode tap"
                    f" && ip addr add {self.TAP_CLIENT}/24 dev {self.TAP}"
                    f" && ip link set {self.TAP} up")
        except subprocess.CalledProcessError as error:
            return f"no tap device can be made here: {last_line(error.stderr.decode())}"
        return None

    def _hold(self, command):
        """Starts a process in new namespaces that ends when this one does; its id."""
        holder = subprocess.Popen([*command, "sh", "-c", "echo $$; exec cat"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        self.holders.append(holder)
        line = holder.stdout.readline()
        if not line.strip():
            raise Unavailable(holder.stderr.readline().strip())
        return int(line)

    def wrap(self, command):
        """The command, with the right to enter the namespaces."""
        if self.is_root:
            return command
        return ["nsenter", "--target", str(self.client), "--user", "--preserve-credentials",
                *command]

    def inside(self, pid, command):
        """The command, inside the network namespace of a holder."""
        return self.wrap(["nsenter", "--target", str(pid), "--net", *command])

    def sh(self, pid, script):
        subprocess.run(self.inside(pid, ["sh", "-ec", script]), check=True, timeout=20,
                       capture_output=True)

    def tap_arguments(self):
        """For bench_naru_tap."""
        if self.no_tap:
            raise Unavailable(self.no_tap)
        return ["--tap", self.TAP, "--address", f"{self.TAP_NARU}/24", "--peer", self.TAP_CLIENT,
                "--netns", f"/proc/{self.client}/ns/net"]

    def session_flags(self):
        """For naru run, inside the client's namespace."""
        if self.no_tap:
            raise Unavailable(self.no_tap)
        return ["--link", f"tap:{self.TAP}", "--ip", f"{self.TAP_NARU}/24"]

    def kernel_arguments(self, link):
        """For bench_kernel: which namespaces its ends enter."""
        server, address = (self.server, self.SERVER) if link == "veth" else (self.client, "127.0.0.1")
        return ["--client-netns", f"/proc/{self.client}/ns/net",
                "--server-netns", f"/proc/{server}/ns/net", "--address", address]

    def close(self):
        for holder in reversed(self.holders):
            holder.stdin.close()
            try:
                holder.wait(timeout=5)
            except subprocess.TimeoutExpired:
                holder.kill()
        self.holders = []
