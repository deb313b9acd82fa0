"""Medians, the table that a person reads, and the list that build/bench.json holds."""

import json
import statistics
from dataclasses import dataclass, field

from .rows import LIMIT, OWN


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
                 {name: o.value for name, o in ran.items()}, detail)
    per = next((o.per for o in ran.values() if o.per), None)
    counted = {name: o.instructions for name, o in ran.items() if o.instructions}
    if counted:
        yield Figure(f"{row.name}: instructions per {per}", "instructions", False, counted)
    if row.unit not in ("ns", "us") or row.group.startswith(("the kernel", "HTTP")):
        timed = {name: o.cpu_ns / 1000 for name, o in ran.items() if o.cpu_ns and name != LIMIT}
        if timed:
            yield Figure(f"{row.name}: CPU per {per}", "us", False, timed)


def significant(value):
    """Six digits are more than any of this is good for."""
    return float(f"{value:.6g}")


def objects(figure):
    """The figure as objects of build/bench.json: naru beside each peer, then each peer."""
    own = figure.values.get(OWN)
    for peer, value in figure.values.items():
        if own is not None and peer != OWN:
            yield {"name": figure.name, "value": significant(own), "unit": figure.unit,
                   "kind": "own", "peer": peer, "peer_value": significant(value),
                   "ratio": ratio(own, value, figure.higher_is_better),
                   **figure.detail.get(OWN, {})}
    if own is not None and len(figure.values) == 1:
        yield {"name": figure.name, "value": significant(own), "unit": figure.unit, "kind": "own",
               "peer": None, "peer_value": None, "ratio": None, **figure.detail.get(OWN, {})}
    for peer, value in figure.values.items():
        if peer != OWN:
            yield {"name": figure.name, "value": significant(value), "unit": figure.unit,
                   "kind": "limit" if peer == LIMIT else "peer", "peer": peer, "peer_value": None,
                   "ratio": None, **figure.detail.get(peer, {})}


def beside(row, own_values):
    """naru in this row beside naru in another one, as an object; None where one is missing."""
    own, other = own_values.get(row.name), own_values.get(row.beside)
    if own is None or other is None:
        return None
    return {"name": row.name, "value": significant(own), "unit": row.unit, "kind": "own",
            "peer": f"{OWN}: {row.beside}", "peer_value": significant(other),
            "ratio": ratio(own, other, row.higher_is_better)}


def number(value):
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def print_row(row, outcomes):
    """The row as lines of the table, one a contestant."""
    own = outcomes.get(OWN)
    print(f"  {row.name}{f'   (goal: {row.goal})' if row.goal else ''}")
    for name, o in outcomes.items():
        if not o.results:
            print(f"    {name:<17} skipped: {o.missing}")
            continue
        line = f"    {name:<17} {number(o.value):>9} {row.unit:<10}"
        if len(o.results) > 1:
            line += f" ±{o.spread / 2:>4.0%}"
        if o.cpu_ns and o.per:
            line += f"  {number(o.cpu_ns)} ns of CPU a {o.per}"
        if o.instructions:
            line += f"  {number(o.instructions)} instructions"
        if own and own.results and name != OWN:
            line += f"  naru is {ratio(own.value, o.value, row.higher_is_better):.2f} x"
        print(line, flush=True)
        if o.ping_pong:
            pairs = (f"{number(r.value)} at {p:.0f} ns" for r, p in zip(o.results, o.ping_pong))
            print(f"    {'':<17} each repeat at its ping-pong time: {', '.join(pairs)}")


def write(path, found):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(f"  {json.dumps(o)}" for o in found) + "\n]\n")
