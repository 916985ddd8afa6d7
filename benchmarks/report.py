"""docs/performance.md and its plots, from what the benchmarks wrote.

    .venv/bin/python benchmarks/report.py          # reads docs/performance/{bench,peers,growth}.json

A table goes between the marks of its name in the page: <!-- table: NAME -->, <!-- /table -->.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from loading import Load, medians, ratios, spread
from machine import ROOT
from matplotlib.figure import Figure

FOLDER, PAGE = ROOT / "docs/performance", ROOT / "docs/performance.md"
OURS, THEIRS, MORE = "#c2410c", "#64748b", ("#1d4ed8", "#15803d", "#7e22ce")
KINDS = {
    "hot": "customer by id",
    "email": "search by e-mail",
    "stub": "POST, constant",
    "same": "POST, one cart",
    "post": "POST, ours computed",
    "wrong": "401",
}


def main() -> int:
    """Write the tables and the plots."""
    mpl.rcParams |= {"svg.hashsalt": "mockspi", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False}
    mpl.rcParams |= {"axes.spines.right": False, "font.family": "sans-serif"}
    read = {name: json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in ("bench", "peers", "growth")}
    page = PAGE.read_text("utf-8")
    for name, table in TABLES.items():
        marked = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- /table -->)", re.DOTALL)
        text = "\n".join(table(read[name.partition(" ")[0]]))
        page, found = marked.subn(lambda match, text=text: f"{match[1]}{text}\n{match[2]}", page)
        if not found:
            sys.exit(f"{PAGE} has no place for the table {name}")
    PAGE.write_text(page, "utf-8")
    draw_peers(read["peers"])
    draw_growth(read["growth"])
    return 0


def rounds(found: Sequence[dict[str, float]]) -> list[Load]:
    """Loads as they were."""
    return [Load(**one) for one in found]


def rows(head: Sequence[str], lines: Sequence[Sequence[object]]) -> list[str]:
    """A table in Markdown; all columns but the first to the right."""
    return [f"| {' | '.join(map(str, line))} |" for line in (head, ["---", *["---:"] * (len(head) - 1)], *lines)]


def machine(document: dict[str, Any]) -> list[str]:
    """On what it ran."""
    return rows(("", ""), [(name, value) for name, value in document["machine"].items() if value])


def calls(document: dict[str, Any]) -> list[str]:
    """Each kind of call beside the raw server."""
    lines = []
    for name, found in document["calls"].items():
        raw, ours = rounds(found["raw"]), rounds(found["mockspi"])
        one, other = medians(ours), medians(raw)
        share, cpu, late = spread(ratios(ours, raw)), f"{other.cost / one.cost:.2f}", f"{one.worst / other.worst:.2f}"
        lines.append(
            (
                name,
                f"{other.rate:,.0f}",
                f"{one.rate:,.0f}",
                share,
                cpu,
                f"{one.cost:.0f}",
                f"{other.worst:.2f}",
                f"{one.worst:.2f}",
                late,
            )
        )
    return rows(
        ("call", "raw/s", "mockspi/s", "share (least-most)", "share by CPU", "CPU µs each", "p99 raw, ms", "p99, ms", "times"),
        lines,
    )


def others(document: dict[str, Any]) -> list[str]:
    """The other figures beside what they are compared with."""

    def line(what: str, ours: Sequence[float], theirs: Sequence[float], digits: int = 2) -> tuple[object, ...]:
        ratio = [one / other for one, other in zip(ours, theirs, strict=True)]
        return what, spread(theirs, digits), spread(ours, digits), spread(ratio)

    waited = [one["rate"] for one in document["delay"]]
    single, start, workers = document["single"]["hot"], document["start"], document["workers"]
    lines = [
        line(
            "one connection, ms (raw, mockspi)", *([1000 / one["rate"] for one in single[side]] for side in ("mockspi", "raw")), 3
        ),
        line("start to first answer, s (bare Flask, mockspi)", start["mockspi"], start["bare"]),
        line("`mockspi --help`, s (`import click`, mockspi)", start["mockspi --help"], start["import click"]),
        *(
            line(
                f"{name}, calls/s (1 worker, 2 workers)",
                *([one["rate"] for one in found[side]] for side in ("2 workers", "1 worker")),
                0,
            )
            for name, found in workers.items()
        ),
        (
            "256 connections, each call delayed by 50 ms, calls/s",
            "5120",
            spread(waited, 0),
            spread([one / 5120 for one in waited]),
        ),
    ]
    return rows(("", "compared with", "mockspi", "times (least-most)"), lines)


def peer_calls(document: dict[str, Any]) -> list[str]:
    """Every peer at every kind of call that it can serve."""
    lines = []
    for kind, title in KINDS.items():
        for name, found in document["peers"].items():
            if loads := found["calls"].get(kind):
                theirs, ours = rounds(loads["peer"]), rounds(loads["mockspi"])
                one, other = medians(ours), medians(theirs)
                times, cpu = spread(ratios(ours, theirs), 1), f"{other.cost / one.cost:.1f}"
                lines.append(
                    (title, name, f"{other.rate:,.0f}", f"{one.rate:,.0f}", times, cpu, f"{other.worst:.1f}", f"{one.worst:.1f}")
                )
    return rows(("call", "peer", "peer/s", "mockspi/s", "times (least-most)", "times by CPU", "p99 peer, ms", "p99, ms"), lines)


def peer_sizes(document: dict[str, Any]) -> list[str]:
    """What a start takes, and memory."""
    lines = []
    for name, found in document["peers"].items():
        start, memory = found["start"], found["memory"]
        sizes = [f"{memory[when][side]:.0f}" for side in ("peer", "mockspi") for when in ("idle", "after")]
        lines.append(
            (
                name,
                spread(start["peer"]),
                spread(start["mockspi"]),
                "{} / {}".format(*sizes),
                "{} / {}".format(*sizes[2:]),
                found["note"],
            )
        )
    return rows(("peer", "start, s", "mockspi, s", "MiB idle / after", "mockspi", "note"), lines)


def growth_starts(document: dict[str, Any]) -> list[str]:
    """Starts by size."""
    lines = []
    for size, found in document["starts"].items():
        first, further = found["first"], (spread([one[key] for one in found["further"]]) for key in ("seconds", "cpu"))
        took = f"{first['seconds']:.1f}" if first["seconds"] else "-"
        lines.append((f"{int(size):,}", took, f"{first['cpu']:.1f}", f"{first['peak']:,.0f}", *further))
    return rows(("customers", "first start, s", "CPU s", "peak MiB", "further starts, s", "CPU s"), lines)


def growth_calls(document: dict[str, Any]) -> list[str]:
    """Calls by size."""
    lines = []
    for kind, sizes in document["calls"]["calls"].items():
        least = medians(rounds(next(iter(sizes.values()))))
        for size, found in sizes.items():
            one, rates = medians(rounds(found)), [load["rate"] for load in found]
            lines.append(
                (kind, f"{int(size):,}", spread(rates, 0), f"{one.cost:.0f}", f"{one.cost / least.cost:.2f}", f"{one.worst:.2f}")
            )
    return rows(("call", "customers", "calls/s", "CPU µs each", "times the smallest", "p99, ms"), lines)


def growth_sizes(document: dict[str, Any]) -> list[str]:
    """Memory by size, and what sandboxes cost."""
    memory, many = document["calls"]["memory"], document["sandboxes"]
    lines = [(f"{int(size):,} customers", f"{one['hot']:.0f}", f"{one['others']:.0f}", "") for size, one in memory.items()]
    lines += [(f"500 sandboxes: {name}", f"{one['memory']:.0f}", "", f"{one['disk']:,.0f}") for name, one in many.items()]
    return rows(("", "MiB", "MiB after searches", "state folder, KiB"), lines)


def growth_journal(document: dict[str, Any]) -> list[str]:
    """A journal at its bound."""
    lines = []
    for kind, found in document["journal"].items():
        bound, free = rounds(found["bound"]), rounds(found["boundless"])
        one, other = medians(bound), medians(free)
        lines.append(
            (kind, f"{one.rate:,.0f}", f"{other.rate:,.0f}", spread(ratios(bound, free)), f"{other.cost / one.cost:.2f}")
        )
    return rows(("call", "at its bound/s", "boundless/s", "share (least-most)", "share by CPU"), lines)


TABLES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "bench machine": machine,
    "bench calls": calls,
    "bench others": others,
    "peers machine": machine,
    "peers calls": peer_calls,
    "peers sizes": peer_sizes,
    "growth machine": machine,
    "growth starts": growth_starts,
    "growth calls": growth_calls,
    "growth sizes": growth_sizes,
    "growth journal": growth_journal,
}


def draw_peers(document: dict[str, Any]) -> None:
    """Throughput, CPU time and latency of the customer by id, a bar for each peer; a line from the least round to the most."""
    found = {name: rounds(one["calls"]["hot"]["peer"]) for name, one in document["peers"].items()}
    found["mockspi"] = [load for one in document["peers"].values() for load in rounds(one["calls"]["hot"]["mockspi"])]
    names = sorted(found, key=lambda name: medians(found[name]).rate)
    figure = Figure(figsize=(11, 0.34 * len(names) + 1.1), layout="constrained")
    panels = (("calls a second", "rate"), ("CPU microseconds for each call", "cost"), ("99th percentile of latency, ms", "worst"))
    for axis, (title, pick) in zip(figure.subplots(1, 3, sharey=True), panels, strict=True):
        values = [[getattr(load, pick) for load in found[name]] for name in names]
        middle = [statistics.median(one) for one in values]
        reach = [
            [mid - min(one) for mid, one in zip(middle, values, strict=True)],
            [max(one) - mid for mid, one in zip(middle, values, strict=True)],
        ]
        colors = [OURS if name == "mockspi" else THEIRS for name in names]
        axis.barh(names, middle, xerr=reach, color=colors, error_kw={"linewidth": 0.8})
        axis.bar_label(axis.containers[-1], labels=[f"{one:,.0f}" if one > 100 else f"{one:.1f}" for one in middle], padding=12)
        axis.set(xscale="log", xlabel=title)
        axis.margins(x=0.25)
    figure.suptitle("A customer by id of 1,000, 16 connections, one core")
    save(figure, "peers")


def draw_growth(document: dict[str, Any]) -> None:
    """CPU time and latency of each kind of call by the size of the set."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, title, pick in (
        (axes[0], "CPU microseconds for each call", "cost"),
        (axes[1], "99th percentile of latency, ms", "worst"),
    ):
        for color, (kind, sizes) in zip((OURS, *MORE), document["calls"]["calls"].items(), strict=False):
            values = [getattr(medians(rounds(one)), pick) for one in sizes.values()]
            axis.plot([int(size) for size in sizes], values, marker="o", color=color, label=kind)
        axis.set(xscale="log", yscale="log", xlabel="customers", ylabel=title)
    axes[0].legend(frameon=False)
    save(figure, "growth")


def save(figure: Figure, name: str) -> None:
    """The same figures, the same bytes."""
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
