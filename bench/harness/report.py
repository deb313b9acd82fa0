"""Medians, the table that a person reads, and the list that build/bench.json holds."""

import json
import statistics
from dataclasses import dataclass, field

from .rows import LIMIT, OWN, Goal


@dataclass
class Outcome:
    """All repeats of one contestant in one row."""

    results: list = field(default_factory=list)
    instructions: float | None = None
    per: str | None = None
    ping_pong: list = field(default_factory=list)  # ns, beside each repeat
    missing: str | None = None  # why it did not run

    @property
    def value(self):
        return statistics.median(r.value for r in self.results) if self.results else None

    @property
    def cpu_ns(self):
        times = [r.cpu_ns for r in self.results if r.cpu_ns]
        return statistics.median(times) if times else None

    @property
    def p99_us(self):
        times = [r.p99_us for r in self.results if r.p99_us]
        return statistics.median(times) if times else None

    @property
    def spread(self):
        values = [r.value for r in self.results]
        return (max(values) - min(values)) / self.value if self.value else 0


@dataclass
class Figure:
    """One thing that contestants are compared by: a row's value, its instructions, its CPU time."""

    name: str
    unit: str
    higher_is_better: bool
    values: dict  # contestant: value
    goal: Goal = Goal()
    group: str = ""
    detail: dict = field(default_factory=dict)  # contestant: further fields of the object


def ratio(own, peer, higher_is_better):
    """Above 1 means that naru is better."""
    if not own or not peer:
        return None
    return round(own / peer if higher_is_better else peer / own, 3)


def figures(row, outcomes):
    """The figures of one measured row."""
    ran = {name: o for name, o in outcomes.items() if o.results}
    if not ran:
        return
    detail = {name: {"repeats": [r.value for r in o.results],
                     **({"ping_pong_ns": o.ping_pong} if o.ping_pong else {})}
              for name, o in ran.items()}
    yield Figure(row.name, row.unit, row.higher_is_better,
                 {name: o.value for name, o in ran.items()}, row.goal, row.group, detail)
    per = next((o.per for o in ran.values() if o.per), None)
    counted = {name: o.instructions for name, o in ran.items() if o.instructions}
    if counted:
        yield Figure(f"{row.name}: instructions per {per}", "instructions", False, counted,
                     Goal(row.goal.instructions), row.group)
    late = {name: o.p99_us for name, o in ran.items() if o.p99_us}
    if late:
        yield Figure(f"{row.name}: p99", "us", False, late, group=row.group)
    # On the memory wire a row in ns or us is CPU time already.
    if row.unit not in ("ns", "us") or row.group.startswith(("the kernel", "HTTP", "programs")):
        unit = cpu_unit(per)
        timed = {name: o.cpu_ns / NS[unit] for name, o in ran.items()
                 if o.cpu_ns and name != LIMIT}
        if timed:
            yield Figure(f"{row.name}: CPU per {per}", unit, False, timed, group=row.group)


NS = {"ns": 1, "us": 1e3, "s": 1e9}


def cpu_unit(per):
    """What the CPU time of a unit of work is given in."""
    return "s" if per == "gigabyte" else "us"


def significant(value):
    """Six digits are more than any of this is good for."""
    return float(f"{value:.6g}")


def is_met(goal, own, ratios, higher_is_better):
    """Whether naru reaches a goal; None where what it names was not measured."""
    if goal.value and (own < goal.value if higher_is_better else own > goal.value):
        return False
    wanted = {peer: r for peer, r in goal.ratios.items() if r > (ratios.get(peer) or 0)}
    if any(ratios.get(peer) for peer in wanted):
        return False
    return None if wanted else True


def own_object(figure, peer, ratios):
    """naru in a figure, beside one peer or alone."""
    own = figure.values[OWN]
    other = figure.values.get(peer)
    goal = {}
    if figure.goal != Goal():
        goal = {"goal": figure.goal.text(figure.unit),
                "met": is_met(figure.goal, own, ratios, figure.higher_is_better)}
    return {"group": figure.group, "name": figure.name, "value": significant(own),
            "unit": figure.unit, "kind": "own", "peer": peer,
            "peer_value": significant(other) if other else None, "ratio": ratios.get(peer),
            **goal, **figure.detail.get(OWN, {})}


def objects(figure):
    """The figure as objects of build/bench.json: naru beside each peer, then each peer."""
    own = figure.values.get(OWN)
    peers = [name for name in figure.values if name != OWN]
    if own is not None:
        ratios = {p: ratio(own, figure.values[p], figure.higher_is_better) for p in peers}
        for peer in peers or [None]:
            yield own_object(figure, peer, ratios)
    for peer in peers:
        yield {"group": figure.group, "name": figure.name,
               "value": significant(figure.values[peer]), "unit": figure.unit,
               "kind": "limit" if peer == LIMIT else "peer", "peer": peer, "peer_value": None,
               "ratio": None, **figure.detail.get(peer, {})}


def beside(row, own_values):
    """naru in this row beside naru in another one, as an object; None where one is missing."""
    own, other = own_values.get(row.name), own_values.get(row.beside)
    if own is None or other is None:
        return None
    peer = f"{OWN}: {row.beside}"
    figure = Figure(row.name, row.unit, row.higher_is_better, {OWN: own, peer: other}, row.goal,
                    row.group)
    return own_object(figure, peer, {peer: ratio(own, other, row.higher_is_better)})


def number(value):
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def print_row(row, outcomes):
    """The row as lines of the table, one a contestant."""
    own = outcomes.get(OWN)
    goal = row.goal.text(row.unit)
    print(f"  {row.name}{f'   (goal: {goal})' if goal else ''}")
    for name, o in outcomes.items():
        if not o.results:
            print(f"    {name:<17} skipped: {o.missing}")
            continue
        line = f"    {name:<17} {number(o.value):>9} {row.unit:<10}"
        if len(o.results) > 1:
            line += f" ±{o.spread / 2:>4.0%}"
        if o.cpu_ns and o.per:
            unit = "s" if o.per == "gigabyte" else "ns"
            line += f"  {number(o.cpu_ns / NS[unit])} {unit} of CPU a {o.per}"
        if o.p99_us:
            line += f"  p99 {number(o.p99_us)} us"
        if o.instructions:
            line += f"  {number(o.instructions)} instructions"
        if own and own.results and name != OWN:
            times = ratio(own.value, o.value, row.higher_is_better)
            line += f"  naru is {times:.2f} x" if times else ""
        print(line, flush=True)
        if o.ping_pong:
            pairs = (f"{number(r.value)} at {p:.0f} ns" for r, p in zip(o.results, o.ping_pong))
            print(f"    {'':<17} each repeat at its ping-pong time: {', '.join(pairs)}")


def write(path, found):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(f"  {json.dumps(o)}" for o in found) + "\n]\n")
