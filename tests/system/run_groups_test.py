#!/usr/bin/env python3
"""Groups that a program joins, as a bridge of the kernel's sees them: it asks who listens (IGMP
and MLD, the newest versions and older ones) and passes a group on to those only who answer.

    kernel 10.77.0.1 fe80::1  bridge ══ naru0 ══ tap ══ naru 10.77.0.2 fd00:77::2
"""

import os
import subprocess
import time

import lab

BRIDGE = "bridge0"
GROUPS = ["239.1.2.3", "ff05::1:3"]
OF_ADDRESS = "ff02::1:ff00:2"  # the solicited-node group of fd00:77::2
NARU6 = "fd00:77::2"
# Who does not answer is forgotten after so many seconds.
MEMBERSHIP = 5
TIMES = {"mcast_query_interval": 100, "mcast_startup_query_interval": 100,
         "mcast_query_response_interval": 50, "mcast_membership_interval": 100 * MEMBERSHIP}

JOIN = f"""
import socket, sys
v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
four = socket.inet_aton("{GROUPS[0]}") + bytes(4)
six = socket.inet_pton(socket.AF_INET6, "{GROUPS[1]}") + bytes(4)
v4.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, four)
v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, six)
print("joined", flush=True)
sys.stdin.readline()
v4.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, four)
v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, six)
print("left", flush=True)
sys.stdin.readline()
"""


def make_bridge(igmp, mld):
    times = [str(word) for pair in TIMES.items() for word in pair]
    lab.sh("ip", "link", "set", "lo", "up")
    lab.sh("ip", "link", "add", BRIDGE, "type", "bridge", "mcast_snooping", 1, "mcast_querier", 1,
           "mcast_igmp_version", igmp, "mcast_mld_version", mld, *times)
    lab.sh("ip", "tuntap", "add", "dev", lab.DEVICE, "mode", "tap")
    lab.sh("ip", "link", "set", lab.DEVICE, "master", BRIDGE)
    lab.sh("ip", "addr", "add", f"{lab.KERNEL}/24", "dev", BRIDGE)
    lab.sh("ip", "addr", "add", "fe80::1/64", "dev", BRIDGE, "nodad")
    for device in (BRIDGE, lab.DEVICE):
        lab.sh("ip", "link", "set", device, "up")


def members():
    """The groups that the bridge passes on to naru."""
    lines = lab.sh("bridge", "mdb", "show", "dev", BRIDGE).splitlines()
    words = [line.split() for line in lines if f"port {lab.DEVICE} " in line]
    return {line[line.index("grp") + 1] for line in words}


def are_known(groups):
    return lambda: set(groups) <= members()


def tells_of_groups(igmp, mld):
    make_bridge(igmp, mld)
    naru = lab.start(lab.PROGRAM, "run", "--link", f"tap:{lab.DEVICE}", "--ip", f"{lab.NARU}/24",
                     "--ip6", f"{NARU6}/64", "--", "python3", "-c", JOIN,
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lab.check(naru.stdout.readline() == "joined\n", "the program joins")
    lab.wait_for(are_known([*GROUPS, OF_ADDRESS]), "the bridge knows all groups", 30)
    # Queries are answered: nothing is forgotten, for longer than who says nothing is known.
    end = time.monotonic() + 2 * MEMBERSHIP
    while time.monotonic() < end:
        lab.check(are_known([*GROUPS, OF_ADDRESS])(), f"only {members()} are known")
        time.sleep(0.2)
    naru.stdin.write("leave\n")
    naru.stdin.flush()
    lab.check(naru.stdout.readline() == "left\n", "the program leaves")
    lab.wait_for(lambda: not members() & set(GROUPS), "the groups are left", 30)
    lab.check(OF_ADDRESS in members(), "the group of the address is not left")
    naru.stdin.close()
    lab.check(naru.wait(30) == 0, "naru run ends well")
    lab.sh("ip", "link", "del", BRIDGE)
    lab.sh("ip", "link", "del", lab.DEVICE)
    print(f"IGMPv{igmp} and MLDv{mld}: joined, kept, left")


def main():
    lab.need("bridge", "python3")
    lab.need_preload()
    os.environ["XDG_RUNTIME_DIR"] = str(lab.work_folder())
    if lab.run("ip", "link", "add", BRIDGE, "type", "bridge").returncode != 0:
        lab.skip("this kernel has no bridge")
    lab.sh("ip", "link", "del", BRIDGE)
    tells_of_groups(3, 2)
    tells_of_groups(2, 1)


main()
