"""What is measured: the rows, and who takes part in each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import programs

OWN = "naru"
LIMIT = "limit"


@dataclass
class Contestant:
    name: str
    run: Callable[[], programs.Result]
    # Counts instructions for one unit of work; None: this contestant is not counted.
    count: Callable[[], tuple[float, str]] | None = None


@dataclass(frozen=True)
class Goal:
    """What naru is to reach in a row: a value, a ratio to a peer of the same run, both."""

    value: float | None = None
    ratios: dict = field(default_factory=dict)  # contestant: at least so many times as good
    instructions: float | None = None

    def text(self, unit):
        parts = [f"{self.value:g} {unit}"] if self.value else []
        parts += [f"{r:g} x {peer}" for peer, r in self.ratios.items()]
        parts += [f"{self.instructions:.0f} instructions"] if self.instructions else []
        return ", ".join(parts)


@dataclass
class Row:
    group: str
    name: str
    unit: str
    higher_is_better: bool
    contestants: list[Contestant]
    two_cores: bool = False
    # The same value whenever it is run: virtual time, or a size.
    exact: bool = False
    goal: Goal = Goal()
    # Also compared with naru's own value in this row (its name).
    beside: str | None = None


@dataclass
class Places:
    """Where programs and namespaces are found."""

    build: Path
    seconds: float
    web_seconds: float = 2
    network: object = None  # netns.Network
    programs: dict = field(default_factory=dict)

    def program(self, name):
        if name not in self.programs:
            found = sorted(self.build.rglob(name))
            files = [f for f in found if f.is_file()]
            if not files:
                raise programs.Unavailable(f"{name} is not built")
            self.programs[name] = str(files[0])
        return self.programs[name]


MTU_SEGMENTS = {1500: 8000, 9000: 2000, 65000: 400}


def in_process(places, workload, count=0, mtu=1500, checksums=True, limit=False, only=(),
               lwip=None):
    """naru, lwIP and perhaps the limit, on an in-memory wire in one process."""
    arguments = workload + ["--mtu", str(mtu), "--seconds", str(places.seconds)]
    if not checksums:
        arguments.append("--no-checksums")
    names = {
        OWN: "bench_naru",
        "lwip": lwip or f"bench_lwip_{mtu}_{'checksums' if checksums else 'no-checksums'}",
    }
    if limit:
        names[LIMIT] = "bench_limit"

    def contestant(name, program):
        def command():
            return [places.program(program), *arguments]

        counted = count and name != LIMIT
        return Contestant(name, lambda: programs.measure(command()),
                          (lambda: programs.count_instructions(command(), count)) if counted else None)

    return [contestant(n, p) for n, p in names.items() if not only or n in only]


def bulk_rows(places):
    for mtu, segments in MTU_SEGMENTS.items():
        for checksums in (True, False):
            goal = {(1500, True): Goal(ratios={"lwip": 1.8}, instructions=2000),
                    (65000, True): Goal(ratios={"lwip": 1.5})}
            yield Row("one process, memory wire", bulk_name(mtu, checksums), "Gbit/s", True,
                      in_process(places, ["bulk"], segments, mtu, checksums, limit=True),
                      goal=goal.get((mtu, checksums), Goal()))


def ipv6_rows(places):
    """The same over IPv6, which may cost 5 % more."""
    group = "one process, memory wire"
    for what, workload, count, unit, higher in (
            (bulk_name(1500, True), "bulk", MTU_SEGMENTS[1500], "Gbit/s", True),
            ("64-byte round trip", "rr", 1000, "ns", False)):
        yield Row(group, f"{what}, IPv6", unit, higher,
                  in_process(places, [workload, "--ipv6"], count, only=(OWN,)),
                  goal=Goal(ratios={f"{OWN}: {what}": 0.95}), beside=what)


def bulk_name(mtu, checksums):
    size = "64 KiB segments" if mtu > 9000 else f"MTU {mtu}"
    return f"bulk, {size}, {'checksums' if checksums else 'no checksums'}"


def small_rows(places):
    group = "one process, memory wire"
    yield Row(group, "64-byte round trip", "ns", False, in_process(places, ["rr"], 1000),
              goal=Goal(170, instructions=3000))
    yield Row(group, "connection", "us", False, in_process(places, ["conn"], 300), goal=Goal(1))
    yield Row(group, "connection, 10 000 in TIME_WAIT", "us", False,
              in_process(places, ["conn", "--time-wait", "10000"], 100), beside="connection")
    yield Row(group, "connection, 1 000 000 in TIME_WAIT", "us", False,
              in_process(places, ["conn", "--time-wait", "1000000"], only=(OWN,)),
              goal=Goal(ratios={f"{OWN}: connection": 0.9}), beside="connection")


def idle_rows(places):
    group = "one process, many connections"
    for n, only in ((10_000, ()), (1_000_000, (OWN,))):
        many = f"{n:,}".replace(",", " ")
        yield Row(group, f"round trip on one of {many} idle", "ns", False,
                  in_process(places, ["idle", "--connections", str(n)], only=only),
                  goal=Goal(ratios={f"{OWN}: 64-byte round trip": 0.5}) if only else Goal(),
                  beside="64-byte round trip")
        yield Row(group, f"memory of one of {many} idle", "bytes", False,
                  in_process(places, ["memory", "--connections", str(n)], only=only), exact=True,
                  goal=Goal(256))


def goodput_rows(places):
    for loss in (0.01, 0.001):
        yield Row("virtual time: 1 Gbit/s, 20 ms round trip", f"goodput, {loss:.1%} loss both ways",
                  "Mbit/s", True, in_process(places, ["goodput", "--loss", str(loss)],
                                             lwip="bench_lwip_long_line"), exact=True,
                  goal=Goal(6.7) if loss == 0.01 else Goal())


def kernel(places, link, workload, cores, spin=False):
    def run():
        command = [places.program("bench_kernel"), "--link", link, "--seconds", str(places.seconds),
                   "--client-cpu", str(cores - 1), *workload]
        if spin:
            command.append("--spin")
        if places.network:
            # Loopback too: a namespace of our own has nobody else's rules and defaults.
            command = places.network.wrap(command + places.network.kernel_arguments(link))
        elif link == "veth":
            raise programs.Unavailable("no network namespaces can be made here")
        return programs.measure(command)

    return Contestant(f"kernel {link}", run)


def kernel_rows(places):
    for cores in (1, 2):
        group = f"the kernel's TCP, {'both ends on one core' if cores == 1 else 'a core each'}"
        for name, unit, higher, workload, spin in (
                ("bulk, one stream, CUBIC", "Gbit/s", True, ["bulk"], False),
                ("64-byte round trip, sleeping", "us", False, ["rr"], False),
                ("64-byte round trip, spinning", "us", False, ["rr"], True),
                ("connections", "1/s", True, ["conn"], False)):
            if spin and cores == 1:
                continue
            where = "one core" if cores == 1 else "two cores"
            yield Row(group, f"{name}, {where}", unit, higher,
                      [kernel(places, link, workload, cores, spin) for link in ("loopback", "veth")],
                      two_cores=cores == 2)


def tap(places, direction, cores):
    def run():
        if not places.network:
            raise programs.Unavailable("no network namespaces can be made here")
        command = [places.program("bench_naru_tap"), "--seconds", str(places.seconds),
                   "--kernel-cpu", str(cores - 1), *places.network.tap_arguments(), direction]
        return programs.measure(places.network.wrap(command))

    return Contestant(OWN, run)


def tap_rows(places):
    for cores, where in ((1, "one core"), (2, "two cores")):
        for direction, name in (("send", "naru sends"), ("receive", "naru receives")):
            yield Row(f"over a tap to the kernel's TCP, {where}", f"tap, {name}, {where}",
                      "Gbit/s", True,
                      [tap(places, direction, cores), kernel(places, "veth", ["bulk"], cores)],
                      two_cores=cores == 2, goal=Goal(30, {"kernel veth": 0.8}))


def forward_rows(places):
    """A router and a NAT, with little and with much to look up."""
    for device, flags, entries_name, goal in (("router", [], "routes", 5),
                                              ("router, IPv6", ["--ipv6"], "routes", 5),
                                              ("NAT", ["--nat"], "sessions", 3)):
        for size, frame in ((64, 64), (1500, 1518)):
            for entries in (1, 1_000, 100_000):
                def run(flags=flags, frame=frame, entries=entries):
                    return programs.measure([
                        places.program("bench_naru_forward"), *flags, "--entries", str(entries),
                        "--size", str(frame), "--seconds", str(places.seconds)])
                many = f"{entries:,}".replace(",", " ")
                has_goal = size == 64 and (device != "NAT" or entries == 100_000)
                yield Row("packets through a router, memory wires, one core",
                          f"{device}, {size} bytes, {many} {entries_name}", "M/s", True,
                          [Contestant(OWN, run)], goal=Goal(goal) if has_goal else Goal())


def limit_rows(places):
    for operation in ("memcpy", "checksum", "copy-and-checksum"):
        for size, where in ((64 << 10, "64 KiB hot"), (64 << 20, "64 MiB cold")):
            def run(operation=operation, size=size):
                return programs.measure([places.program("bench_limit"), "memory", operation,
                                         str(size), "--seconds", str(places.seconds)])
            yield Row("limits of the machine", f"{operation}, {where}", "GB/s", True,
                      [Contestant(LIMIT, run)])


def all_rows(places, web, run):
    yield from bulk_rows(places)
    yield from small_rows(places)
    yield from ipv6_rows(places)
    yield from idle_rows(places)
    yield from goodput_rows(places)
    yield from forward_rows(places)
    yield from kernel_rows(places)
    yield from tap_rows(places)
    yield from web.rows(places)
    yield from run.rows(places)
    yield from limit_rows(places)
