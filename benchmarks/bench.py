"""How near mockspi comes to the server that carries it: each kind of call beside a constant reply of the same size.

    .venv/bin/python benchmarks/bench.py [--rounds 5] [--seconds 1] [--customers 100000] [--only hot,tax] [--json FILE]

Needs wrk. The server has one core and the load another; rounds alternate between the two servers. Two figures: calls a
second, which only a quiet machine can say, and the server's CPU time for each call, which other work hardly disturbs.
Everything is as a user runs it: journal, sandbox and checks on. Then what a single connection waits, how long a start
takes, what a second worker gives, and how many calls wait at once.

Sets are kept in ~/.cache/mockspi-bench. Exit 1 where a figure is below what part 5 asks; --smoke asks for no errors only.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import machine
from calls import CART, KEY, Kind, customers, kinds
from generate import kept
from loading import SERVER_CORE, Load, end, free_port, loaded, medians, ratios, spread
from scaling import DELAY, MOST, WAITING, delayed, origin, workers
from serving import Server, serving, until
from starting import helps, starts

HERE = Path(__file__).parent
WARM = 3  #: seconds
PARTS = ("single", "start", "workers", "delay")  #: beside the kinds of calls
Found = dict[str, dict[str, list[Load]]]


def main() -> int:
    """Measure, print, judge."""
    options = arguments()
    document: dict[str, Any] = {"machine": machine.described(), "options": {k: str(v) for k, v in vars(options).items()}}
    print("\n".join(f"{name:8} {value}" for name, value in document["machine"].items()))
    held: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="mockspi-bench-") as name:
        folder, fixtures = Path(name), kept(options.customers)
        chosen = [one for one in kinds("/spi/1.0", customers(fixtures)) if wanted(one.name, options)]
        with serving("--state", str(folder / "state"), "--fixtures", str(fixtures), before=SERVER_CORE) as server:
            document["calls"] = {one.name: measured(one, server, folder, options, 16) for one in chosen}
            held += told(document["calls"], chosen)
            if wanted("single", options):
                document["single"] = {one.name: measured(one, server, folder, options, 1) for one in chosen[:1]}
                held += told_single(document["single"])
        if wanted("start", options):
            document["start"] = starts(options.rounds) | helps(3 * options.rounds)
            held += told_starts(document["start"])
        if wanted("workers", options):
            some = [one for one in chosen if one.name in ("hot", "tax")]
            document["workers"] = workers(some, fixtures, folder, options.rounds, 3 * options.seconds)
            held += told_workers(document["workers"])
        if wanted("delay", options):
            document["delay"] = delayed(folder, options.rounds, 3 * options.seconds)
            held += told_delay(document["delay"])
    if options.json:
        options.json.write_text(json.dumps(document, indent=1, default=asdict) + "\n")
    return 0 if options.smoke or all(held) else 1


def arguments() -> argparse.Namespace:
    """What to measure, and how long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, default in (("rounds", 5), ("seconds", 1), ("customers", 100_000)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    parser.add_argument("--only", default="", help=f"kinds of calls and parts ({', '.join(PARTS)}), with commas between")
    parser.add_argument("--json", type=Path, help="write every round here")
    parser.add_argument("--smoke", action="store_true", help="no warming up, and exit 0 whatever the figures are")
    return parser.parse_args()


def wanted(name: str, options: argparse.Namespace) -> bool:
    """Whether a kind or a part is to be measured."""
    return not options.only or name in options.only.split(",")


def measured(kind: Kind, server: Server, folder: Path, options: argparse.Namespace, connections: int) -> dict[str, list[Load]]:
    """Rounds of one kind, raw and ours in turn; the first warms up."""
    script = folder / "calls.lua"
    script.write_text(kind.script)
    found: dict[str, list[Load]] = {"raw": [], "mockspi": []}
    with raw(length(kind, origin(server)), kind.status) as (ceiling, process):
        for turn in range(1 if options.smoke else 0, options.rounds + 1):
            for name, url, pid in (("raw", ceiling, process.pid), ("mockspi", origin(server), server.process.pid)):
                seconds, many = (options.seconds, connections) if turn else (WARM, 16)
                load = loaded(url, script, pid, seconds, many, kind.status)
                if turn:
                    found[name].append(load)
    return found


def length(kind: Kind, url: str) -> int:
    """How many bytes a reply of ours has."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    if kind.like:
        connection.request("GET", kind.like)
    elif kind.name in ("tax", "tax again"):
        connection.request(
            "POST", f"/spi/1.0/taxEngine/calculateTax?api_key={KEY}", json.dumps(CART), {"Content-Type": "application/json"}
        )
    else:
        return 300
    reply = connection.getresponse()
    body = reply.read()
    if not kind.status.startswith(str(reply.status)):
        sys.exit(f"{kind.name}: {reply.status} {body!r}")
    return len(body)


@contextmanager
def raw(size: int, status: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The constant server, on the same core."""
    port = free_port()
    words = (
        "--interface",
        "wsgi",
        "--port",
        str(port),
        "--workers",
        "1",
        "--log-level",
        "error",
        "--blocking-threads",
        "1",
        "raw:app",
    )
    environment = {**os.environ, "RAW_BYTES": str(size), "RAW_STATUS": status}
    process = subprocess.Popen([*SERVER_CORE, sys.executable, "-m", "granian", *words], cwd=HERE, env=environment)
    try:
        until(port)
        yield f"http://127.0.0.1:{port}", process
    finally:
        end(process)


def told(found: Found, chosen: Sequence[Kind]) -> list[bool]:
    """The table of calls; whether each is what is asked."""
    print(f"\n{'16 connections':14}{'raw/s':>9}{'ours/s':>9}{'share (spread)':>19}{'asked':>7}{'by CPU':>8}{'us each':>9}"
          f"{'p99 raw':>9}{'p99':>8}{'ratio':>7}")  # fmt: skip
    held = []
    for kind in chosen:
        loads = found[kind.name]
        ours, ceiling = medians(loads["mockspi"]), medians(loads["raw"])
        share = ratios(loads["mockspi"], loads["raw"])
        cpu, late = ceiling.cost / ours.cost, ours.worst / ceiling.worst
        print(f"{kind.name:14}{ceiling.rate:9.0f}{ours.rate:9.0f}{spread(share):>19}{kind.least or '':>7}"
              f"{cpu:8.2f}{ours.cost:9.0f}{ceiling.worst:9.2f}{ours.worst:8.2f}{late:7.2f}")  # fmt: skip
        held.append(statistics.median(share) >= kind.least)
        held.append(kind.name != "hot" or ours.worst <= 1.5 * ceiling.worst)
    return held


def told_single(found: Found) -> list[bool]:
    """Latency of one connection."""
    held = []
    for name, loads in found.items():
        ratio = [1 / one for one in ratios(loads["mockspi"], loads["raw"])]
        ours, ceiling = (1000 / medians(loads[side]).rate for side in ("mockspi", "raw"))
        print(f"\n1 connection, {name}: {ceiling:.3f} ms raw, {ours:.3f} ms ours, {spread(ratio)} times (asked: 1.15)")
        held.append(statistics.median(ratio) <= 1.15)
    return held


def told_starts(found: dict[str, list[float]]) -> list[bool]:
    """Seconds of starts."""
    held = []
    for ours, theirs, most in (("mockspi", "bare", 1.6), ("mockspi --help", "import click", 1.5)):
        ratio = [one / other for one, other in zip(found[ours], found[theirs], strict=True)]
        print(
            f"\n{ours}: {spread(found[ours])} s, {theirs}: {spread(found[theirs])} s, {spread(ratio)} times (asked: {most})",
            end="",
        )
        held.append(statistics.median(ratio) <= most)
    print()
    return held


def told_workers(found: Found) -> list[bool]:
    """What a second worker gives."""
    held = []
    for name, loads in found.items():
        gain = ratios(loads["2 workers"], loads["1 worker"])
        one, two = (medians(loads[side]).rate for side in ("1 worker", "2 workers"))
        print(
            f"\n{name}, both cores with the load: 1 worker {one:.0f}/s, 2 workers {two:.0f}/s, {spread(gain)} times (asked: 1.5)",
            end="",
        )
        held.append(statistics.median(gain) >= 1.5)
    print()
    return held


def told_delay(loads: Sequence[Load]) -> list[bool]:
    """How many calls wait at once."""
    shares, cost = [one.rate / MOST for one in loads], medians(loads).cost
    print(f"\n{WAITING} connections, each call delayed by {DELAY} ms: {spread(shares)} of what is possible (asked: 0.8); "
          f"{cost:.0f} us of CPU each")  # fmt: skip
    return [statistics.median(shares) >= 0.8]


if __name__ == "__main__":
    sys.exit(main())
