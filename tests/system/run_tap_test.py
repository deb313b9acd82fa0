#!/usr/bin/env python3
"""Sessions on a tap device and on a packet socket: programs of the kernel's at the other end."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import lab
import programs
import run_iperf3_test as iperf3
import run_nginx_test as nginx
import run_python_test as python

HERE = Path(__file__).resolve().parent
PEERS = HERE / "run_lan_peers.py"
PORT = 9000
LINK = ["--link", f"tap:{lab.DEVICE}", "--ip", f"{lab.NARU}/24"]


# --- ways of meeting ------------------------------------------------------------------------


@contextlib.contextmanager
def tap_of(bench):
    """A device that belongs to the bench's user, and is there before and after its session."""
    lab.sh("ip", "link", "set", "lo", "up")
    lab.sh("ip", "tuntap", "add", "dev", lab.DEVICE, "mode", "tap", "user",
           bench.user.get("user", os.geteuid()))
    lab.sh("ip", "addr", "add", f"{lab.KERNEL}/24", "dev", lab.DEVICE)
    lab.sh("ip", "link", "set", lab.DEVICE, "up")
    yield
    lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)
    lab.sh("ip", "link", "del", lab.DEVICE)


@contextlib.contextmanager
def meet(bench, *flags, is_client=False):
    naru = programs.Session(bench, *flags)
    kernel = programs.Host(bench)
    yield (programs.Meeting(kernel, naru, lab.KERNEL) if is_client
           else programs.Meeting(naru, kernel, lab.NARU))
    kernel.end()
    naru.end()


@contextlib.contextmanager
def over_a_tap(bench):
    with tap_of(bench), meet(bench, *LINK) as meeting:
        yield meeting


@contextlib.contextmanager
def to_the_kernel_over_a_tap(bench):
    with tap_of(bench), meet(bench, *LINK, is_client=True) as meeting:
        yield meeting


@contextlib.contextmanager
def over_a_packet_socket(bench):
    """On one end of a veth pair; the kernel's TCP has the other."""
    lab.sh("ip", "link", "add", "va", "type", "veth", "peer", "name", "vb")
    lab.sh("ip", "addr", "add", f"{lab.KERNEL}/24", "dev", "va")
    for device in ("lo", "va", "vb"):
        lab.sh("ip", "link", "set", device, "up")
    with meet(bench, "--link", "packet:vb", "--ip", f"{lab.NARU}/24") as meeting:
        yield meeting
    lab.wait_for(lambda: not bench.sessions(), "the session ends", 30)
    lab.sh("ip", "link", "del", "va")


# --- processes -------------------------------------------------------------------------------


def peers(*arguments):
    return [sys.executable, "-B", PEERS, *arguments]


def ask(m, how):
    answer = m.client.run(*peers("ask", m.address, how), seconds=120)
    lab.check(answer == "all answered\n", f"{how}: {answer!r}")


def waiting(m):
    """Threads and processes that wait in every way; then a server that leaves root behind."""
    for how in ("block", "poll", "epoll", "select"):
        server = m.server.start(*peers("serve", how), start_new_session=True)
        m.wait_for_port(PORT)
        ask(m, how)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    if os.geteuid() == 0 and not m.server.bench.user:
        server = m.server.start(*peers("jail", "block"), start_new_session=True)
        m.wait_for_port(PORT)
        ask(m, "block")
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def stopped(m):
    """One process of a session waits for the device; where it is stopped, the keeper does."""
    server = m.server.start(*peers("serve", "poll"), start_new_session=True)
    m.wait_for_port(PORT)
    ask(m, "poll")
    for pid in map(int, lab.sh("pgrep", "-g", server.pid).split()):
        os.kill(pid, signal.SIGSTOP)
        ask(m, "poll")
        os.kill(pid, signal.SIGCONT)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def killed(m):
    """Who dies is heard of at once, and its port is free."""
    for _ in range(3):
        server = m.server.start(*peers("serve", "block"), start_new_session=True)
        m.wait_for_port(PORT)
        holder = m.client.start(*peers("hold", m.address), stdout=subprocess.PIPE)
        lab.check(holder.stdout.readline() == "connected\n", "a connection")
        begin = time.monotonic()
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        words = holder.communicate(timeout=60)[0]
        lab.check(words in ("end\n", "ECONNRESET\n"), f"a killed program: {words!r}")
        lab.check(time.monotonic() - begin < 10, "the peer hears in time")


def last_words(m):
    """What a program leaves unsent is delivered after its end, and then the device is free."""
    size = 5_000_000
    receiver = m.client.start("python3", "-c", f"""
import socket, time
listener = socket.create_server(({lab.KERNEL!r}, 7000))
print("listens", flush=True)
end, _ = listener.accept()
time.sleep(1)  # the program has ended by now
count = 0
while piece := end.recv(65_536): count += len(piece)
print(count)""", stdout=subprocess.PIPE)
    lab.check(receiver.stdout.readline() == "listens\n", "a receiver")
    m.server.run("python3", "-c", f"""
import socket
end = socket.create_connection(({lab.KERNEL!r}, 7000))
end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, {2 * size})
end.sendall(bytes({size}))""")
    lab.check(receiver.communicate(timeout=30)[0] == f"{size}\n", "all of it")


def device_that_goes(m):
    """A pulled cable: the session goes on without it, and uses no processor for that."""
    server = m.server.start(*peers("serve", "poll"), start_new_session=True)
    m.wait_for_port(PORT)
    ask(m, "poll")
    lab.sh("ip", "link", "del", lab.DEVICE)
    everybody = [server.pid, *m.server.bench.keepers()]
    time.sleep(0.5)
    before = sum(map(nginx.cpu_seconds, everybody))
    time.sleep(2)
    used = sum(map(nginx.cpu_seconds, everybody)) - before
    lab.check(used <= 0.03, f"without its device the session uses {used / 2:.1%} of a core")
    said = m.server.run("python3", "-c", f"""
import errno, socket
try: socket.create_connection(({lab.KERNEL!r}, 7000), 10)
except OSError as error: print(errno.errorcode[error.errno])""")
    lab.check(said == "ENETUNREACH\n", f"a connection without a device: {said!r}")
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    lab.sh("ip", "tuntap", "add", "dev", lab.DEVICE, "mode", "tap")  # for who takes it away


# --- the command -----------------------------------------------------------------------------


def naru(*arguments, **options):
    return lab.run(lab.PROGRAM, "run", *arguments, stdin=subprocess.DEVNULL, **options)


def mistake(*flags, says, **options):
    done = naru(*flags, "--", "true", **options)
    lab.check(done.returncode == 1 and says in done.stderr and done.stderr.count("\n") == 1,
              f"{flags}: {done.returncode} {done.stderr!r}")


def mistakes():
    lab.make_tap()
    mistake("--link", "wet:string", says="--link wet:string: not tap:NAME")
    mistake("--link", f"tap:{lab.DEVICE}", says="--ip ADDRESS/LENGTH is missing")
    mistake("--link", f"tap:{lab.DEVICE}", "--ip", lab.NARU, says="not an address with its network")
    mistake(*LINK, "--net", "lan0", says="--net and --link")
    mistake(*LINK, "-p", "8080:80", says="-p: with --link")
    mistake(*LINK, "--gw", "192.0.2.1", says="not an address of the network")
    mistake(*LINK, "--mac", "ff:ff:ff:ff:ff:ff", says="--mac")
    mistake("--gw", lab.KERNEL, says="--gw: a lan has none")
    mistake("--link", "packet:nobody", "--ip", f"{lab.NARU}/24", says="No such device")
    mistake("--link", "tap:lo", "--ip", f"{lab.NARU}/24", says="is no tap device")
    done = naru(*LINK, "--", lab.PROGRAM, "run", *LINK, "--", "true")
    lab.check(done.returncode == 1 and "another process uses it" in done.stderr, f"busy: {done}")
    if os.geteuid() == 0:
        bench = programs.Bench(123_456)
        done = lab.run(bench.naru, "run", "--link", "tap:other", "--ip", "10.0.0.1/24", "--", "true",
                       env=bench.environment, **bench.user)
        lab.check(done.returncode == 1 and "run as root" in done.stderr, f"no right: {done.stderr!r}")
    lab.sh("ip", "link", "del", lab.DEVICE)


def what_is_seen():
    """naru ps, the program's interfaces, a capture and a journey."""
    lab.make_tap()
    lab.sh("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")  # behind the gateway
    Path("page").write_bytes(os.urandom(300_000))
    server = lab.start("python3", "-m", "http.server", "8000", stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    lab.wait_for(lambda: lab.run("curl", "-s", f"http://{lab.KERNEL}:8000/").returncode == 0,
                 "a server of the kernel's")
    script = f"""
set -e
{lab.PROGRAM} ps
python3 -c 'import socket; print(socket.if_nameindex())'
curl -sS http://{lab.KERNEL}:8000/page | cmp - page
curl -sS http://192.0.2.1:8000/page | cmp - page
echo all well"""
    done = naru(*LINK, "--name", "seen", "--gw", lab.KERNEL, "--capture", "seen.pcapng", "--journey",
                "--", "sh", "-c", script)
    lab.check(done.stdout.endswith("all well\n"), f"{done.stdout} {done.stderr[-2000:]}")
    lab.check(f"tap:{lab.DEVICE}" in done.stdout and lab.NARU in done.stdout, f"ps: {done.stdout}")
    lab.check("(2, 'eth0')" in done.stdout, f"interfaces: {done.stdout}")
    lab.check("GET" in done.stderr or "SYN" in done.stderr, f"a journey: {done.stderr[-500:]!r}")
    lab.check_capture("seen.pcapng")
    server.kill()
    lab.wait_for(lambda: lab.run(lab.PROGRAM, "ps").stdout.count("\n") == 1, "the session ends", 30)
    lab.sh("ip", "link", "del", lab.DEVICE)


def main():
    lab.need_preload()
    lab.need("curl", "nginx", "ab", "wrk", "iperf3")
    os.environ["XDG_RUNTIME_DIR"] = str(lab.work_folder())
    mistakes()
    what_is_seen()
    own = (waiting, stopped, killed, last_words)
    of_nginx = (nginx.one_worker, nginx.connections, nginx.idle, nginx.clients_that_give_up,
                nginx.master_and_workers)
    of_python = (python.servers, python.urllib, python.curl)
    of_iperf3 = (iperf3.tcp, iperf3.udp)
    for tests in (own, of_nginx, of_python, of_iperf3):
        programs.run(*tests, ways=everybody(over_a_tap))
    programs.run(device_that_goes, ways=[(None, over_a_tap)])
    for tests in (of_nginx[:2], of_python[:1], of_iperf3):
        programs.run(*tests, ways=[(None, to_the_kernel_over_a_tap)])
    if os.geteuid() == 0:
        for tests in ((waiting, last_words), of_nginx[:2], of_iperf3):
            programs.run(*tests, ways=[(None, over_a_packet_socket)])


def everybody(way):
    """This user; and where that is root an ordinary one, who owns the device."""
    if os.geteuid() != 0:
        return [(None, way)]
    if not os.stat("/dev/net/tun").st_mode & stat.S_IWOTH:
        print("left out: an ordinary user (/dev/net/tun is root's alone)")
        return [(None, way)]
    return [(None, way), (programs.ordinary_user(), way)]


if __name__ == "__main__":
    main()
